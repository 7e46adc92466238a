//! The screens of accounts.

mod account;
mod door;
mod menu;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

pub use account::AccountPage;
pub use door::{LoginPage, RegisterPage};
pub use menu::AccountMenu;

/// Loads the page that the answer names as a whole: all of it depends on who is signed in.
fn load_page_after<S>(action: ServerAction<S>)
where
    S: ServerFn<Output = String, Error = ServerFnError> + Clone + Send + Sync + 'static,
{
    let answer = action.value();
    Effect::new(move |_| {
        if let Some(Ok(page)) = answer.get() {
            // Fails for addresses that cannot be parsed only; this one is a path of ours.
            let _ = window().location().set_href(&page);
        }
    });
}
