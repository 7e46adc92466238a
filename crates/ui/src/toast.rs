//! Toasts: short messages in the corner about what has just happened.

use std::time::Duration;

use leptos::prelude::*;

use super::tag::Tone;

/// Time that a message is shown. A warning stays until it is closed.
const SHOWN_FOR: Duration = Duration::from_secs(6);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Toast {
    id: u64,
    tone: Tone,
    text: String,
}

/// The messages that are shown. [`provide_toasts`] creates it, [`use_toasts`] returns it.
#[derive(Debug, Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next_id: StoredValue<u64>,
}

impl Toasts {
    /// Shows `text`. Call it from event handlers and effects, not while rendering.
    pub fn show(self, tone: Tone, text: impl Into<String>) {
        let id = self.next_id.get_value();
        self.next_id.set_value(id + 1);
        self.shown.update(|shown| shown.push(Toast { id, tone, text: text.into() }));
        if tone != Tone::Warning {
            set_timeout(move || self.close(id), SHOWN_FOR);
        }
    }

    fn close(self, id: u64) {
        // The signal may have been disposed with its page.
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// Provides the messages as context; the frame calls it once.
pub fn provide_toasts() -> Toasts {
    let toasts = Toasts { shown: RwSignal::default(), next_id: StoredValue::new(0) };
    provide_context(toasts);
    toasts
}

/// Returns the messages; `None` outside the app's frame.
pub fn use_toasts() -> Option<Toasts> {
    use_context()
}

/// The region where messages appear. It is rendered once at the end of the frame from the start, because screen
/// readers do not announce a live region that is added with its first message.
#[component]
pub fn ToastRegion(
    /// The messages to show.
    toasts: Toasts,
) -> impl IntoView {
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.shown.get() key=|toast| toast.id let:toast>
                <div class="toast" data-tone=tone_name(toast.tone)>
                    <p>{toast.text}</p>
                    <button
                        type="button"
                        class="button button-quiet"
                        aria-label="Close this message"
                        on:click=move |_| toasts.close(toast.id)
                    >
                        "×"
                    </button>
                </div>
            </For>
        </div>
    }
}

fn tone_name(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warning => "warning",
    }
}
