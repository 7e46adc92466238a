//! The account page: password, API tokens, account deletion.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::confirmation::Confirmed;
use super::connection::ConnectionPanel;
use crate::accounts::api::{
    ChangePassword, ConfirmPassword, CreateToken, DeleteAccount, RevokeToken, Tokens, list_tokens,
};
use crate::accounts::types::AccessToken;
use ui::button::{ButtonTone, SubmitButton};
use ui::dialog::ConfirmDialog;
use ui::form::{
    FormError, PasswordField, PasswordPurpose, Select, SelectOption, TextField, error_of, sentence,
};
use ui::format::counted;
use ui::page::{PageHead, Panel, Skeleton};
use ui::time::{Ago, now_ms};
use ui::title::PageTitle;

/// The account's page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let confirm = ServerAction::<ConfirmPassword>::new();
    view! {
        <PageTitle text="Account" />
        <PageHead title="Account" about="Password, API tokens, and account deletion." />
        <div class="mt-3.5 grid max-w-3xl grid-cols-1 gap-3.5">
            <PasswordPanel />
            <ConnectionPanel confirm />
            <TokensPanel confirm />
            <DeletionPanel />
        </div>
    }
}

#[component]
fn PasswordPanel() -> impl IntoView {
    let action = ServerAction::<ChangePassword>::new();
    let answer = action.value();
    let sent_by_form = use_query_map().read_untracked().get("done").as_deref() == Some("password");
    let changed = move || answer.read().as_ref().map_or(sent_by_form, Result::is_ok);
    view! {
        <Panel>
            <div class="p-4.5">
                <h2 class="font-semibold">"Password"</h2>
                <p class="text-soft mt-0.5">
                    "A new password signs out all other browsers and revokes your API tokens."
                </p>
                <ActionForm action attr:class="mt-3 grid gap-3.5 sm:max-w-sm">
                    <PasswordField
                        label="Current password"
                        name="current_password"
                        purpose=PasswordPurpose::Current
                        required=true
                    />
                    <PasswordField
                        label="New password"
                        name="new_password"
                        purpose=PasswordPurpose::New
                        hint="At least 8 characters."
                        min_length=8
                        required=true
                    />
                    <FormError error=error_of(action) />
                    <p class="text-success" role="status">
                        {move || changed().then_some("Password changed.")}
                    </p>
                    <div>
                        <SubmitButton pending=action.pending()>"Change password"</SubmitButton>
                    </div>
                </ActionForm>
            </div>
        </Panel>
    }
}

#[component]
fn TokensPanel(confirm: ServerAction<ConfirmPassword>) -> impl IntoView {
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    let tokens = Resource::new_blocking(
        move || (create.version().get(), revoke.version().get(), confirm.version().get()),
        |_| list_tokens(),
    );
    let made = create.value();
    view! {
        <Panel>
            <div class="p-4.5" id="tokens">
                <h2 class="font-semibold">"API tokens"</h2>
                <p class="text-soft mt-0.5">
                    "Send as " <code class="font-mono text-xs">"Authorization: Bearer …"</code>
                    ". A token has the same permissions as you, but can’t change how you sign in."
                </p>
                <FormError error=error_of(create) />
                <FormError error=error_of(revoke) />
                {move || made.get().and_then(Result::ok).flatten().map(|token| view! { <OneTimeToken token /> })}
            </div>
            <Suspense fallback=|| view! { <Skeleton rows=2 /> }>
                {move || Suspend::new(async move {
                    match tokens.await {
                        Ok(tokens) => {
                            view! {
                                <div class="px-4.5 pb-4">
                                    <Confirmed confirmation=tokens.confirmation confirm id="tokens-password">
                                        <NewTokenForm create />
                                    </Confirmed>
                                </div>
                                <TokenList tokens revoke />
                            }
                                .into_any()
                        }
                        Err(error) => {
                            view! { <p class="form-error px-4.5 pb-4">{sentence(&error)}</p> }.into_any()
                        }
                    }
                })}
            </Suspense>
        </Panel>
    }
}

