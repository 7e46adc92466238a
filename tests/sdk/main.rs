//! Tests the mock with the official Python SDKs of the four protocols. Each test runs one Python file in this
//! directory.

#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

#[path = "../python/mod.rs"]
mod python;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use python::python;

#[test]
#[ignore = "needs the Python SDKs: run by make test"]
fn openai() {
    run_sdk_test("test_openai.py");
}

#[test]
#[ignore = "needs the Python SDKs: run by make test"]
fn anthropic() {
    run_sdk_test("test_anthropic.py");
}

#[test]
#[ignore = "needs the Python SDKs: run by make test"]
fn google_genai() {
    run_sdk_test("test_google_genai.py");
}

#[test]
#[ignore = "needs the Python SDKs: run by make test"]
fn cohere() {
    run_sdk_test("test_cohere.py");
}

fn run_sdk_test(file: &str) {
    let python = python();
    let mock = Mock::start();
    let output = Command::new(python)
        .args([
            "-W",
            "ignore",
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests/sdk",
            "--pattern",
            file,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("MOCK_URL", &mock.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    // unittest treats a run without tests as a success.
    assert!(output.status.success() && !report.contains("Ran 0 tests"), "{file}:\n{report}");
}

/// A `llm-studio mock` process on a free port.
struct Mock {
    process: Child,
    root: String,
}

impl Mock {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_llm-studio"))
            .args(["mock", "--port", "0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut greeting).unwrap();
        let root = greeting.split_whitespace().find_map(|word| word.strip_suffix("/v1"));
        let root = root.unwrap_or_else(|| panic!("no address in: {greeting}")).to_owned();
        Self { process, root }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
