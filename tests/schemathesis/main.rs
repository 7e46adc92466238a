//! Schemathesis against the running program: it reads the published description and tries to break
//! what it describes, with valid and invalid requests of its own making.

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
fn nothing_breaks_the_interface() {
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
    assert!(output.status.success(), "{report}\n{errors}\nThe server said:\n{}", last_words(&server.log()));
}

/// The end of a log.
fn last_words(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
