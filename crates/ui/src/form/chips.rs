//! Several of many, in little room: each value a chip that is checked or not, and a way to add others.

use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;

use super::field::FieldError;

/// A value to choose, as the form sends it and as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// The value that the form sends.
    pub value: String,
    /// The text that users read.
    pub label: String,
}

impl Chip {
    /// Creates a chip.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// How a user adds a value that is not offered.
#[derive(Debug, Clone, Copy)]
pub struct OwnValue {
    /// Says what to enter: "Another size, in tokens".
    pub label: &'static str,
    /// The field's name in the form: what stands in it is sent too, so that it also works without
    /// JavaScript. Several values stand in it separated by commas or one alone, as `read` allows.
    pub name: &'static str,
    /// Makes a chip of what was typed, or says in a sentence what to enter.
    pub read: fn(&str) -> Result<Chip, String>,
}

/// A group of check boxes that share a name, shown as chips.
///
/// `chosen` holds the checked values in the order in which the chips stand.
#[component]
pub fn ChipGroup(
    #[prop(into)] legend: String,
    #[prop(into)] name: String,
    options: Vec<Chip>,
    chosen: RwSignal<Vec<String>>,
    #[prop(optional, into)] own: Option<OwnValue>,
    #[prop(optional, into)] error: MaybeProp<String>,
) -> impl IntoView {
    let options = RwSignal::new(with_chosen(options, &chosen.read_untracked()));
    let problem = RwSignal::new(None);
    let error = Signal::derive(move || problem.get().or_else(|| error.get()));
    let error_id = format!("chips-{name}-error");
    let add = move |chip: Chip| {
        options.update(|options| include(options, chip.clone()));
        set_chosen(chosen, options, &chip.value, true);
    };
    let chips_name = name.clone();
    view! {
        <fieldset class="form-field" aria-describedby=error_id>
            <legend class="form-label">{legend}</legend>
            <div class="chips">
                <For each=move || options.get() key=|chip| chip.value.clone() let:chip>
                    <ChipBox name=chips_name.clone() chip options chosen />
                </For>
                {own.map(|own| view! { <OwnChip own problem add=Callback::new(add) /> })}
            </div>
            <FieldError id=error_id.clone() error />
        </fieldset>
    }
}

#[component]
fn ChipBox(
    name: String,
    chip: Chip,
    options: RwSignal<Vec<Chip>>,
    chosen: RwSignal<Vec<String>>,
) -> impl IntoView {
    let value = StoredValue::new(chip.value.clone());
    let checked = move || chosen.read().contains(&value.read_value());
    view! {
        <label class="chip">
            <input
                type="checkbox"
                class="sr-only"
                name=name
                value=chip.value
                checked=untrack(checked)
                prop:checked=checked
                on:change:target=move |event| {
                    set_chosen(chosen, options, &value.read_value(), event.target().checked());
                }
            />
            <span class="num">{chip.label}</span>
        </label>
    }
}

#[component]
fn OwnChip(own: OwnValue, problem: RwSignal<Option<String>>, add: Callback<Chip>) -> impl IntoView {
    let control = NodeRef::<Input>::new();
    let take = move || {
        let Some(control) = control.get_untracked() else { return };
        match (own.read)(&control.value()) {
            Ok(chip) => {
                control.set_value("");
                problem.set(None);
                add.run(chip);
            }
            Err(sentence) => problem.set(Some(sentence)),
        }
    };
    let on_enter = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            take();
        }
    };
    view! {
        <span class="chip-own">
            <input
                node_ref=control
                class="num"
                name=own.name
                aria-label=own.label
                title=own.label
                placeholder="custom"
                autocomplete="off"
                on:keydown=on_enter
            />
            <button type="button" class="needs-script" aria-label=format!("Add: {}", own.label) on:click=move |_| take()>
                "+"
            </button>
        </span>
    }
}

/// The offered chips and those that are chosen without being offered.
fn with_chosen(mut options: Vec<Chip>, chosen: &[String]) -> Vec<Chip> {
    for value in chosen {
        include(&mut options, Chip::new(value, value));
    }
    options
}

fn include(options: &mut Vec<Chip>, chip: Chip) {
    if options.iter().all(|option| option.value != chip.value) {
        options.push(chip);
    }
}

fn set_chosen(chosen: RwSignal<Vec<String>>, options: RwSignal<Vec<Chip>>, value: &str, checked: bool) {
    let options = options.read_untracked();
    chosen.update(|chosen| *chosen = rechosen(&options, chosen, value, checked));
}

/// The chosen values after `value` was checked or not, in the order of the chips.
fn rechosen(options: &[Chip], chosen: &[String], value: &str, checked: bool) -> Vec<String> {
    let holds = |option: &&Chip| {
        if option.value == value { checked } else { chosen.contains(&option.value) }
    };
    options.iter().filter(holds).map(|option| option.value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(values: &[&str]) -> Vec<Chip> {
        values.iter().map(|value| Chip::new(*value, *value)).collect()
    }

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    #[test]
    fn chosen_values_stand_in_the_order_of_the_chips() {
        let options = sizes(&["0", "5000", "10000"]);
        let both = rechosen(&options, &texts(&["10000"]), "0", true);
        assert_eq!(both, texts(&["0", "10000"]));
        assert_eq!(rechosen(&options, &both, "10000", false), texts(&["0"]));
        assert_eq!(rechosen(&options, &both, "0", true), both);
    }

    #[test]
    fn a_chosen_value_that_is_not_offered_gets_a_chip() {
        let shown = with_chosen(sizes(&["0", "5000"]), &texts(&["0", "7000"]));
        assert_eq!(shown, sizes(&["0", "5000", "7000"]));
    }
}
