//! A provider's API key: its state, and the form that replaces it.

use leptos::prelude::*;

use super::actions::Actions;
use crate::providers::listing::{KeyState, ProviderListing};
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{PasswordField, PasswordPurpose};
use ui::tag::{Tag, Tone};
use ui::time::Ago;

/// The state of the key as a tag.
#[component]
pub(super) fn KeyTag(key: KeyState) -> impl IntoView {
    let (tone, text) = match key {
        KeyState::NotNeeded => return None,
        KeyState::Missing => (Tone::Warning, "no key".to_owned()),
        KeyState::Locked { .. } => (Tone::Warning, "key locked (URL changed)".to_owned()),
        KeyState::Saved { last4, .. } => (Tone::Good, format!("key …{last4}")),
        KeyState::Environment(name) => (Tone::Good, format!("key from {name}")),
        KeyState::Shared => (Tone::Good, "shared key".to_owned()),
    };
    Some(view! { <Tag tone text /> })
}

/// Shows the state of the key, and the form for a new one.
#[component]
pub(super) fn KeySection(listing: ProviderListing, actions: Actions) -> impl IntoView {
    let id = listing.id.clone();
    let removable = matches!(listing.key, KeyState::Saved { .. } | KeyState::Locked { .. });
    let Actions { remove_key, .. } = actions;
    view! {
        <section class="panel mt-3.5 px-4.5 py-4" aria-labelledby="key">
            <h2 id="key" class="font-semibold">
                "API key"
            </h2>
            <p class="text-soft mt-0.5">
                <KeyStory key=listing.key.clone() />
            </p>
            <div class="mt-2.5 flex flex-wrap items-end gap-2">
                <KeyForm listing actions />
                {removable
                    .then(|| {
                        view! {
                            <ActionForm action=remove_key>
                                <input type="hidden" name="provider" value=id />
                                <SubmitButton pending=remove_key.pending()>"Remove key"</SubmitButton>
                            </ActionForm>
                        }
                    })}
            </div>
        </section>
    }
}

#[component]
fn KeyStory(key: KeyState) -> impl IntoView {
    match key {
        KeyState::NotNeeded => "No key required. If you save one, it’s only sent to this URL.".into_any(),
        KeyState::Missing => "No key yet. Keys are stored encrypted and never shown again.".into_any(),
        KeyState::Saved { last4, updated_at } => {
            view! { "Ends in " <b class="num">{last4}</b> ", saved " <Ago at_ms=updated_at /> "." }.into_any()
        }
        KeyState::Locked { last4, origin, .. } => view! {
            "The key that ends in "
            <b class="num">{last4}</b>
            " was saved for "
            {origin}
            " and is not sent anywhere else. Enter the key for the new URL."
        }
        .into_any(),
        KeyState::Environment(name) => {
            view! { "Taken from " <code class="font-mono">{name}</code> " of the server's environment." }
                .into_any()
        }
        KeyState::Shared => "Shared by an admin. The key stays hidden.".into_any(),
    }
}

/// The form for a new key. Its id differs from those of other providers.
#[component]
pub(super) fn KeyForm(listing: ProviderListing, actions: Actions) -> impl IntoView {
    let Actions { save_key, .. } = actions;
    let name = listing.provider.display_name.clone();
    view! {
        <ActionForm action=save_key attr:class="flex min-w-0 flex-wrap items-end gap-2">
            <input type="hidden" name="provider" value=listing.id.clone() />
            <PasswordField
                label=format!("API key for {name}")
                name="api_key"
                id=format!("key-{}", listing.id)
                purpose=PasswordPurpose::Secret
                placeholder="sk-…"
                required=true
            />
            <SubmitButton tone=ButtonTone::Primary pending=save_key.pending()>
                "Save key"
            </SubmitButton>
        </ActionForm>
    }
}
