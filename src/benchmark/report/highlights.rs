//! The three highlights: fastest output, quickest first token, cheapest run.

use super::remarks::with_context;
use super::{hue_of, short_name};
use crate::benchmark::page_row::PageRow;
use endpoint::PriceSource;
use stats::Summary;
use ui::format;

/// One highlight: the best value and its model.
#[derive(Debug, Clone, PartialEq)]
pub struct Highlight {
    pub value: String,
    pub hue: &'static str,
    /// The model, and its context size where several were measured.
    pub who: String,
    /// The spread of the value: `± 6.1, n = 6`; for a cost the source of the price.
    pub about: String,
    /// The 95 % interval as text; `None` for a single run and for costs.
    pub interval: Option<String>,
}

/// The highlights; `None` for those without results. Simulated models are ignored if there are real ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Highlights {
    /// Tokens per second.
    pub fastest: Option<Highlight>,
    /// Milliseconds.
    pub quickest: Option<Highlight>,
    /// US dollars per run.
    pub cheapest: Option<Highlight>,
}

impl Highlights {
    pub fn of(rows: &[PageRow]) -> Self {
        let real = rows.iter().any(|row| !row.simulated);
        let counted: Vec<&PageRow> = rows.iter().filter(|row| !(real && row.simulated)).collect();
        let tiers = rows
            .iter()
            .any(|row| rows.first().is_some_and(|first| row.context_tokens != first.context_tokens));
        let measured = |row: &PageRow, summary: Summary, write: fn(f64) -> String, unit: &str| {
            let value = write(summary.mean);
            let sd = summary.sd.map(|sd| format!("{}, ", format::spread(sd, &value))).unwrap_or_default();
            let interval = summary.ci_low.zip(summary.ci_high);
            Highlight {
                hue: hue_of(row),
                who: who(row, tiers),
                about: format!("{sd}n = {}", summary.n),
                interval: interval
                    .map(|(low, high)| format!("95 % interval {} to {} {unit}", write(low), write(high))),
                value,
            }
        };
        Self {
            fastest: least(&counted, |row| Some(-row.summary.output_speed_tps?.mean))
                .and_then(|row| Some(measured(row, row.summary.output_speed_tps?, format::number, "tok/s"))),
            quickest: least(&counted, |row| Some(row.summary.ttft_ms?.mean))
                .and_then(|row| Some(measured(row, row.summary.ttft_ms?, format::millis, "ms"))),
            cheapest: least(&counted, |row| Some(row.summary.cost?.mean)).and_then(|row| cost(row, tiers)),
        }
    }
}

fn least<'a>(rows: &[&'a PageRow], of: impl Fn(&PageRow) -> Option<f64>) -> Option<&'a PageRow> {
    let known = rows.iter().filter_map(|row| Some((*row, of(row)?)));
    known.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(row, _)| row)
}

fn cost(row: &PageRow, tiers: bool) -> Option<Highlight> {
    let source = match row.price?.source {
        PriceSource::Catalog => "catalog price",
        PriceSource::Custom => "custom price",
    };
    Some(Highlight {
        value: format::usd(row.summary.cost?.mean),
        hue: hue_of(row),
        who: who(row, tiers),
        about: source.to_owned(),
        interval: None,
    })
}

fn who(row: &PageRow, tiers: bool) -> String {
    let name = short_name(row);
    if tiers { with_context(name, row.context_tokens) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{failed, page_row as row, run};
    use endpoint::Price;

    #[test]
    fn names_the_best_model_with_its_spread() {
        let mut cheap = row("groq", "b", 0, vec![run(4), run(5)]);
        cheap.row.price = Some(Price {
            input_per_mtok: 1.0,
            cached_input_per_mtok: None,
            output_per_mtok: 2.0,
            up_to_input_tokens: None,
            source: PriceSource::Custom,
        });
        cheap.row.runs.iter_mut().for_each(|run| run.cost = Some(0.0031));
        cheap.row.summary = bench::summary::summarize(&cheap.runs);
        let rows = [row("openai", "a", 0, vec![run(1), run(3)]), cheap, row("xai", "c", 0, vec![failed(1)])];
        let highlights = Highlights::of(&rows);
        let fastest = highlights.fastest.unwrap();
        assert_eq!((fastest.who.as_str(), fastest.value.as_str()), ("a", "58.0"));
        assert_eq!(fastest.about, "± 1.4, n = 2");
        assert_eq!(highlights.quickest.unwrap().who, "a");
        let cheapest = highlights.cheapest.unwrap();
        assert_eq!((cheapest.who.as_str(), cheapest.value.as_str()), ("b", "$0.0031"));
        assert_eq!(cheapest.about, "custom price");
    }

    #[test]
    fn ignores_simulated_models_beside_real_ones() {
        let mut demo = row("demo", "d", 0, vec![run(1)]);
        demo.row.simulated = true;
        let rows = [demo, row("openai", "a", 5_000, vec![run(9)])];
        assert_eq!(Highlights::of(&rows).fastest.unwrap().who, "a at 5K");
        assert_eq!(Highlights::of(&rows[..1]).fastest.unwrap().who, "d");
    }

    #[test]
    fn has_no_highlights_before_the_first_result() {
        assert_eq!(Highlights::of(&[row("openai", "a", 0, vec![])]), Highlights::default());
    }
}
