//! The models of the form: grouped by provider, with search and select all.
//!
//! The check boxes hold the selection. They are plain HTML, so that 200 models are cheap to render and
//! hydrate.

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, HtmlElement, HtmlInputElement};

use crate::benchmark::report::without_simulated;
use crate::benchmark::set_up::{MenuGroup, MenuModel, ModelMenu, Obstacle};
use ui::case::lower_case;
use ui::form::FieldError;
use ui::format::tokens;
use ui::sync_view::IntoSyncAny;
use ui::tag::{Dot, Tag};

/// Minimum number of models for which the search box is shown.
const SEARCH_MIN_MODELS: usize = 8;

/// Shows all providers with their models.
///
/// `chosen` are the values of the checked boxes. `changed` is called after a script has checked boxes, for
/// which the browser fires no event.
#[component]
pub fn ModelChoice(
    menu: ModelMenu,
    #[prop(into)] chosen: Signal<Vec<String>>,
    #[prop(into)] complaint: Signal<Option<String>>,
    changed: Callback<()>,
) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let ready = menu.ready_count();
    let list = NodeRef::<html::Div>::new();
    let all_chosen = move || ready > 0 && chosen.read().len() >= ready;
    let toggle_all = move |_: MouseEvent| {
        if let Some(list) = list.get_untracked() {
            check_shown(&list, !untrack(all_chosen));
            changed.run(());
        }
    };
    let first = chosen.get_untracked();
    let nothing_found = {
        let words = menu.groups.iter().map(GroupWords::of).collect::<Vec<_>>();
        move || words.iter().all(|group| !group.found(&query.read()))
    };
    view! {
        <section aria-labelledby="models-title" aria-describedby="models-error">
            <div class="flex items-baseline gap-2">
                <h2 id="models-title" class="text-[13px] font-semibold">
                    "Models"
                </h2>
                <span class="text-muted num ml-auto text-xs" aria-live="polite">
                    {move || format!("{} of {ready} selected", chosen.read().len())}
                </span>
                <button
                    type="button"
                    class="choose-all needs-script"
                    aria-label=move || {
                        if all_chosen() { "Choose none of the models shown" } else { "Choose all models shown" }
                    }
                    on:click=toggle_all
                >
                    {move || if all_chosen() { "None" } else { "All" }}
                </button>
            </div>
            {(ready >= SEARCH_MIN_MODELS).then(|| view! { <SearchBox query /> })}
            <div node_ref=list class="model-list">
                {menu
                    .groups
                    .into_iter()
                    .map(|group| view! { <Provider group first=&first chosen query changed /> })
                    .collect_view()}
                <p class="text-soft py-3 text-xs" hidden=move || !nothing_found()>
                    "No models match."
                </p>
            </div>
            <FieldError id="models-error" error=complaint />
        </section>
    }
    .into_sync_any()
}

/// Filters the list while the user types; not submitted with the form.
#[component]
fn SearchBox(query: RwSignal<String>) -> impl IntoView {
    let keep_from_sending = |event: KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
        }
    };
    view! {
        <label class="field needs-script mt-2">
            <span class="sr-only">"Search models"</span>
            <input
                type="search"
                placeholder="Search models"
                autocomplete="off"
                on:keydown=keep_from_sending
                on:input:target=move |event| query.set(lower_case(&event.target().value()))
            />
        </label>
    }
}

#[component]
fn Provider<'a>(
    group: MenuGroup,
    /// The initial selection.
    first: &'a [String],
    chosen: Signal<Vec<String>>,
    query: RwSignal<String>,
    changed: Callback<()>,
) -> impl IntoView + use<> {
    let fieldset = NodeRef::<html::Fieldset>::new();
    let words = GroupWords::of(&group);
    let ready = group.ready().len();
    let prefix = format!("{}/", group.key);
    let all_chosen = Memo::new(move |_| {
        ready > 0 && chosen.read().iter().filter(|value| value.starts_with(&prefix)).count() >= ready
    });
    let toggle = move |_: MouseEvent| {
        if let Some(fieldset) = fieldset.get_untracked() {
            check_shown(&fieldset, !all_chosen.get_untracked());
            changed.run(());
        }
    };
    let label = format!("of {}", group.name);
    let simulated = group.simulated;
    let name = shown_name(&group.name, simulated);
    let rows: Vec<_> = group
        .ready()
        .iter()
        .map(|model| {
            let value = group.value_of(model);
            let checked = first.contains(&value);
            let words = words.of_model(model);
            let name = shown_name(&model.name, simulated);
            view! { <ModelRow model=model.clone() name value checked words query /> }
        })
        .collect();
    view! {
        <fieldset node_ref=fieldset class="model-group" hidden=move || !words.found(&query.read())>
            <legend class="float-left flex w-full items-center gap-2 font-semibold">
                <Dot hue=group.hue />
                <span class="truncate">{name}</span>
                {simulated.then(|| view! { <Tag text="simulated" /> })}
                {group.local.then(|| view! { <Tag text="local" /> })}
                {(ready > 1)
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="choose-all needs-script ml-auto"
                                aria-label=move || {
                                    format!("Choose {} {label}", if all_chosen.get() { "none" } else { "all" })
                                }
                                on:click=toggle
                            >
                                {move || if all_chosen.get() { "None" } else { "All" }}
                            </button>
                        }
                    })}
            </legend>
            {group.obstacle.map(|obstacle| view! { <NextStep obstacle id=group.id name=group.name /> })}
            {rows}
        </fieldset>
    }
    .into_sync_any()
}

