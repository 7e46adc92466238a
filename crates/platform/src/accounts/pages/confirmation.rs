//! The form that comes first when the latest sign-in is too old for what a panel offers.

use leptos::prelude::*;

use crate::accounts::api::ConfirmPassword;
use crate::accounts::types::Confirmation;
use ui::button::SubmitButton;
use ui::form::{FormError, PasswordField, PasswordPurpose, error_of};

/// Asks for the password; shows `children` if that is not necessary.
#[component]
pub fn Confirmed(
    confirmation: Confirmation,
    confirm: ServerAction<ConfirmPassword>,
    /// The id of the field.
    id: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    match confirmation {
        Confirmation::Done => children().into_any(),
        Confirmation::EnterPassword => view! {
            <ActionForm action=confirm attr:class="grid gap-3.5 sm:max-w-sm">
                <PasswordField
                    label="Your password"
                    name="password"
                    id
                    purpose=PasswordPurpose::Current
                    hint="Your last sign-in was a while ago."
                    required=true
                />
                <FormError error=error_of(confirm) />
                <div>
                    <SubmitButton pending=confirm.pending()>"Continue"</SubmitButton>
                </div>
            </ActionForm>
        }
        .into_any(),
        Confirmation::SignInAgain => view! {
            <p class="text-soft">"Your last sign-in was a while ago. Sign out and sign in again first."</p>
        }
        .into_any(),
    }
}