#[component]
fn NewTokenForm(create: ServerAction<CreateToken>) -> impl IntoView {
    view! {
        <ActionForm action=create attr:class="flex flex-wrap items-end gap-2">
            <div class="w-56">
                <TextField label="Name" name="name" placeholder="CI" max_length=100 required=true />
            </div>
            <div class="w-36">
                <Select label="Expires in" name="days" options=lifetimes() value="30" />
            </div>
            <SubmitButton pending=create.pending()>"Create token"</SubmitButton>
        </ActionForm>
    }
}

fn lifetimes() -> Vec<SelectOption> {
    [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")]
        .map(|(days, label)| SelectOption::new(days, label))
        .into()
}

#[component]
fn OneTimeToken(token: String) -> impl IntoView {
    view! {
        <div class="mt-3" role="status">
            <label class="form-label" for="fresh-token">
                "Copy it now – you won’t be able to see it again."
            </label>
            <input id="fresh-token" class="form-control font-mono text-xs" readonly value=token />
        </div>
    }
}

#[component]
fn TokenList(tokens: Tokens, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let one_time_secret =
        tokens.one_time_secret.map(|token| view! { <div class="px-4.5 pb-4"><OneTimeToken token /></div> });
    if tokens.listed.is_empty() {
        return one_time_secret.into_any();
    }
    view! {
        {one_time_secret}
        <div class="overflow-x-auto">
            <table class="data-table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Ends with"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Expires in"</th>
                        <th scope="col">
                            <span class="sr-only">"Revoke"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {tokens.listed.into_iter().map(|token| view! { <TokenRow token revoke /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn TokenRow(token: AccessToken, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let used = match token.last_used_at {
        Some(at_ms) => view! { <Ago at_ms /> }.into_any(),
        None => view! { <span class="text-muted">"never"</span> }.into_any(),
    };
    view! {
        <tr>
            <td>{token.name.clone()}</td>
            <td class="num font-mono text-xs">"…" {token.hint}</td>
            <td>{used}</td>
            <td class="num">{left(token.expires_at)}</td>
            <td class="n">
                <ActionForm action=revoke>
                    <input type="hidden" name="id" value=token.id />
                    <button class=ButtonTone::Quiet.class() aria-label=format!("Revoke {}", token.name)>
                        "Revoke"
                    </button>
                </ActionForm>
            </td>
        </tr>
    }
}

/// Formats the remaining time of a token, rounded up: "30 days".
fn left(expires_at: i64) -> String {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    match expires_at - now_ms() {
        ..=0 => "expired".to_owned(),
        1..DAY_MS => "less than a day".to_owned(),
        left_ms => counted(((left_ms + DAY_MS - 1) / DAY_MS) as usize, "day"),
    }
}

#[component]
fn DeletionPanel() -> impl IntoView {
    let action = ServerAction::<DeleteAccount>::new();
    let answer = action.value();
    // A full page load, because the session has ended.
    Effect::new(move |_| {
        if let Some(Ok(page)) = answer.get() {
            // Fails only for invalid URLs; this one is a path of this app.
            let _ = window().location().set_href(&page);
        }
    });
    view! {
        <Panel>
            <div class="p-4.5">
                <h2 class="font-semibold">"Delete account"</h2>
                <p class="text-soft mt-0.5 mb-3">
                    "Deletes your providers, keys, benchmarks and their results. This can’t be undone."
                </p>
                <ConfirmDialog
                    id="delete-account"
                    trigger="Delete account"
                    trigger_tone=ButtonTone::Danger
                    title="Delete your account and everything in it?"
                >
                    <ActionForm action attr:class="grid gap-3.5">
                        <PasswordField
                            label="Your password"
                            name="password"
                            id="delete-password"
                            purpose=PasswordPurpose::Current
                            required=true
                        />
                        <SubmitButton tone=ButtonTone::Danger pending=action.pending()>
                            "Delete account"
                        </SubmitButton>
                    </ActionForm>
                </ConfirmDialog>
                <FormError error=error_of(action) />
            </div>
        </Panel>
    }
}
