//! Shows when the page has no connection to the server.

use leptos::prelude::*;

use super::closing::EndReason;
use super::event_stream::{Connection, use_event_stream};
use ui::sync_view::IntoSyncAny;

/// A note below the top bar, over the page, so that nothing moves when it appears and disappears. The element
/// is there from the start: screen readers do not announce a live region that is inserted with its text.
#[component]
pub fn ConnectionStatus() -> impl IntoView {
    let connection = use_event_stream().connection();
    let note = Memo::new(move |_| note_on(connection.get()));
    view! {
        <p role="status" class="connection-status">
            {note}
        </p>
    }
    .into_sync_any()
}

/// What the user has to know; `None` while connected.
fn note_on(connection: Connection) -> Option<&'static str> {
    match connection {
        Connection::Connecting | Connection::Open => None,
        Connection::Reconnecting { .. } => Some("Reconnecting…"),
        Connection::Ended(EndReason::SignedOut) => Some("You’ve been signed out."),
        Connection::Ended(EndReason::TooManyTabs) => {
            Some("Live updates are off: too many tabs open. Close one and reload.")
        }
    }
}