#[component]
fn ModelRow(
    model: MenuModel,
    name: String,
    value: String,
    checked: bool,
    words: String,
    query: RwSignal<String>,
) -> impl IntoView {
    let exact = model.context_window.map(|window| format!("Context window of {window} tokens"));
    view! {
        <label class="model-row" hidden=move || !matches(&words, &query.read())>
            <input type="checkbox" name="models[]" value=value checked=checked />
            <span class="truncate" title=model.name>
                {name}
            </span>
            <span class="text-muted num ml-auto" title=exact>
                {model.context_window.map(tokens)}
            </span>
        </label>
    }
}

/// Returns the name without the suffix for simulated models, which a tag shows instead.
fn shown_name(name: &str, simulated: bool) -> String {
    if simulated { without_simulated(name).to_owned() } else { name.to_owned() }
}

/// Links to the step that is needed before a provider's models can be chosen.
#[component]
fn NextStep(obstacle: Obstacle, id: String, name: String) -> impl IntoView {
    let (text, link) = match obstacle {
        Obstacle::NeedsKey => (String::new(), "Add key"),
        Obstacle::NoModels(Some(problem)) => (format!("{problem} "), "Details"),
        Obstacle::NoModels(None) => ("No models yet. ".to_owned(), "Find models"),
    };
    view! {
        <p class="text-soft clear-both pl-4 text-xs">
            {text}
            <a class="link" href=format!("/providers/{id}")>
                {link}
                <span class="sr-only">{format!(" for {name}")}</span>
            </a>
        </p>
    }
}

/// The searchable names of a provider and its models, in lower case.
#[derive(Clone)]
struct GroupWords {
    provider: String,
    models: Vec<String>,
}

impl GroupWords {
    fn of(group: &MenuGroup) -> Self {
        let provider = lower_case(&group.name);
        let named = Self { provider, models: Vec::new() };
        Self { models: group.ready().iter().map(|model| named.of_model(model)).collect(), ..named }
    }

    fn of_model(&self, model: &MenuModel) -> String {
        format!("{} {} {}", self.provider, lower_case(&model.name), lower_case(&model.id))
    }

    fn found(&self, query: &str) -> bool {
        query.trim().is_empty()
            || matches(&self.provider, query)
            || self.models.iter().any(|words| matches(words, query))
    }
}

/// Returns whether `words` contain every word of `query`; both in lower case.
fn matches(words: &str, query: &str) -> bool {
    query.split_whitespace().all(|word| words.contains(word))
}

/// Checks or unchecks the boxes within `part` that the search does not hide.
fn check_shown(part: &HtmlElement, checked: bool) {
    let inputs = part.get_elements_by_tag_name("input");
    let inputs = (0..inputs.length()).filter_map(|index| inputs.item(index));
    for input in inputs.filter(|input| !is_hidden(input)) {
        if let Ok(input) = input.dyn_into::<HtmlInputElement>() {
            input.set_checked(checked);
        }
    }
}

fn is_hidden(input: &Element) -> bool {
    // Fails only for an invalid selector.
    input.closest("[hidden]").is_ok_and(|hidden| hidden.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> GroupWords {
        GroupWords::of(&MenuGroup {
            id: "row".into(),
            key: "openai".into(),
            name: "OpenAI".into(),
            hue: "openai".into(),
            simulated: false,
            local: false,
            obstacle: None,
            models: vec![MenuModel {
                id: "gpt-5.2-mini".into(),
                name: "GPT mini".into(),
                context_window: None,
            }],
        })
    }

    #[test]
    fn searches_models_by_name_id_and_provider() {
        for query in ["", "mini", "openai", "gpt-5.2 openai", "OPENAI".to_lowercase().as_str()] {
            assert!(group().found(query), "{query}");
        }
        assert!(!group().found("claude"));
        assert!(!group().found("openai claude"));
    }
}
