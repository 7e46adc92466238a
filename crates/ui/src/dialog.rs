//! A confirmation dialog for deleting something.

use leptos::prelude::*;

use super::button::ButtonTone;

/// A button and the confirmation dialog that it opens.
///
/// It is a `popover`, so it needs no script. `children` name what will be deleted and how many, and end with
/// the form whose [`ButtonTone::Danger`] button deletes it.
#[component]
pub fn ConfirmDialog(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// Text of the opening button: "Delete".
    #[prop(into)]
    trigger: String,
    /// Accessible name of the opening button: "Delete gpt-5.2".
    #[prop(optional, into)]
    trigger_label: Option<String>,
    /// Tone of the opening button.
    #[prop(default = ButtonTone::Plain)]
    trigger_tone: ButtonTone,
    /// Text of the button that closes the dialog without doing anything.
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
            // Focused first, so that pressing Enter deletes nothing.
            <button type="button" class="button mt-2" popovertarget=id.clone() popovertargetaction="hide" autofocus>
                {keep}
            </button>
        </div>
    }
}
