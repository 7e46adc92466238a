//! Live progress on stderr: one bar per provider on a terminal, otherwise one line per finished model and
//! context size.

use std::{collections::HashMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::metrics::open_loop;
use crate::cli::output::{NONE, adjustment_note, label, measured, printable, row_label, whole};
use crate::cli::terminal::{line_to_stderr, set_message, set_name, stderr_is_terminal};
use bench::types::{Event, Init, ModelAdjustments, Progress, ResultRow, RunResult};

/// Maximum redraws per second: drawing must not take CPU time from measuring.
const MAX_REDRAWS_PER_SECOND: u8 = 10;

/// Updates the remaining time during a long request.
const TICK: Duration = Duration::from_millis(500);

/// Reports the engine's progress on stderr.
pub struct Reporter {
    display: Display,
    verbose: bool,
    /// Whether to print adjusted parameters; the table contains them itself.
    prints_adjustments: bool,
}

enum Display {
    Bars(Bars),
    Lines,
}

impl Reporter {
    /// Creates a reporter, with bars if stderr is a terminal and nothing else is written to it.
    pub fn new(verbose: bool, prints_adjustments: bool) -> Self {
        let display =
            if stderr_is_terminal() && !verbose { Display::Bars(Bars::new()) } else { Display::Lines };
        Self { display, verbose, prints_adjustments }
    }

    /// Handles one event.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::BenchmarkInit { data } => self.begin(data),
            Event::ParamAdjustments { models } if self.prints_adjustments => {
                for ModelAdjustments { model, adjustments } in models {
                    let notes =
                        adjustments.iter().filter_map(|change| adjustment_note(&model.to_string(), change));
                    notes.for_each(|note| self.print(&note));
                }
            }
            Event::ParamAdjustments { .. } | Event::BenchmarkWarmup { .. } => {}
            Event::BenchmarkProgress { data } => self.advance(data),
            Event::BenchmarkResult { data } => self.run_ended(data),
            Event::BenchmarkRow { data } => self.row_ended(data),
        }
    }

    /// Prints one line without disturbing the bars.
    pub fn print(&self, line: &str) {
        match &self.display {
            Display::Bars(bars) => bars.print(line),
            Display::Lines => line_to_stderr(line),
        }
    }

    /// Removes the bars.
    pub fn finish(self) {
        if let Display::Bars(bars) = self.display {
            bars.finish();
        }
    }

    fn begin(&mut self, init: &Init) {
        match &mut self.display {
            Display::Bars(bars) => bars.begin(init),
            Display::Lines => line_to_stderr(format_args!(
                "{} requests to {} {}",
                whole(init.total_requests),
                init.targets.len(),
                if init.targets.len() == 1 { "model" } else { "models" }
            )),
        }
    }

    fn advance(&mut self, progress: &Progress) {
        if let Display::Bars(bars) = &mut self.display {
            bars.advance(progress);
        }
    }

    fn run_ended(&mut self, result: &RunResult) {
        if let Display::Bars(bars) = &mut self.display {
            bars.run_ended(result);
        }
        if self.verbose
            && let Some(line) = run_line(result)
        {
            self.print(&line);
        }
    }

    fn row_ended(&self, row: &ResultRow) {
        if matches!(self.display, Display::Lines) {
            self.print(&row_line(row));
        }
    }
}

struct Bars {
    all: MultiProgress,
    by_provider: HashMap<String, ProviderBar>,
}

struct ProviderBar {
    bar: ProgressBar,
    failed: u64,
}

impl Bars {
    fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(MAX_REDRAWS_PER_SECOND);
        Self { all: MultiProgress::with_draw_target(target), by_provider: HashMap::new() }
    }

    fn begin(&mut self, init: &Init) {
        for target in &init.targets {
            self.of(&target.provider_key);
        }
    }

    fn of(&mut self, provider_key: &str) -> &mut ProviderBar {
        let all = &self.all;
        self.by_provider.entry(provider_key.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::no_length().with_style(style()));
            set_name(&bar, provider_key);
            bar.enable_steady_tick(TICK);
            ProviderBar { bar, failed: 0 }
        })
    }

    fn advance(&mut self, progress: &Progress) {
        let ProviderBar { bar, failed } = self.of(&progress.provider_key);
        bar.set_length(progress.provider_total);
        bar.set_position(progress.provider_done);
        set_message(bar, &message(progress, *failed));
    }

    fn run_ended(&mut self, result: &RunResult) {
        let Some(run) = &result.run else { return };
        let provider = self.of(&result.provider_key);
        provider.bar.inc(1);
        if !run.success {
            provider.failed += 1;
        }
    }

    fn print(&self, line: &str) {
        self.all.suspend(|| line_to_stderr(line));
    }

    fn finish(self) {
        for provider in self.by_provider.values() {
            provider.bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    const TEMPLATE: &str = "{prefix:>12} {bar:16} {pos:>4}/{len:<4} {left:>7}  {wide_msg}";
    ProgressStyle::with_template(TEMPLATE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A failed write to the bar must not stop the benchmark.
            let _ = out.write_str(&time_left(state));
        })
}

