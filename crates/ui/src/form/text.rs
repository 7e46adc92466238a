//! Fields for text: one line, several lines, a password.

use leptos::html::{Input, Textarea};
use leptos::prelude::*;

use super::binding::bind_text;
use super::field::{FieldFrame, FieldIds};
use crate::raw_text::of_text_area;

/// Returns the initial text of a control.
pub(super) fn initial(value: String, bind: Option<RwSignal<String>>) -> String {
    bind.map_or(value, |bound| bound.get_untracked())
}

/// One line of text.
///
/// `error` is a text, an option or a signal of either. While it is set, the control is marked invalid and
/// described by it.
#[component]
pub fn TextField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    /// Id of the field, if the page has several of this name.
    #[prop(optional, into)]
    id: Option<String>,
    #[prop(optional, into)] value: String,
    /// Bound to the field in both directions; takes precedence over `value`.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    /// `text`, `email`, `url`, `search` …
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: MaybeProp<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    /// The `autocomplete` attribute.
    #[prop(default = "off")]
    autocomplete: &'static str,
    #[prop(optional)] required: bool,
    #[prop(optional)] max_length: Option<u32>,
) -> impl IntoView {
    let ids = FieldIds::new(id, &name);
    let control = NodeRef::<Input>::new();
    bind_text(control, bind);
    let error = Signal::derive(move || error.get());
    let (described, hinted) = (ids.clone(), hint.is_some());
    view! {
        <FieldFrame ids=ids.clone() label hint error>
            <input
                node_ref=control
                class="form-control"
                id=ids.control
                name=name
                type=kind
                value=initial(value, bind)
                placeholder=placeholder
                autocomplete=autocomplete
                required=required
                maxlength=max_length
                aria-invalid=move || error.read().is_some().then_some("true")
                aria-describedby=move || described.described_by(hinted, error.read().is_some())
                on:input:target=move |event| {
                    if let Some(bound) = bind {
                        bound.set(event.target().value());
                    }
                }
            />
        </FieldFrame>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] value: String,
    /// Bound to the field in both directions; takes precedence over `value`.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    #[prop(default = 4)] rows: u32,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: MaybeProp<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional)] max_length: Option<u32>,
) -> impl IntoView {
    let ids = FieldIds::new(id, &name);
    let control = NodeRef::<Textarea>::new();
    bind_text(control, bind);
    let error = Signal::derive(move || error.get());
    let (described, hinted) = (ids.clone(), hint.is_some());
    view! {
        <FieldFrame ids=ids.clone() label hint error>
            <textarea
                node_ref=control
                class="form-control"
                id=ids.control
                name=name
                rows=rows
                placeholder=placeholder
                required=required
                maxlength=max_length
                aria-invalid=move || error.read().is_some().then_some("true")
                aria-describedby=move || described.described_by(hinted, error.read().is_some())
                on:input:target=move |event| {
                    if let Some(bound) = bind {
                        bound.set(event.target().value());
                    }
                }
            >
                {of_text_area(&initial(value, bind))}
            </textarea>
        </FieldFrame>
    }
}

/// Returns the text of a submitted [`TextArea`] with the line ends that it was shown with: browsers submit CRLF.
pub fn submitted_text(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The purpose of a password field, for password managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPurpose {
    /// The user's current password, as at sign-in.
    Current,
    /// A new password.
    New,
    /// A secret that password managers should not fill in, such as an API key.
    Secret,
}

impl PasswordPurpose {
    fn autocomplete(self) -> &'static str {
        match self {
            Self::Current => "current-password",
            Self::New => "new-password",
            Self::Secret => "off",
        }
    }
}

/// A password field. It always starts empty: a secret is never sent to the browser.
#[component]
pub fn PasswordField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    purpose: PasswordPurpose,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: MaybeProp<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional)] min_length: Option<u32>,
) -> impl IntoView {
    let ids = FieldIds::new(id, &name);
    let error = Signal::derive(move || error.get());
    let (described, hinted) = (ids.clone(), hint.is_some());
    view! {
        <FieldFrame ids=ids.clone() label hint error>
            <input
                class="form-control"
                id=ids.control
                name=name
                type="password"
                placeholder=placeholder
                autocomplete=purpose.autocomplete()
                required=required
                minlength=min_length
                aria-invalid=move || error.read().is_some().then_some("true")
                aria-describedby=move || described.described_by(hinted, error.read().is_some())
            />
        </FieldFrame>
    }
}
