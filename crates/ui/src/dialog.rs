//! Asks before something is destroyed.

use leptos::prelude::*;

use super::button::ButtonTone;

/// A button that opens a question, and the question.
///
/// The browser opens and closes it (`popover`), so it needs no script. `children` say what will be
/// destroyed, by name and number, and end with the form whose [`ButtonTone::Danger`] button does it.
#[component]
pub fn ConfirmDialog(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// What the opening button says: "Delete".
    #[prop(into)]
    trigger: String,
    /// Says more to those who do not see what the button stands beside: "Delete gpt-5.2".
    #[prop(optional, into)]
    trigger_label: Option<String>,
    /// Tone of the opening button.
    #[prop(default = ButtonTone::Plain)]
    trigger_tone: ButtonTone,
    /// The button that closes the dialog without doing anything.
    #[prop(default = "Cancel")]
    keep: &'static str,
    /// The question: "Delete OpenAI and its 12 models?"
    #[prop(into)]
    title: String,
    /// The text and the form of the dialog.
    children: Children,
) -> impl IntoView {
    let (title_id, text_id) = (format!("{id}-title"), format!("{id}-text"));
    view! {
        <button
            type="button"
            class=trigger_tone.class()
            popovertarget=id.clone()
            aria-haspopup="dialog"
            aria-label=trigger_label
        >
            {trigger}
        </button>
        <div
            id=id
            popover="auto"
            class="dialog"
            role="alertdialog"
            aria-labelledby=title_id
            aria-describedby=text_id
        >
            <h2 id=title_id.clone() class="font-semibold">
                {title}
            </h2>
            <div id=text_id.clone() class="text-soft mt-2 grid gap-4">
                {children()}
            </div>
            // Focused first: Enter at once destroys nothing.
            <button type="button" class="button mt-2" popovertarget=id.clone() popovertargetaction="hide" autofocus>
                {keep}
            </button>
        </div>
    }
}
