//! Settings of the installation, and invitations.

use leptos::prelude::*;

use super::one_time_secret::OneTimeLink;
use crate::accounts::{Invitation, Registration};
use crate::admin::api::{
    ChangeSettings, InstallationOverview, Invite, WithdrawInvitation, load_installation,
};
use crate::admin::types::InstallationSettings;
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{FormError, Select, SelectOption, TextField, error_of, sentence};
use ui::page::{Panel, Skeleton};
use ui::time::Ago;

#[component]
pub fn InstallationPanels() -> impl IntoView {
    let change = ServerAction::<ChangeSettings>::new();
    let invite = ServerAction::<Invite>::new();
    let withdraw = ServerAction::<WithdrawInvitation>::new();
    let house = Resource::new_blocking(
        move || (invite.version().get(), withdraw.version().get()),
        |_| load_installation(),
    );
    view! {
        <Suspense fallback=|| view! { <Skeleton rows=3 /> }>
            {move || Suspend::new(async move {
                match house.await {
                    Ok(InstallationOverview { settings, invitations, one_time_secret }) => {
                        view! {
                            <SettingsPanel settings action=change />
                            <InvitationsPanel invitations one_time_secret invite withdraw />
                        }
                            .into_any()
                    }
                    // The list of users shows the error.
                    Err(error) => view! { <p class="form-error" hidden>{sentence(&error)}</p> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn SettingsPanel(settings: InstallationSettings, action: ServerAction<ChangeSettings>) -> impl IntoView {
    let answer = action.value();
    let local_networks = match settings.local_networks {
        Some(true) => "on",
        Some(false) => "off",
        None => "auto",
    };
    view! {
        <Panel>
            <div class="p-4.5">
                <h2 class="font-semibold">"Settings"</h2>
                <ActionForm action attr:class="mt-3 grid max-w-3xl gap-3.5 sm:grid-cols-2">
                    <Select
                        label="Registration"
                        name="registration"
                        options=registrations()
                        value=settings.registration.word()
                    />
                    <Select
                        label="Benchmarks against localhost and private networks"
                        name="local_networks"
                        options=networks()
                        value=local_networks
                        hint="Cloud metadata and link-local addresses are always blocked."
                    />
                    <div class="sm:col-span-2">
                        <SubmitButton pending=action.pending()>"Save settings"</SubmitButton>
                    </div>
                </ActionForm>
                <FormError error=error_of(action) />
                <p class="text-success mt-1" role="status">
                    {move || matches!(*answer.read(), Some(Ok(()))).then_some("Settings saved.")}
                </p>
            </div>
        </Panel>
    }
}

fn registrations() -> Vec<SelectOption> {
    [
        (Registration::Open, "Open"),
        (Registration::Invitation, "Invite only"),
        (Registration::Closed, "Closed"),
    ]
    .map(|(registration, label)| SelectOption::new(registration.word(), label))
    .into()
}

fn networks() -> Vec<SelectOption> {
    [("auto", "Automatic (only while there’s a single user)"), ("on", "Allow"), ("off", "Block")]
        .map(|(value, label)| SelectOption::new(value, label))
        .into()
}

#[component]
fn InvitationsPanel(
    invitations: Vec<Invitation>,
    one_time_secret: Option<String>,
    invite: ServerAction<Invite>,
    withdraw: ServerAction<WithdrawInvitation>,
) -> impl IntoView {
    let made = invite.value();
    let link = move || made.get().and_then(Result::ok).flatten().or_else(|| one_time_secret.clone());
    view! {
        <Panel>
            <div class="p-4.5" id="invitations">
                <h2 class="font-semibold">"Invitations"</h2>
                <p class="text-soft mt-0.5">"Creates a sign-up link for one person. You’ll need to send it."</p>
                <ActionForm action=invite attr:class="mt-3 flex flex-wrap items-end gap-2">
                    <div class="w-64 max-w-full">
                        <TextField
                            label="Only for this email address (optional)"
                            name="email"
                            kind="email"
                            max_length=254
                        />
                    </div>
                    <div class="w-36">
                        <Select label="Expires in" name="days" options=lifetimes() value="7" />
                    </div>
                    <SubmitButton pending=invite.pending()>"Create link"</SubmitButton>
                </ActionForm>
                <FormError error=error_of(invite) />
                <FormError error=error_of(withdraw) />
                {move || link().map(|path| view! { <OneTimeLink path what="this invitation" /> })}
            </div>
            {(!invitations.is_empty())
                .then(|| {
                    view! {
                        <div class="overflow-x-auto">
                            <InvitationTable invitations withdraw />
                        </div>
                    }
                })}
        </Panel>
    }
}

fn lifetimes() -> Vec<SelectOption> {
    [("1", "1 day"), ("7", "7 days"), ("30", "30 days")]
        .map(|(days, label)| SelectOption::new(days, label))
        .into()
}

#[component]
fn InvitationTable(
    invitations: Vec<Invitation>,
    withdraw: ServerAction<WithdrawInvitation>,
) -> impl IntoView {
    view! {
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"For"</th>
                    <th scope="col">"Created"</th>
                    <th scope="col">
                        <span class="sr-only">"Revoke"</span>
                    </th>
                </tr>
            </thead>
            <tbody>
                {invitations
                    .into_iter()
                    .map(|invitation| {
                        view! {
                            <tr>
                                <td>{invitation.email.unwrap_or_else(|| "anybody".to_owned())}</td>
                                <td>
                                    <Ago at_ms=invitation.created_at />
                                </td>
                                <td class="n">
                                    <ActionForm action=withdraw>
                                        <input type="hidden" name="id" value=invitation.id />
                                        <button class=ButtonTone::Quiet.class()>"Revoke"</button>
                                    </ActionForm>
                                </td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </table>
    }
}
