//! Runs Schemathesis against the program: it generates valid and invalid requests from the OpenAPI description.

#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

#[path = "../server/process.rs"]
#[allow(dead_code, reason = "other tests kill it")]
mod process;
#[path = "../python/mod.rs"]
mod python;

use std::process::Command;

use process::Installation;
use python::python;

#[test]
#[ignore = "needs Schemathesis: run by make test"]
fn the_api_matches_its_description() {
    let installation = Installation::new();
    let server = installation.start();
    let output = Command::new(python())
        .arg("tests/schemathesis/check.py")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("STUDIO_URL", &server.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}\n{errors}\nThe server's log:\n{}", end_of(&server.log()));
}

/// Returns the end of a log.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
