//! Shared parts of all fields: label, hint, error, and the ids that connect them with the control.

use leptos::prelude::*;

/// The ids of a field's parts, derived from its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldIds {
    pub control: String,
    hint: String,
    error: String,
}

impl FieldIds {
    /// Creates the ids from `id`, if a page has several fields of one name, otherwise from the name.
    pub fn new(id: Option<String>, name: &str) -> Self {
        let control = id.unwrap_or_else(|| format!("field-{name}"));
        Self { hint: format!("{control}-hint"), error: format!("{control}-error"), control }
    }

    /// Returns the value of `aria-describedby`, with the error first.
    pub fn described_by(&self, hint: bool, error: bool) -> Option<String> {
        let parts: Vec<_> = [(error, &self.error), (hint, &self.hint)]
            .into_iter()
            .filter_map(|(shown, id)| shown.then_some(id.as_str()))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// Label above, control (`children`), hint and error below.
#[component]
pub(super) fn FieldFrame(
    ids: FieldIds,
    label: String,
    hint: Option<String>,
    #[prop(into)] error: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="form-field">
            <label class="form-label" for=ids.control>
                {label}
            </label>
            {children()} {hint.map(|hint| view! { <p id=ids.hint class="form-hint">{hint}</p> })}
            <FieldError id=ids.error error />
        </div>
    }
}

/// The error of a field. Screen readers announce it when it appears; it takes no space while empty.
#[component]
pub fn FieldError(
    /// The id that the control's `aria-describedby` refers to.
    #[prop(into)]
    id: String,
    #[prop(into)] error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <p id=id class="form-error" aria-live="polite">
            {move || error.get()}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shown_describes_the_control() {
        let ids = FieldIds::new(None, "runs");
        let described = [(false, false), (true, false), (false, true), (true, true)]
            .map(|(hint, error)| ids.described_by(hint, error).unwrap_or_default());
        let expected = ["", "field-runs-hint", "field-runs-error", "field-runs-error field-runs-hint"];
        assert_eq!(described, expected);
    }

    #[test]
    fn a_page_can_set_the_id_of_the_control() {
        let ids = FieldIds::new(Some("runs-of-7".to_owned()), "runs");
        assert_eq!(ids.control, "runs-of-7");
    }
}
