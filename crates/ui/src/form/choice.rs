//! Fields for choices: select, check box, switch.

use leptos::html::{Input, Select as SelectTag};
use leptos::prelude::*;

use super::binding::{bind_checked, bind_text};
use super::field::{FieldFrame, FieldIds};
use super::text::initial;
use crate::sync_view::IntoSyncAny;

/// One entry of a [`Select`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectOption {
    /// The value that the form sends.
    pub value: String,
    /// The text that users read.
    pub label: String,
    /// Heading of consecutive entries that form a group.
    pub group: Option<String>,
}

impl SelectOption {
    /// Creates an entry without a group.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), group: None }
    }

    /// Puts the entry under a heading.
    pub fn under(self, group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..self }
    }
}

/// A drop-down list.
#[component]
pub fn Select(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    options: Vec<SelectOption>,
    #[prop(optional, into)] id: Option<String>,
    /// The initially selected value.
    #[prop(optional, into)]
    value: String,
    /// Bound to the field in both directions; takes precedence over `value`.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: MaybeProp<String>,
    #[prop(optional)] required: bool,
) -> impl IntoView {
    let ids = FieldIds::new(id, &name);
    let control = NodeRef::<SelectTag>::new();
    bind_text(control, bind);
    let chosen = initial(value, bind);
    let error = Signal::derive(move || error.get());
    let (described, hinted) = (ids.clone(), hint.is_some());
    view! {
        <FieldFrame ids=ids.clone() label hint error>
            <select
                node_ref=control
                class="form-control"
                id=ids.control
                name=name
                required=required
                aria-invalid=move || error.read().is_some().then_some("true")
                aria-describedby=move || described.described_by(hinted, error.read().is_some())
                on:change:target=move |event| {
                    if let Some(bound) = bind {
                        bound.set(event.target().value());
                    }
                }
            >
                {grouped(options).into_iter().map(|(group, options)| option_group(group, options, &chosen)).collect_view()}
            </select>
        </FieldFrame>
    }
}

/// Groups consecutive entries by their heading.
fn grouped(options: Vec<SelectOption>) -> Vec<(Option<String>, Vec<SelectOption>)> {
    let mut groups: Vec<(Option<String>, Vec<SelectOption>)> = Vec::new();
    for option in options {
        match groups.last_mut().filter(|(group, _)| *group == option.group) {
            Some((_, members)) => members.push(option),
            None => groups.push((option.group.clone(), vec![option])),
        }
    }
    groups
}

fn option_group(group: Option<String>, options: Vec<SelectOption>, chosen: &str) -> impl IntoView + use<> {
    let entries: Vec<_> = options
        .into_iter()
        .map(|option| {
            let selected = option.value == chosen;
            view! { <option value=option.value selected=selected>{option.label}</option> }
        })
        .collect();
    match group {
        Some(group) => view! { <optgroup label=group>{entries}</optgroup> }.into_sync_any(),
        None => entries.into_sync_any(),
    }
}

/// A check box. The form sends `value` if it is checked, and nothing otherwise.
#[component]
pub fn Checkbox(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] id: Option<String>,
    /// The value that the form sends if it is checked.
    #[prop(default = "true".to_owned(), into)]
    value: String,
    #[prop(optional)] checked: bool,
    /// Bound to the box in both directions; takes precedence over `checked`.
    #[prop(optional)]
    bind: Option<RwSignal<bool>>,
    #[prop(optional, into)] hint: Option<String>,
) -> impl IntoView {
    view! { <Toggle class="form-check" role=None label name id value checked bind hint /> }
}

/// A switch for settings. The form treats it as a check box.
#[component]
pub fn Switch(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] id: Option<String>,
    /// The value that the form sends if it is on.
    #[prop(default = "true".to_owned(), into)]
    value: String,
    #[prop(optional)] checked: bool,
    /// Bound to the switch in both directions; takes precedence over `checked`.
    #[prop(optional)]
    bind: Option<RwSignal<bool>>,
    #[prop(optional, into)] hint: Option<String>,
) -> impl IntoView {
    view! { <Toggle class="form-check form-switch" role=Some("switch") label name id value checked bind hint /> }
}

#[component]
fn Toggle(
    class: &'static str,
    role: Option<&'static str>,
    label: String,
    name: String,
    id: Option<String>,
    value: String,
    checked: bool,
    bind: Option<RwSignal<bool>>,
    hint: Option<String>,
) -> impl IntoView {
    let ids = FieldIds::new(id, &name);
    let control = NodeRef::<Input>::new();
    bind_checked(control, bind);
    let described = ids.described_by(hint.is_some(), false);
    let hint_id = described.clone();
    view! {
        <div class=class>
            <input
                node_ref=control
                id=ids.control.clone()
                name=name
                type="checkbox"
                role=role
                value=value
                checked=bind.map_or(checked, |bound| bound.get_untracked())
                aria-describedby=described
                on:change:target=move |event| {
                    if let Some(bound) = bind {
                        bound.set(event.target().checked());
                    }
                }
            />
            <label for=ids.control>{label}</label>
            {hint.map(|hint| view! { <p id=hint_id class="form-hint">{hint}</p> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_grouped_under_their_heading_in_the_given_order() {
        let options = vec![
            SelectOption::new("", "Own prompt"),
            SelectOption::new("a", "Recursion").under("Reasoning"),
            SelectOption::new("b", "Proof").under("Reasoning"),
            SelectOption::new("c", "Sort").under("Code"),
        ];
        let labels: Vec<_> = grouped(options)
            .into_iter()
            .map(|(group, options)| {
                (
                    group.unwrap_or_default(),
                    options.into_iter().map(|option| option.label).collect::<Vec<_>>(),
                )
            })
            .collect();
        let expected =
            [("", vec!["Own prompt"]), ("Reasoning", vec!["Recursion", "Proof"]), ("Code", vec!["Sort"])];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(group, labels)| {
                (group.to_owned(), labels.into_iter().map(str::to_owned).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(labels, expected);
    }
}
