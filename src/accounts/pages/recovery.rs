//! The way to a new password for who has forgotten theirs: asking for a link, and following it.

use leptos::prelude::*;
use leptos_meta::Title;

use super::sign_in::{AuthHead, EmailField, query, title};
use crate::accounts::api::{ForgotPassword, ResetPassword, load_registration_info};
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{FormError, PasswordField, PasswordPurpose, error_of};
use ui::page::Skeleton;
use ui::sync_view::IntoSyncAny;

/// Asking for a link to a new password.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    let state = Resource::new_blocking(|| (), |()| load_registration_info());
    view! {
        <AuthHead>"A new password"</AuthHead>
        <Suspense fallback=|| view! { <Skeleton rows=2 /> }>
            {move || Suspend::new(async move {
                let sends_mail = state.await.is_ok_and(|info| info.sends_mail);
                let asked = query("done") == "asked";
                match (sends_mail, asked) {
                    (true, true) => view! { <Asked /> }.into_any(),
                    (true, false) => view! { <AskForm /> }.into_any(),
                    (false, _) => view! { <AskAnAdmin /> }.into_any(),
                }
            })}
        </Suspense>
        <p class="text-soft mt-4">
            <a class="link" href="/login">
                "Back to signing in"
            </a>
        </p>
    }
    .into_sync_any()
}

#[component]
fn AskForm() -> impl IntoView {
    let action = ServerAction::<ForgotPassword>::new();
    view! {
        <Title text=title("A new password", error_of(action)) />
        <p class="text-soft mt-1">"You get a link by mail with which you choose one."</p>
        <ActionForm action attr:class="mt-4 grid gap-3.5">
            <EmailField />
            <FormError error=error_of(action) />
            <SubmitButton tone=ButtonTone::Primary>"Send the link"</SubmitButton>
        </ActionForm>
    }
}

#[component]
fn Asked() -> impl IntoView {
    view! {
        <Title text="A new password" />
        <p class="mt-2" role="status">
            "If there is an account with this e-mail address, a link is on its way to it. It is good for an hour. "
            "Look among the unwanted mail too."
        </p>
    }
}

#[component]
fn AskAnAdmin() -> impl IntoView {
    view! {
        <Title text="A new password" />
        <p class="mt-2">"This studio sends no mail. Ask one of its admins for a link to a new password."</p>
        <p class="text-soft mt-2">
            "Whoever runs the server makes one with"
            <code class="mt-1 block font-mono text-xs">
                "llm-studio user password-link name@example.org"
            </code>
        </p>
    }
}

/// Choosing a new password, for who has a link.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let action = ServerAction::<ResetPassword>::new();
    let token = query("token");
    view! {
        <Title text=title("A new password", error_of(action)) />
        <AuthHead>"A new password"</AuthHead>
        {if token.is_empty() {
            view! {
                <p class="mt-2">
                    "This address is not complete. Open the whole link, or "
                    <a class="link" href="/forgot-password">
                        "ask for a new one"
                    </a> "."
                </p>
            }
                .into_any()
        } else {
            view! {
                <p class="text-soft mt-1">
                    "It signs out every browser and revokes all tokens for scripts."
                </p>
                <ActionForm action attr:class="mt-4 grid gap-3.5">
                    <input type="hidden" name="token" value=token />
                    <PasswordField
                        label="New password"
                        name="password"
                        purpose=PasswordPurpose::New
                        hint="At least 8 characters. Length counts more than signs."
                        min_length=8
                        required=true
                    />
                    <FormError error=error_of(action) />
                    <SubmitButton tone=ButtonTone::Primary>"Set the password"</SubmitButton>
                </ActionForm>
                <p class="text-soft mt-4">
                    <a class="link" href="/forgot-password">
                        "Ask for a new link"
                    </a>
                </p>
            }
                .into_any()
        }}
    }
    .into_sync_any()
}
