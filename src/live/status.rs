//! Says so when the page does not hear from the server.

use leptos::prelude::*;

use super::closing::EndReason;
use super::event_stream::{Connection, use_event_stream};
use ui::sync_view::IntoSyncAny;

/// A note that hangs from the top bar, over the page, so that nothing moves when it comes and goes.
/// Stands there from the start: a live region that is put in with its text is not read out.
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

/// What the user has to know; nothing while all is well.
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
