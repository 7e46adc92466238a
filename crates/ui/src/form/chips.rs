//! A compact multiple choice: each value is a chip that is checked or not, and users can add others.

use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;

use super::field::FieldError;

/// A selectable value with its label.
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

/// A field with which users add a custom value.
#[derive(Debug, Clone, Copy)]
pub struct CustomValue {
    /// Label of the field: "Custom size (tokens)".
    pub label: &'static str,
    /// The field's name in the form. Its content is sent too, so that it works without JavaScript: one value,
    /// or several separated by commas if `read` allows.
    pub name: &'static str,
    /// Converts the input to a chip, or returns a sentence that says what to enter.
    pub read: fn(&str) -> Result<Chip, String>,
}

/// A group of check boxes that share a name, shown as chips.
///
/// `chosen` holds the checked values in the order of the chips.
#[component]
pub fn ChipGroup(
    #[prop(into)] legend: String,
    #[prop(into)] name: String,
    options: Vec<Chip>,
    chosen: RwSignal<Vec<String>>,
    #[prop(optional, into)] own: Option<CustomValue>,
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
                {own.map(|own| view! { <CustomChip own problem add=Callback::new(add) /> })}
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
fn CustomChip(own: CustomValue, problem: RwSignal<Option<String>>, add: Callback<Chip>) -> impl IntoView {
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

/// Returns the options and a chip for each chosen value that is not among them.
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

/// Returns the chosen values after `value` was checked or unchecked, in the order of the chips.
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
    fn chosen_values_are_in_the_order_of_the_chips() {
        let options = sizes(&["0", "5000", "10000"]);
        let both = rechosen(&options, &texts(&["10000"]), "0", true);
        assert_eq!(both, texts(&["0", "10000"]));
        assert_eq!(rechosen(&options, &both, "10000", false), texts(&["0"]));
        assert_eq!(rechosen(&options, &both, "0", true), both);
    }

    #[test]
    fn a_custom_chosen_value_gets_a_chip() {
        let shown = with_chosen(sizes(&["0", "5000"]), &texts(&["0", "7000"]));
        assert_eq!(shown, sizes(&["0", "5000", "7000"]));
    }
}
