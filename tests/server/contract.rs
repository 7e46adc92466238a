//! Scripts that were written for the Python product, as Python with `requests` and `websockets`.

use std::process::Command;

use super::process::Installation;
use super::python::python;

#[test]
#[ignore = "needs Python packages: run by make test"]
fn a_script_runs_step_by_step() {
    run("test_script.py");
}

#[test]
#[ignore = "needs Python packages: run by make test"]
fn routes_answer_as_scripts_expect() {
    run("test_routes.py");
}

/// Runs the tests of one file against a new server.
fn run(file: &str) {
    let installation = Installation::new();
    let server = installation.start();
    let output = Command::new(python())
        .args([
            "-W",
            "ignore",
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests/contract",
            "--pattern",
            file,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("STUDIO_URL", &server.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    // unittest treats a run without tests as a success.
    assert!(
        output.status.success() && !report.contains("Ran 0 tests"),
        "{file}:\n{report}\n{}",
        server.log()
    );
}
