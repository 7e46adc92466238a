//! The data of charts. Each kind also has a text description for screen readers.

use serde::Serialize;

use crate::format::{counted, millis, number};

/// Maximum number of results that a description names; further ones are counted.
const MAX_DESCRIBED: usize = 12;

/// A chart of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChartSpec {
    /// Bars with intervals.
    Bars(Bars),
    /// A scatter plot.
    Scatter(Scatter),
    /// The chunks of one run over time.
    Timeline(Timeline),
}

/// A quantity per row, with its interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bars {
    /// Unit of the values: `tok/s`.
    pub unit: &'static str,
    /// The rows from top to bottom. Rows without a result yet are included, empty.
    pub rows: Vec<BarRow>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BarRow {
    /// The label, beside the bar.
    pub label: String,
    /// The provider kind's key, as for [`Dot`](crate::tag::Dot).
    pub hue: String,
    /// The value, in [`Bars::unit`]; `None` until there is a result.
    pub value: Option<f64>,
    /// Ends of the 95 % interval; `None` if there are too few runs.
    pub interval: Option<(f64, f64)>,
    /// Whether the value comes from the mock server.
    pub simulated: bool,
}

/// Two quantities against each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scatter {
    /// The quantity of the horizontal axis.
    pub x: Quantity,
    /// The quantity of the vertical axis.
    pub y: Quantity,
    /// The points.
    pub points: Vec<Point>,
}

/// The quantity of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantity {
    /// The name of the quantity.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
}

/// One point of a scatter plot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The label.
    pub label: String,
    /// The provider kind's key, as for [`Dot`](crate::tag::Dot).
    pub hue: String,
    /// The value on the horizontal axis, in its unit.
    pub x: f64,
    /// The value on the vertical axis, in its unit.
    pub y: f64,
    /// Whether the values come from the mock server.
    pub simulated: bool,
}

/// The chunks of one run. The longest gap is marked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// From the request to the first chunk, in milliseconds.
    pub ttft_ms: f64,
    /// From each chunk to the next, in milliseconds.
    pub deltas_ms: Vec<f64>,
    /// The provider kind's key, as for [`Dot`](crate::tag::Dot).
    pub hue: String,
}

impl ChartSpec {
    /// Returns the number of rows; 0 for charts without rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Bars(bars) => bars.rows.len(),
            Self::Scatter(_) | Self::Timeline(_) => 0,
        }
    }

    /// Returns a description of the chart in a few sentences.
    pub fn description(&self) -> String {
        match self {
            Self::Bars(bars) => bars.description(),
            Self::Scatter(scatter) => scatter.description(),
            Self::Timeline(timeline) => timeline.description(),
        }
    }
}

impl Bars {
    fn description(&self) -> String {
        listed(self.rows.iter().map(|row| row.description(self.unit)))
    }
}

impl BarRow {
    fn description(&self, unit: &str) -> String {
        let name = named(&self.label, self.simulated);
        match (self.value, self.interval) {
            (None, _) => format!("{name}: no result yet"),
            (Some(value), None) => format!("{name}: {} {unit}", number(value)),
            (Some(value), Some((low, high))) => {
                let (value, low, high) = (number(value), number(low), number(high));
                format!("{name}: {value} {unit}, 95 % interval {low} to {high}")
            }
        }
    }
}

impl Scatter {
    fn description(&self) -> String {
        let side =
            |quantity: Quantity, value| format!("{} {} {}", quantity.name, number(value), quantity.unit);
        listed(self.points.iter().map(|point| {
            let name = named(&point.label, point.simulated);
            format!("{name}: {}, {}", side(self.x, point.x), side(self.y, point.y))
        }))
    }
}

impl Timeline {
    fn description(&self) -> String {
        let chunks = counted(self.deltas_ms.len() + 1, "chunk");
        let total = self.ttft_ms + self.deltas_ms.iter().sum::<f64>();
        let longest = self.deltas_ms.iter().copied().reduce(f64::max);
        let gap = longest.map(|gap| format!(" The longest gap between two is {} ms.", millis(gap)));
        format!(
            "First token after {} ms; {chunks} within {} ms.{}",
            millis(self.ttft_ms),
            millis(total),
            gap.unwrap_or_default()
        )
    }
}

fn named(label: &str, simulated: bool) -> String {
    if simulated { format!("{label} (simulated)") } else { label.to_owned() }
}

fn listed(results: impl ExactSizeIterator<Item = String>) -> String {
    let more = results.len().saturating_sub(MAX_DESCRIBED);
    let mut words = results.take(MAX_DESCRIBED).collect::<Vec<_>>().join("; ");
    match (words.is_empty(), more) {
        (true, _) => return "No results yet.".to_owned(),
        (false, 0) => {}
        (false, more) => words.push_str(&format!("; and {more} more")),
    }
    words + "."
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(label: &str, value: Option<f64>, interval: Option<(f64, f64)>) -> BarRow {
        BarRow { label: label.to_owned(), hue: "openai".to_owned(), value, interval, simulated: false }
    }

    #[test]
    fn bars_are_described_with_their_intervals() {
        let rows = vec![
            row("a", Some(142.61), Some((136.5, 148.7))),
            BarRow { simulated: true, ..row("b", Some(100.0), None) },
            row("c", None, None),
        ];
        let words = ChartSpec::Bars(Bars { unit: "tok/s", rows }).description();
        let expected =
            "a: 142.6 tok/s, 95 % interval 136.5 to 148.7; b (simulated): 100.0 tok/s; c: no result yet.";
        assert_eq!(words, expected);
    }

    #[test]
    fn long_lists_are_truncated() {
        let rows = (0..15).map(|index| row(&index.to_string(), None, None)).collect();
        let words = ChartSpec::Bars(Bars { unit: "ms", rows }).description();
        assert!(words.ends_with("11: no result yet; and 3 more."), "{words}");
        assert_eq!(ChartSpec::Bars(Bars { unit: "ms", rows: vec![] }).description(), "No results yet.");
    }

    #[test]
    fn points_name_both_quantities() {
        let (x, y) = (Quantity { name: "TTFT", unit: "ms" }, Quantity { name: "speed", unit: "tok/s" });
        let point =
            Point { label: "a".to_owned(), hue: "demo".to_owned(), x: 212.0, y: 39.4, simulated: true };
        let words = ChartSpec::Scatter(Scatter { x, y, points: vec![point] }).description();
        assert_eq!(words, "a (simulated): TTFT 212.0 ms, speed 39.4 tok/s.");
    }

    #[test]
    fn a_timeline_describes_its_longest_gap() {
        let timeline = |deltas_ms| Timeline { ttft_ms: 840.0, deltas_ms, hue: "demo".to_owned() };
        let words = timeline(vec![20.0, 310.0, 30.0]).description();
        assert_eq!(
            words,
            "First token after 840 ms; 4 chunks within 1,200 ms. The longest gap between two is 310 ms."
        );
        assert_eq!(timeline(vec![]).description(), "First token after 840 ms; 1 chunk within 840 ms.");
    }

    #[test]
    fn the_element_gets_what_it_reads() {
        let spec = ChartSpec::Bars(Bars { unit: "ms", rows: vec![row("a", Some(1.0), Some((0.5, 1.5)))] });
        let expected = json!({ "kind": "bars", "unit": "ms", "rows": [
            { "label": "a", "hue": "openai", "value": 1.0, "interval": [0.5, 1.5], "simulated": false },
        ]});
        assert_eq!(serde_json::to_value(&spec).unwrap(), expected);
    }
}
