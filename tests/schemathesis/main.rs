//! Schemathesis against the running program: it reads the published description and tries to break
//! what it describes, with valid and invalid requests of its own making.

#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

#[path = "../server/process.rs"]
#[allow(dead_code, reason = "other tests kill it")]
mod process;

use std::path::{Path, PathBuf};
use std::process::Command;

use process::Installation;

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

/// The Python that has Schemathesis.
fn python() -> PathBuf {
    let made_by_script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/venv/bin/python");
    let python = std::env::var_os("SDK_PYTHON").map_or(made_by_script, PathBuf::from);
    assert!(
        python.exists(),
        "{} does not exist: run scripts/python-env.sh, or set SDK_PYTHON to a Python with tests/requirements.txt",
        python.display()
    );
    python
}
