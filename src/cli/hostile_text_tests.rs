//! Texts of users, endpoints and results files in everything that the commands print and export: nothing in them is
//! obeyed by a terminal, a spreadsheet or a Markdown reader.

use bench::types::Report;
use serde_json::Value;

use super::compare;
use super::fixture::{HOSTILE, load_report, obeyed, open_loop_report, report};
use super::output::{Canvas, Format, pretty_json, render};

/// Returns the report with `text` in each of its strings that may hold any text.
fn planted(report: &Report, text: &str) -> Report {
    let json = serde_json::to_value(report).unwrap();
    let mut paths = Vec::new();
    strings(&json, String::new(), &mut paths);
    let mut planted = json;
    for path in paths {
        let mut attempt = planted.clone();
        let value = attempt.pointer_mut(&path).unwrap();
        *value = format!("{text}{}{text}", value.as_str().unwrap()).into();
        // Words such as the protocol have no other value.
        if serde_json::from_value::<Report>(attempt.clone()).is_ok() {
            planted = attempt;
        }
    }
    serde_json::from_value(planted).unwrap()
}

/// Collects the paths of all strings.
fn strings(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(path),
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| strings(item, format!("{path}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, item)| strings(item, format!("{path}/{name}"), found));
        }
        _ => {}
    }
}

fn reports() -> [Report; 3] {
    let mut report = report();
    report.client.warning = Some("busy".into());
    [report, load_report(), open_loop_report()]
}

#[test]
fn texts_are_planted_in_all_fields() {
    let planted = serde_json::to_string(&planted(&reports()[0], "zebra")).unwrap();
    let fields = ["provider", "provider_key", "model", "model_id", "message", "finish_reason", "response_id"];
    for field in fields.into_iter().chain(["reason", "param", "warning", "started_at", "prompt"]) {
        assert!(planted.contains(&format!("\"{field}\":\"zebra")), "{field}");
    }
}

#[test]
fn no_text_controls_a_terminal_or_adds_a_line() {
    let canvases = [Canvas::plain(), Canvas { width: None, styled: true }];
    for report in reports() {
        let harmless = planted(&report, "x");
        for text in HOSTILE {
            let hostile = planted(&report, text);
            for canvas in canvases {
                let outputs = |of: &Report| {
                    [Format::Table, Format::Markdown, Format::Csv]
                        .map(|format| render(of, format, canvas).unwrap())
                };
                for (output, expected) in outputs(&hostile).iter().zip(outputs(&harmless)) {
                    assert_eq!(obeyed(output), "", "{text:?}: {output}");
                    assert_eq!(output.lines().count(), expected.lines().count(), "{text:?}: {output}");
                }
                let narrow = render(&hostile, Format::Table, Canvas { width: Some(40), ..canvas }).unwrap();
                assert_eq!(obeyed(&narrow), "", "{text:?}: {narrow}");
            }
        }
    }
}

#[test]
fn no_text_in_a_comparison_controls_a_terminal_or_adds_a_line() {
    let harmless = planted(&report(), "x");
    for text in HOSTILE {
        let hostile = planted(&report(), text);
        for (output, expected) in
            compare::rendered(&hostile, &report()).iter().zip(compare::rendered(&harmless, &report()))
        {
            assert_eq!(obeyed(output), "", "{text:?}: {output}");
            assert_eq!(output.lines().count(), expected.lines().count(), "{text:?}: {output}");
        }
    }
}

#[test]
fn json_is_printable_and_keeps_every_text() {
    for text in HOSTILE {
        let hostile = planted(&report(), text);
        let json = pretty_json(&hostile).unwrap();
        assert_eq!(obeyed(&json), "", "{text:?}: {json}");
        // Reading rounds the last bit of some numbers.
        let reread: Report = serde_json::from_str(&serde_json::to_string(&hostile).unwrap()).unwrap();
        assert!(serde_json::from_str::<Report>(&json).unwrap() == reread, "{text:?}: {json}");
    }
}

#[test]
fn no_cell_of_csv_is_a_formula() {
    for text in HOSTILE {
        let csv = render(&planted(&report(), text), Format::Csv, Canvas::plain()).unwrap();
        // Some spreadsheets separate cells by semicolons.
        for delimiter in [b',', b';'] {
            let mut reader =
                csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(csv.as_bytes());
            for cell in reader
                .records()
                .flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            {
                assert!(!cell.trim_start().starts_with(['=', '@', '+']), "{text:?}: {cell}");
                assert!(!cell.starts_with('-') || cell.parse::<f64>().is_ok(), "{text:?}: {cell}");
            }
        }
    }
}
