//! Sign-in with an identity provider, on the sign-in page and on the account page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::confirmation::Confirmed;
use crate::accounts::api::{ConfirmPassword, Disconnect, load_connection};
use crate::accounts::types::IdentityConnection;
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{FormError, error_of};
use ui::page::Panel;

/// Returns the error of a failed sign-in at the provider, from the URL.
pub fn refusal() -> Option<&'static str> {
    let query = use_query_map();
    let query = query.read_untracked();
    Some(match query.get_str("error")? {
        "state_mismatch" => "Sign-in took too long or started in another browser. Try again.",
        "missing_code" => "Sign-in was refused by the provider. Try again, or use your password.",
        "token_exchange_failed" | "not_set_up" => {
            "Couldn’t get your identity from the provider. Try again later, or use your password."
        }
        "missing_user_info" => "The provider didn’t return a verified email address.",
        "account_exists" => {
            "An account with your email address already exists. Sign in with its password, then connect the \
             two on your account’s page."
        }
        "identity_taken" => "This identity is already linked to another account.",
        "registration_closed" => "You don’t have an account yet. Ask an admin to invite you.",
        "setup_token_needed" => {
            "This server isn’t set up yet. Its operator has to create the admin account with the setup token first."
        }
        "invitation_unusable" => {
            "The invitation has been used, has expired, or is for another email address."
        }
        "too_many_attempts" => "Too many accounts were created from your network. Try again later.",
        _ => "Sign-in failed. Try again, or ask an admin.",
    })
}

/// A link to the provider.
#[component]
pub fn ProviderLink(
    /// The provider's display name.
    provider: String,
    /// The page to redirect to afterwards.
    next: String,
    /// The token of an invitation.
    #[prop(optional)]
    invitation: String,
    /// The text before the provider's name.
    #[prop(default = "Sign in with")]
    verb: &'static str,
) -> impl IntoView {
    let mut query = leptos_router::params::ParamsMap::new();
    for (name, value) in [("next", next), ("invitation", invitation)] {
        if !value.is_empty() {
            query.insert(name, value);
        }
    }
    let address = format!("/api/auth/google/authorize{}", query.to_query_string());
    view! {
        <a class=format!("{} w-full", ButtonTone::Plain.class()) href=address rel="external">
            {verb} " " {provider}
        </a>
    }
}

/// The panel for connecting the account with the provider; empty if none is configured.
#[component]
pub fn ConnectionPanel(confirm: ServerAction<ConfirmPassword>) -> impl IntoView {
    let disconnect = ServerAction::<Disconnect>::new();
    let connection = Resource::new_blocking(
        move || (disconnect.version().get(), confirm.version().get()),
        |_| load_connection(),
    );
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let known = connection.await.ok().flatten();
                known.map(|connection| view! { <Connected connection disconnect confirm /> })
            })}
        </Suspense>
    }
}

#[component]
fn Connected(
    connection: IdentityConnection,
    disconnect: ServerAction<Disconnect>,
    confirm: ServerAction<ConfirmPassword>,
) -> impl IntoView {
    let IdentityConnection { provider, connected, has_password, confirmation } = connection;
    let about = match (connected, has_password) {
        (true, true) => {
            "You can sign in with it or with your password. Changing your password disconnects it."
        }
        (true, false) => {
            "This is your only way to sign in: you have no password. Reset your password to set one; that disconnects this sign-in."
        }
        (false, _) => "Connect it to sign in without a password.",
    };
    view! {
        <Panel>
            <div class="p-4.5" id="connection">
                <h2 class="font-semibold">{provider.clone()}</h2>
                <p class="text-soft mt-0.5">{about}</p>
                {refusal().map(|why| view! { <p class="form-error mt-1" role="alert">{why}</p> })}
                <div class="mt-3 sm:max-w-sm">
                    {if connected {
                        view! {
                            <ActionForm action=disconnect>
                                <SubmitButton pending=disconnect.pending()>"Disconnect"</SubmitButton>
                            </ActionForm>
                            <FormError error=error_of(disconnect) />
                        }
                            .into_any()
                    } else {
                        view! {
                            <Confirmed confirmation confirm id="connection-password">
                                <ProviderLink
                                    provider=provider.clone()
                                    next="/account".to_owned()
                                    verb="Connect"
                                />
                            </Confirmed>
                        }
                            .into_any()
                    }}
                </div>
            </div>
        </Panel>
    }
}
