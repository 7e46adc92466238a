//! The documents are true: each test that docs/security.md names exists, and each of its threats has one.
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::fs;
use std::path::Path;

const SECURITY: &str = "docs/security.md";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns text and target of each link.
fn links(markdown: &str) -> impl Iterator<Item = (&str, &str)> {
    markdown.split("](").zip(markdown.split("](").skip(1)).filter_map(|(before, after)| {
        let (_, text) = before.rsplit_once('[')?;
        let (target, _) = after.split_once(')')?;
        Some((text, target))
    })
}

/// Returns whether the source file has a test with this name.
fn has_test(source: &str, path: &str, name: &str) -> bool {
    if path.ends_with(".js") {
        return source.contains(&format!("test(\"{name}\", "));
    }
    let declaration = format!("fn {name}(");
    source.match_indices(&declaration).any(|(start, _)| {
        let above = source[..start].rfind('\n').map_or("", |end| &source[..end]);
        let attributes = above.lines().rev().take_while(|line| line.trim().starts_with("#["));
        let mut attributes = attributes.map(str::trim);
        attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_threat_has_a_test_that_exists() {
    let document = read(SECURITY);
    let (_, threats) = document.split_once("## Threats").unwrap();
    let (threats, _) = threats.split_once("## Out of scope").unwrap();
    let rows = threats.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat"));
    let (mut tests, mut missing) = (0, Vec::new());
    for row in rows {
        let named: Vec<_> =
            links(row).filter(|(_, target)| target.ends_with(".rs") || target.ends_with(".js")).collect();
        if named.is_empty() {
            missing.push(format!("no test: {row}"));
        }
        for (name, target) in named {
            tests += 1;
            let path = target.strip_prefix("../").unwrap_or_else(|| panic!("{target} is outside of docs/"));
            if !has_test(&read(path), path, name) {
                missing.push(format!("{path} has no test {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(tests >= 40, "{tests}");
}

#[test]
fn a_test_is_told_from_other_functions() {
    let source = "#[test]\nfn one() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\n#[ignore = \"slow\"]\nasync fn two() {}\nfn three() {}\n";
    let found = ["one", "two", "three", "four"].map(|name| has_test(source, "a.rs", name));
    assert_eq!(found, [true, true, false, false]);
    assert!(has_test("test(\"a page opens\", async () => {});", "a.spec.js", "a page opens"));
    assert!(!has_test("test(\"a page opens\", async () => {});", "a.spec.js", "a page"));
}

#[test]
fn links_of_documents_lead_to_files() {
    for document in [
        "README.md",
        "docs/architecture.md",
        "docs/measurement.md",
        "docs/security.md",
        "docs/serving.md",
        "docs/terminal.md",
    ] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(document).parent().unwrap().to_owned();
        for (_, target) in
            links(&read(document)).map(|(text, target)| (text, target.split('#').next().unwrap_or_default()))
        {
            let is_local = !target.is_empty() && !target.contains("://");
            assert!(!is_local || directory.join(target).exists(), "{document} links to {target}");
        }
    }
}
