use super::*;
use crate::cli::fixture;
use bench::types::TokenSource;
use stats::Summary;

fn rendered(format: Format, canvas: Canvas) -> String {
    render(&fixture::report(), format, canvas).unwrap()
}

#[test]
fn table() {
    insta::assert_snapshot!(rendered(Format::Table, Canvas::plain()));
}

#[test]
fn table_in_80_columns() {
    let text = rendered(Format::Table, Canvas { width: Some(80), styled: false });
    insta::assert_snapshot!(text);
}

#[test]
fn table_under_load() {
    let text = render(&fixture::load_report(), Format::Table, Canvas::plain()).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn table_of_an_open_loop() {
    let text = render(&fixture::open_loop_report(), Format::Table, Canvas::plain()).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn markdown_of_an_open_loop() {
    let text = render(&fixture::open_loop_report(), Format::Markdown, Canvas::plain()).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn csv_of_an_open_loop_has_each_delay_and_both_rates() {
    let text = render(&fixture::open_loop_report(), Format::Csv, Canvas::plain()).unwrap();
    let ends: Vec<_> = text.lines().map(|line| line.rsplitn(4, ',').take(3).collect::<Vec<_>>()).collect();
    assert_eq!(ends[0], ["requests_per_second", "offered_requests_per_second", "start_delay_ms"]);
    assert_eq!(ends[1..], [["18.7", "20.0", "0.1"], ["18.7", "20.0", "0.2"], ["18.7", "20.0", "90.0"]]);
}

#[test]
fn an_endpoint_that_did_not_keep_up_is_said_to() {
    let mut report = fixture::open_loop_report();
    let overloaded = "openai/gpt-4o did not keep up: 10.2 of 20 requests per second";
    assert!(!render(&report, Format::Table, Canvas::plain()).unwrap().contains("did not keep up"));
    report.results[0].load.as_mut().unwrap().requests_per_second = Some(10.2);
    assert!(render(&report, Format::Table, Canvas::plain()).unwrap().contains(overloaded));
}

#[test]
fn outliers_of_an_open_loop_are_those_of_the_latencies_it_shows() {
    let mut report = fixture::open_loop_report();
    let open = report.results[0].load.as_mut().unwrap().open_loop.as_mut().unwrap();
    open.ttft_ms = open.ttft_ms.map(|ttft| Summary { n: 100, outliers: Some(7), ..ttft });
    let text = render(&report, Format::Table, Canvas::plain()).unwrap();
    assert!(text.contains("7 of 100 TTFT values"), "{text}");
}

#[test]
fn a_machine_that_starts_requests_late_is_said_to_be_busy() {
    let mut report = fixture::open_loop_report();
    report.results[0].load.as_mut().unwrap().open_loop.as_mut().unwrap().held_back = 0;
    let text = render(&report, Format::Table, Canvas::plain()).unwrap();
    assert!(text.contains("this machine was too busy"), "{text}");
}

#[test]
fn markdown() {
    insta::assert_snapshot!(rendered(Format::Markdown, Canvas::plain()));
}

#[test]
fn csv() {
    insta::assert_snapshot!(rendered(Format::Csv, Canvas::plain()));
}

#[test]
fn json_is_the_report() {
    let text = rendered(Format::Json, Canvas::plain());
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), fixture::reread());
}

#[test]
fn a_files_extension_selects_its_format() {
    let of = |name: &str| Format::of_file(Path::new(name));
    assert_eq!(of("a.JSON"), Some(Format::Json));
    assert_eq!(of("a.csv"), Some(Format::Csv));
    assert_eq!(of("a.md"), Some(Format::Markdown));
    assert_eq!((of("a.txt"), of("results")), (None, None));
}

#[test]
fn only_differing_values_are_marked_as_best() {
    let mut report = fixture::report();
    report.results.truncate(1);
    let styled = render(&report, Format::Table, Canvas { width: None, styled: true }).unwrap();
    assert!(!styled.contains("\u{1b}[1m"), "a single row is not marked as best: {styled:?}");
}

#[test]
fn an_estimated_context_is_marked() {
    let mut report = fixture::report();
    report.results[0].context_tokens = 5_000;
    report.results[0].context_token_source = Some(TokenSource::Estimated);
    let text = render(&report, Format::Table, Canvas::plain()).unwrap();
    assert!(text.contains("≈ 5,000") && text.contains("≈: tokenizer unknown"), "{text}");
}

#[test]
fn outliers_are_reported_from_eight_runs_on() {
    let with_one_slow_run = |runs: u64| {
        let ttft = |number| if number == runs { 900.0 } else { 300.0 + number as f64 };
        let runs = (1..=runs).map(|number| fixture::run(number, ttft(number))).collect();
        let report = Report { results: vec![fixture::row("p", "P", "m", runs)], ..fixture::report() };
        render(&report, Format::Table, Canvas::plain()).unwrap()
    };
    assert!(with_one_slow_run(8).contains("p/m: 1 of 8 TTFT values"));
    assert!(!with_one_slow_run(7).contains("outliers"));
}
