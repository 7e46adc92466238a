//! Password reset: requesting a link, and setting a new password with it.

use leptos::prelude::*;

use super::sign_in::{AuthHead, EmailField, query, title};
use crate::accounts::api::{ForgotPassword, ResetPassword, load_registration_info};
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{FormError, PasswordField, PasswordPurpose, error_of};
use ui::page::Skeleton;
use ui::sync_view::IntoSyncAny;
use ui::title::PageTitle;

/// The form that requests a reset link.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    let state = Resource::new_blocking(|| (), |()| load_registration_info());
    view! {
        <AuthHead>"Reset your password"</AuthHead>
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
                "Back to sign-in"
            </a>
        </p>
    }
    .into_sync_any()
}

#[component]
fn AskForm() -> impl IntoView {
    let action = ServerAction::<ForgotPassword>::new();
    view! {
        <PageTitle text=title("Reset your password", error_of(action)) />
        <p class="text-soft mt-1">"We’ll email you a link."</p>
        <ActionForm action attr:class="mt-4 grid gap-3.5">
            <EmailField />
            <FormError error=error_of(action) />
            <SubmitButton tone=ButtonTone::Primary>"Send reset link"</SubmitButton>
        </ActionForm>
    }
}

#[component]
fn Asked() -> impl IntoView {
    view! {
        <PageTitle text="Reset your password" />
        <p class="mt-2" role="status">
            "If an account with this email address exists, we’ve sent it a reset link. It expires in one hour. "
            "Check your spam folder."
        </p>
    }
}

#[component]
fn AskAnAdmin() -> impl IntoView {
    view! {
        <PageTitle text="Reset your password" />
        <p class="mt-2">"Email isn’t set up on this server. Ask an admin for a reset link."</p>
        <p class="text-soft mt-2">
            "The server operator can create one with:"
            <code class="mt-1 block font-mono text-xs">
                "llm-studio user password-link name@example.org"
            </code>
        </p>
    }
}

/// The form that sets a new password with a reset link.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let action = ServerAction::<ResetPassword>::new();
    let token = query("token");
    view! {
        <PageTitle text=title("Reset your password", error_of(action)) />
        <AuthHead>"Reset your password"</AuthHead>
        {if token.is_empty() {
            view! {
                <p class="mt-2">
                    "This link is incomplete. Open the whole link, or "
                    <a class="link" href="/forgot-password">
                        "request a new one"
                    </a> "."
                </p>
            }
                .into_any()
        } else {
            view! {
                <p class="text-soft mt-1">
                    "This signs you out everywhere and revokes your API tokens."
                </p>
                <ActionForm action attr:class="mt-4 grid gap-3.5">
                    <input type="hidden" name="token" value=token />
                    <PasswordField
                        label="New password"
                        name="password"
                        purpose=PasswordPurpose::New
                        hint="At least 8 characters. Longer is better than more complicated."
                        min_length=8
                        required=true
                    />
                    <FormError error=error_of(action) />
                    <SubmitButton tone=ButtonTone::Primary>"Set password"</SubmitButton>
                </ActionForm>
                <p class="text-soft mt-4">
                    <a class="link" href="/forgot-password">
                        "Request a new link"
                    </a>
                </p>
            }
                .into_any()
        }}
    }
    .into_sync_any()
}