fn time_left(state: &ProgressState) -> String {
    match (state.pos(), state.len()) {
        (0, _) | (_, None) => NONE.to_owned(),
        _ => short_duration(state.eta()),
    }
}

/// `45 s`, `3:07`, `1:02:09`.
fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

fn message(progress: &Progress, failed: u64) -> String {
    let model = printable(&progress.model);
    let tier = match progress.context_tokens {
        0 => String::new(),
        tokens => format!(", {} tokens", whole(tokens)),
    };
    let step = match (progress.live_tps, progress.run) {
        (Some(speed), _) => format!("{} tok/s", measured(speed)),
        (None, 0) => "warm-up".to_owned(),
        (None, run) => format!("run {run}/{}", progress.runs),
    };
    let failed = if failed == 0 { String::new() } else { format!("{} failed, ", whole(failed)) };
    format!("{failed}{step}: {model}{tier}")
}

fn run_line(result: &RunResult) -> Option<String> {
    let run = result.run.as_ref()?;
    let label = label(&result.provider_key, &result.model_id, result.context_tokens);
    let outcome = match &run.error {
        Some(error) => printable(&error.to_string()),
        None => figures(run.output_speed_tps, run.ttft_ms),
    };
    Some(format!("{label} run {}: {outcome}", run.run_number))
}

fn row_line(row: &ResultRow) -> String {
    let summary = &row.summary;
    let outcome = match (&row.skipped, summary.success_count, summary.error_count) {
        (Some(skip), ..) => format!("skipped, {}", printable(&skip.reason)),
        (None, 0, 0) => "no run finished".to_owned(),
        (None, 0, failed) => format!("{} failed{}", whole(failed), last_error(row)),
        (None, ok, failed) => {
            let ttft_ms = open_loop(row).map_or(summary.ttft_ms, |open| open.ttft_ms);
            let figures = figures(summary.output_speed_tps.map(|s| s.mean), ttft_ms.map(|s| s.mean));
            let failed = if failed == 0 {
                String::new()
            } else {
                format!(", {} failed{}", whole(failed), last_error(row))
            };
            format!("{figures}; {} ok{failed}", whole(ok))
        }
    };
    format!("{}: {outcome}", row_label(row))
}

fn last_error(row: &ResultRow) -> String {
    let error = row.runs.iter().rev().find_map(|run| run.error.as_ref());
    error.map(|error| format!(" ({})", printable(&error.to_string()))).unwrap_or_default()
}

fn figures(speed: Option<f64>, ttft: Option<f64>) -> String {
    let or_none = |value: Option<f64>| value.map_or(NONE.to_owned(), measured);
    format!("{} tok/s, TTFT {} ms", or_none(speed), or_none(ttft))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;

    #[test]
    fn a_line_reports_the_outcome_of_a_row() {
        let lines: Vec<_> = fixture::report().results.iter().map(row_line).collect();
        assert_eq!(
            lines,
            [
                "openai/gpt-4o: 100 tok/s, TTFT 310 ms; 3 ok",
                "local/fast: 100 tok/s, TTFT 21.2 ms; 2 ok, 1 failed ([rate_limited] slow down)",
                "local/dead: 3 failed ([rate_limited] slow down)",
                "local/fast at 50,000 tokens: skipped, 50,000 tokens do not fit into a window of 8,192",
            ]
        );
    }

    #[test]
    fn times_are_short() {
        let shown = [5, 187, 3_729].map(|seconds| short_duration(Duration::from_secs(seconds)));
        assert_eq!(shown, ["5 s", "3:07", "1:02:09"]);
    }

    #[test]
    fn the_bar_shows_the_current_request() {
        let progress = Progress {
            provider: "OpenAI".into(),
            provider_key: "openai".into(),
            model: "GPT".into(),
            model_id: "gpt".into(),
            run: 0,
            runs: 3,
            context_tokens: 5_000,
            provider_done: 0,
            provider_total: 4,
            live_tps: None,
        };
        assert_eq!(message(&progress, 0), "warm-up: GPT, 5,000 tokens");
        assert_eq!(
            message(&Progress { run: 2, context_tokens: 0, ..progress.clone() }, 1),
            "1 failed, run 2/3: GPT"
        );
        assert_eq!(
            message(&Progress { live_tps: Some(512.0), ..progress }, 0),
            "512 tok/s: GPT, 5,000 tokens"
        );
    }
}
