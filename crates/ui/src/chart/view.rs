//! The chart on the page: heading, box of a fixed height, export.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::web_sys::{Element, Event};
use serde::Serialize;

use super::module;
use super::near::comes_near;
use super::spec::ChartSpec;
use crate::case::lower_case;

/// How high a chart's box is, from the start: nothing moves when it is drawn or gets more data. Rows
/// that do not fit are scrolled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChartSize {
    /// Four rows, or a timeline.
    Short,
    /// Eight rows, or a scatter.
    #[default]
    Medium,
    /// Sixteen rows.
    Tall,
}

impl ChartSize {
    /// The smallest that shows this many rows, or the largest.
    pub fn for_rows(rows: usize) -> Self {
        match rows {
            0..=4 => Self::Short,
            5..=8 => Self::Medium,
            _ => Self::Tall,
        }
    }

    fn rows(self) -> usize {
        match self {
            Self::Short => 4,
            Self::Medium => 8,
            Self::Tall => 16,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Short => "chart-box chart-short",
            Self::Medium => "chart-box chart-medium",
            Self::Tall => "chart-box chart-tall",
        }
    }
}

/// What the element is handed.
#[derive(Serialize)]
struct Picture<'a> {
    title: &'a str,
    subtitle: &'a str,
    /// What the exported file is called.
    file: &'a str,
    #[serde(flatten)]
    spec: &'a ChartSpec,
}

/// A chart under its title. Follows its signals in place, four times a second at most; the page shows
/// the same numbers in a table.
#[component]
pub fn Chart(
    #[prop(into)] title: Signal<String>,
    /// The unit and what the marks mean: "tokens per second, bar = median, whisker = 95 % interval".
    #[prop(into)]
    subtitle: Signal<String>,
    #[prop(into)] spec: Signal<ChartSpec>,
    #[prop(optional)] size: ChartSize,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    let failed = RwSignal::new(false);
    let element = move || frame.get().and_then(|frame| frame.query_selector("studio-chart").ok().flatten());
    let near = comes_near(frame);
    Effect::new(move |_| {
        if near.get() {
            module::load(failed);
        }
    });
    Effect::new(move |_| {
        if near.get()
            && let Some(element) = element()
        {
            show(&element, &title.read(), &subtitle.read(), &spec.read());
        }
    });
    let export = move |_| {
        if let Some(element) = untrack(element) {
            ask_for_png(&element);
        }
    };
    let words = move || format!("Chart. {}: {}", title.read(), spec.read().in_words());
    // What scrolls has to be reachable by keyboard.
    let tab_stop = move || (spec.read().rows() > size.rows()).then_some("0");
    view! {
        <figure class="panel chart">
            <figcaption class="chart-head">
                <div class="min-w-0">
                    <h2 class="text-[13px] font-semibold">{title}</h2>
                    <p class="text-muted text-xs">{subtitle}</p>
                </div>
                <button
                    type="button"
                    class="button button-quiet needs-script text-xs"
                    aria-label=move || format!("Export {} as PNG", title.read())
                    on:click=export
                >
                    "PNG"
                </button>
            </figcaption>
            <div node_ref=frame class=size.class() role="group" tabindex=tab_stop aria-label=title>
                <studio-chart role="img" aria-label=words on:error=move |_| failed.set(true)></studio-chart>
                <noscript>
                    <p class="chart-note">"Charts need JavaScript. The table below has the same numbers."</p>
                </noscript>
                <Show when=move || failed.get()>
                    <p class="chart-note" role="status">
                        "The chart could not be loaded. The table below has the same numbers."
                    </p>
                </Show>
            </div>
        </figure>
    }
}

fn show(element: &Element, title: &str, subtitle: &str, spec: &ChartSpec) {
    let file = format!("{}.png", slug(title));
    let picture = Picture { title, subtitle, file: &file, spec };
    // Neither fails: plain numbers and text, and an attribute with a valid name.
    let Ok(json) = serde_json::to_string(&picture) else { return };
    let _ = element.set_attribute("spec", &json);
}

fn ask_for_png(element: &Element) {
    // Neither fails: the name is valid, and the element listens.
    let Ok(event) = Event::new("export-png") else { return };
    let _ = element.dispatch_event(&event);
}

/// A title as part of a file's name: `output-speed`.
fn slug(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    lower_case(&words.collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_file_names() {
        let names = ["Output speed", "Speed / TTFT (ms)", "../x"].map(slug);
        assert_eq!(names, ["output-speed", "speed-ttft-ms", "x"]);
    }
}
