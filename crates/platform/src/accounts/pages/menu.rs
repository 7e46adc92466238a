//! The account menu in the top bar.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::components::A;

use crate::accounts::api::SignOut;
use crate::accounts::types::{Role, User};
use ui::case::upper_case;
use ui::disclosure::Menu;
use ui::sync_view::IntoSyncAny;

/// A menu with the user's email address, links to the account pages, and sign-out.
#[component]
pub fn AccountMenu(user: User) -> impl IntoView {
    let initials = initials(&user.email);
    let email = user.email;
    view! {
        <Menu label=format!("Account: {email}") button=move || initials.clone()>
            <p class="text-muted truncate px-2 py-1.5 text-xs">{email}</p>
            <ul>
                <li>
                    <A href="/account" attr:class="menu-item">
                        "Account"
                    </A>
                </li>
                {(user.role == Role::Admin)
                    .then(|| {
                        view! {
                            <li>
                                <A href="/admin" attr:class="menu-item">
                                    "Admin"
                                </A>
                            </li>
                        }
                    })}
            </ul>
            // A plain form also with a script, because the current page belongs to the signed-out user.
            <form method="post" action=SignOut::url()>
                <button class="menu-item">"Sign out"</button>
            </form>
        </Menu>
    }
    .into_sync_any()
}

/// Returns two letters for an email address: the initials of its first two words, or the first two letters of
/// its only word.
fn initials(email: &str) -> String {
    let name = email.split('@').next().unwrap_or_default();
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or("?");
    let letters: String = match words.next() {
        Some(second) => first.chars().take(1).chain(second.chars().take(1)).collect(),
        None => first.chars().take(2).collect(),
    };
    upper_case(&letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_two_letters_at_most() {
        let addresses =
            ["anna.meier@example.org", "anna@example.org", "a@example.org", "_@x.org", "öle-x@y.org"];
        assert_eq!(addresses.map(initials), ["AM", "AN", "A", "?", "ÖX"]);
    }
}
