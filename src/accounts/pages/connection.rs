//! The identity provider that signs users in beside their passwords, on the sign-in page and on the
//! account's page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::accounts::api::{Disconnect, load_connection};
use crate::accounts::types::IdentityConnection;
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{FormError, error_of};
use ui::page::Panel;

/// Says what came of the way to the provider, if that was nothing.
pub fn refusal() -> Option<&'static str> {
    let query = use_query_map();
    let query = query.read_untracked();
    Some(match query.get_str("error")? {
        "state_mismatch" | "signed_out" => "It took too long, or began in another browser. Try again.",
        "missing_code" => "The provider let nobody in. Try again, or use your password.",
        "token_exchange_failed" | "not_set_up" => {
            "The provider could not be asked who you are. Try again later, or use your password."
        }
        "missing_user_info" => "The provider names no e-mail address of yours that it has made sure of.",
        "account_exists" => {
            "There is an account with your e-mail address already. Sign in with its password, and connect the \
             two on your account’s page."
        }
        "identity_taken" => "It signs in another account already.",
        "registration_closed" => "There is no account for you yet. Ask an admin of this studio for one.",
        "invitation_unusable" => "The invitation is used up, expired or for another e-mail address.",
        "too_many_attempts" => "Too many new accounts were opened from where you are. Try again later.",
        _ => "That did not work. Try again, or ask an admin of this studio.",
    })
}

/// A link to the provider.
#[component]
pub fn ProviderLink(
    /// What people call the provider.
    provider: String,
    /// The page to come to afterwards.
    next: String,
    /// The token of an invitation.
    #[prop(optional)]
    invitation: String,
    /// Before the provider's name.
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

/// Connecting the account with the provider; nothing where there is none.
#[component]
pub fn ConnectionPanel() -> impl IntoView {
    let disconnect = ServerAction::<Disconnect>::new();
    let connection = Resource::new_blocking(move || disconnect.version().get(), |_| load_connection());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let known = connection.await.ok().flatten();
                known.map(|connection| view! { <Connected connection disconnect /> })
            })}
        </Suspense>
    }
}

#[component]
fn Connected(connection: IdentityConnection, disconnect: ServerAction<Disconnect>) -> impl IntoView {
    let IdentityConnection { provider, connected, has_password } = connection;
    let about = match (connected, has_password) {
        (true, true) => "It signs you in, and so does your password. Another password disconnects it.",
        (true, false) => {
            "It alone signs you in: you have no password. The link for a forgotten one gets you one, and disconnects this."
        }
        (false, _) => "Connect it to sign in without your password.",
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
                        view! { <ProviderLink provider next="/account".to_owned() verb="Connect" /> }.into_any()
                    }}
                </div>
            </div>
        </Panel>
    }
}
