//! The chart component: heading, box of a fixed height, export.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::web_sys::{Element, Event};
use serde::Serialize;

use super::module;
use super::spec::ChartSpec;
use super::viewport::near_viewport;
use crate::case::lower_case;
use crate::raw_text::NoScript;

/// The fixed height of a chart's box, so that the layout does not shift when it is drawn or gets more data.
/// Rows that do not fit are scrollable.
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
    /// Returns the smallest size that shows this number of rows, or the largest size.
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

/// The JSON in the element's attribute.
#[derive(Serialize)]
struct Picture<'a> {
    title: &'a str,
    subtitle: &'a str,
    /// Name of the exported file.
    file: &'a str,
    #[serde(flatten)]
    spec: &'a ChartSpec,
}

/// A chart with its title. It follows its signals, at most four times a second. The page also shows the numbers
/// in a table.
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
    let near = near_viewport(frame);
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
    let words = move || format!("Chart. {}: {}", title.read(), spec.read().description());
    // Scrollable areas must be reachable by keyboard.
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
                <NoScript html="<p class=\"chart-note\">Charts need JavaScript. The table below has the same numbers.</p>" />
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
    // Neither can fail: the data is plain numbers and text, and the attribute's name is valid.
    let Ok(json) = serde_json::to_string(&picture) else { return };
    let _ = element.set_attribute("spec", &json);
}

fn ask_for_png(element: &Element) {
    // Neither can fail: the event's name is valid.
    let Ok(event) = Event::new("export-png") else { return };
    let _ = element.dispatch_event(&event);
}

/// Converts a title to a file name: `output-speed`.
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
