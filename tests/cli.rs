//! Tests of the real program against mock servers in this process.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
};

use bench::types::{Report, ResultRow, Status};
use endpoint::ErrorKind;
use mock::{Handle, start_demo};
use tempfile::TempDir;

const QUICK: &str = "mock/ttft=20,gap=2,tokens=20";

/// An empty directory and environment to run in.
struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with_config(yaml: &str) -> Self {
        let sandbox = Self::new();
        fs::write(sandbox.path().join("llm-studio.yaml"), yaml).unwrap();
        sandbox
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-studio"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        Finished {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    fn saved(&self) -> Vec<Report> {
        let Ok(entries) = fs::read_dir(self.path().join("results")) else { return Vec::new() };
        entries
            .map(|entry| serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap())
            .collect()
    }
}

#[derive(Debug)]
struct Finished {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Finished {
    fn report(&self) -> Report {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn refused(&self, expected: &str) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!((self.stderr.lines().count(), self.stdout.as_str()), (1, ""), "{self:?}");
        assert!(self.stderr.contains(expected), "{self:?}");
    }
}

fn server() -> Handle {
    start_demo().unwrap()
}

/// Returns a provider entry of the file for `server` with these models.
fn provider(key: &str, server: &Handle, models: &[&str]) -> String {
    let models: String = models.iter().map(|model| format!("      - \"{model}\"\n")).collect();
    format!("  {key}:\n    base_url: {}/v1\n    models:\n{models}", server.base_url())
}

fn row<'a>(report: &'a Report, model: &str) -> &'a ResultRow {
    report.results.iter().find(|row| row.model_id == model).unwrap()
}

fn only_error(row: &ResultRow) -> ErrorKind {
    row.runs[0].error.as_ref().unwrap().kind
}

#[test]
fn stdout_is_the_result_and_a_copy_is_saved() {
    let server = server();
    let sandbox = Sandbox::new();
    let url = format!("{}/v1", server.base_url());
    let done =
        sandbox.run(&["bench", "--base-url", &url, "--model-id", QUICK, "--format", "json", "--runs", "2"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let report = done.report();
    let summary = &report.results[0].summary;
    assert_eq!((summary.success_count, summary.error_count), (2, 0));
    assert_eq!(summary.output_tokens.unwrap().mean, 20.0);
    assert_eq!(sandbox.saved(), [report]);
}

#[test]
fn the_demo_works_without_any_configuration() {
    let sandbox = Sandbox::new();
    let flags =
        ["bench", "--provider", "demo", "--runs", "1", "--max-tokens", "5", "--no-warmup", "--no-save"];
    let done = sandbox.run(&flags);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("Simulated models"), "{done:?}");
    assert!(!done.stdout.contains('\u{1b}'), "no colours in a pipe: {done:?}");
    assert!(sandbox.saved().is_empty());
}

#[test]
fn a_provider_that_hangs_does_not_delay_others() {
    let (good, bad) = (server(), server());
    let hanging = "mock/error=hang";
    let yaml =
        format!("providers:\n{}{}", provider("good", &good, &[QUICK]), provider("bad", &bad, &[hanging]));
    let sandbox = Sandbox::with_config(&yaml);
    let flags = ["bench", "--format", "json", "--runs", "2", "--no-warmup", "--first-token-timeout", "1.5"];
    let done = sandbox.run(&flags);
    assert_eq!(done.code, Some(0), "{done:?}");
    let report = done.report();
    assert_eq!(row(&report, QUICK).summary.success_count, 2);
    assert_eq!(row(&report, hanging).summary.error_count, 2);
    assert_eq!(only_error(row(&report, hanging)), ErrorKind::FirstTokenTimeout);
}

#[test]
fn errors_are_recorded_by_kind() {
    let server = server();
    let (limited, broken) = ("mock/error=429", "mock/ttft=5,gap=1,error=stream,error_after=3");
    let sandbox =
        Sandbox::with_config(&format!("providers:\n{}", provider("p", &server, &[limited, broken, QUICK])));
    let done = sandbox.run(&["bench", "--format", "json", "--runs", "1", "--no-warmup"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let report = done.report();
    assert_eq!(only_error(row(&report, limited)), ErrorKind::RateLimited);
    assert_eq!(only_error(row(&report, broken)), ErrorKind::InStream);
    assert_eq!(row(&report, QUICK).summary.success_count, 1);
    assert!(done.stderr.contains("p/mock/error=429: 1 failed ([rate_limited]"), "{done:?}");
}

#[test]
fn a_context_size_that_does_not_fit_is_skipped_with_a_note() {
    let server = server();
    let models = format!(
        "  p:\n    base_url: {}/v1\n    models:\n      - id: \"{QUICK}\"\n        context_window: 4096\n",
        server.base_url()
    );
    let sandbox = Sandbox::with_config(&format!("providers:\n{models}"));
    let done =
        sandbox.run(&["bench", "--context-tiers", "0,1000,50000", "--runs", "1", "--no-warmup", "--no-save"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("Skipped p/") && done.stdout.contains("at 50,000 tokens"), "{done:?}");
}

#[test]
fn a_matching_condition_sets_the_exit_code() {
    let server = server();
    let sandbox = Sandbox::with_config(&format!("providers:\n{}", provider("p", &server, &[QUICK])));
    let run = |condition: &str| {
        sandbox.run(&["bench", "--runs", "1", "--no-warmup", "--no-save", "--fail-if", condition])
    };
    let broken = run("ttft_ms.p95 > 1");
    assert_eq!(broken.code, Some(3), "{broken:?}");
    assert!(broken.stderr.contains("ttft_ms.p95 > 1 (it is"), "{broken:?}");
    assert_eq!(run("ttft_ms.p95 > 60000").code, Some(0));
}

#[test]
fn only_failed_runs_set_the_exit_code() {
    let server = server();
    let sandbox =
        Sandbox::with_config(&format!("providers:\n{}", provider("p", &server, &["mock/error=500"])));
    let done = sandbox.run(&["bench", "--runs", "1", "--no-warmup"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(sandbox.saved().len(), 1, "failures are results too");
}

#[test]
fn load_keeps_its_requests_in_flight() {
    let server = server();
    let sandbox = Sandbox::new();
    let url = format!("{}/v1", server.base_url());
    let flags = ["bench", "--base-url", &url, "--model-id", QUICK, "--concurrency", "8", "--requests", "64"];
    let done = sandbox.run(&[&flags[..], &["--format", "json", "--no-save"]].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let report = done.report();
    let load = report.results[0].load.as_ref().unwrap();
    assert_eq!((load.requests, load.max_in_flight), (64, 8));
    assert_eq!(report.results[0].summary.success_count, 64);
}

#[test]
fn load_at_a_rate_counts_latencies_from_the_intended_starts() {
    let server = server();
    let sandbox = Sandbox::new();
    let url = format!("{}/v1", server.base_url());
    let flags = ["bench", "--base-url", &url, "--model-id", QUICK, "--rate", "100", "--requests", "40"];
    let done = sandbox.run(&[&flags[..], &["--format", "json", "--no-save"]].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let report = done.report();
    let (row, load) = (&report.results[0], report.results[0].load.as_ref().unwrap());
    let open = load.open_loop.as_ref().unwrap();
    assert_eq!((open.offered_requests_per_second, row.summary.success_count), (100.0, 40));
    assert!(load.requests_per_second.is_some_and(|achieved| achieved > 0.0), "{load:?}");
    assert!(open.ttft_ms.unwrap().mean >= row.summary.ttft_ms.unwrap().mean);
    assert!(row.runs.iter().all(|run| run.start_delay_ms.is_some()));

    let missed = "load.open_loop.total_time_s.p99 > 0.01";
    let table = sandbox.run(&[&flags[..], &["--no-save", "--fail-if", missed]].concat());
    assert_eq!(table.code, Some(3), "{table:?}");
    assert!(table.stdout.contains("40 requests at 100 per second (poisson arrivals)"), "{table:?}");
    assert!(table.stdout.contains("Start delay of"), "{table:?}");
    sandbox.run(&flags[..7]).refused("add --requests or --duration");
    sandbox.run(&[&flags[..], &["--runs", "3"]].concat()).refused("leave --runs out");
}

#[test]
fn output_goes_to_the_file_in_the_format_of_its_name() {
    let server = server();
    let sandbox = Sandbox::with_config(&format!("providers:\n{}", provider("p", &server, &[QUICK])));
    let done = sandbox.run(&["bench", "--runs", "2", "--no-warmup", "--no-save", "--output", "out.csv"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{done:?}");
    let text = fs::read_to_string(sandbox.path().join("out.csv")).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.starts_with("provider,provider_key,model,"), "{text}");
}

#[test]
fn two_results_can_be_compared() {
    let server = server();
    let sandbox = Sandbox::with_config(&format!("providers:\n{}", provider("p", &server, &[QUICK])));
    for name in ["a.json", "b.json"] {
        let done = sandbox.run(&["bench", "--runs", "3", "--no-warmup", "--no-save", "--output", name]);
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    let done = sandbox.run(&["compare", "a.json", "b.json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("ttft_ms") && done.stdout.contains("p/mock/"), "{done:?}");
}

#[test]
fn list_shows_the_plan_and_sends_no_request() {
    let sandbox = Sandbox::with_config(
        "providers:\n  p:\n    base_url: http://127.0.0.1:9/v1\n    models:\n      - {id: m, context_window: 8192, price: {input: 1, output: 2}}\n",
    );
    let done = sandbox.run(&["bench", "--list", "--context-tiers", "0,50000"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("4 requests") && done.stdout.contains('$'), "{done:?}");
    assert!(sandbox.saved().is_empty());
}

#[test]
fn invalid_input_is_reported_in_one_line() {
    let sandbox =
        Sandbox::with_config("providers:\n  p:\n    base_url: http://127.0.0.1:9/v1\n    models: [m]\n");
    sandbox.run(&["bench", "--runs", "0"]).refused("1 to 20");
    sandbox.run(&["bench", "--frmat", "json"]).refused("--format");
    sandbox.run(&["bench", "--model", "nothing-like-it"]).refused("p/m");
    sandbox.run(&["bench", "--provider", "nobody"]).refused("available: p");
    sandbox.run(&["bench", "--provider", "ollama"]).refused("ollama");
    sandbox.run(&["bench", "--config", "missing.yaml"]).refused("missing.yaml");
    sandbox.run(&["bench", "--output", "no/such/directory/x.json"]).refused("no such directory");
    sandbox.run(&["bench", "--fail-if", "ttft > 1"]).refused("ttft_ms");
    sandbox.run(&["bench", "--base-url", "localhost:8080", "--model-id", "m"]).refused("https://");
    sandbox
        .run(&["bench", "--base-url", "http://h/v1", "--model-id", "m", "--api-key-env", "UNSET_KEY"])
        .refused("UNSET_KEY");
    sandbox.run(&["compare", "missing.json", "llm-studio.yaml"]).refused("missing.json");
    sandbox.run(&["compare", "llm-studio.yaml", "llm-studio.yaml"]).refused("not a llm-studio results file");
}

#[test]
fn a_missing_key_names_the_variable_to_set() {
    Sandbox::new().run(&["bench", "--provider", "openai"]).refused("set OPENAI_API_KEY");
}

/// Accepts one request, rejects it and returns it.
fn capture_request(listener: TcpListener) -> JoinHandle<String> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut buffer = [0; 4096];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the request ended early");
            head.extend_from_slice(&buffer[..read]);
        }
        stream
            .write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&head).into_owned()
    })
}

fn captured_request(flags: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let captured = capture_request(listener);
    let sandbox = Sandbox::new();
    let usual = ["bench", "--base-url", &url, "--model-id", "m", "--runs", "1", "--no-warmup"];
    let mut command = sandbox.command(&[&usual[..], flags].concat());
    command.env("OPENAI_API_KEY", "sk-canary-openai").env("MY_KEY", "sk-canary-mine");
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    for text in [&done.stdout, &done.stderr] {
        assert!(!String::from_utf8_lossy(text).contains("canary"), "a key was shown: {done:?}");
    }
    captured.join().unwrap()
}

#[test]
fn a_well_known_key_is_sent_to_no_other_host() {
    assert!(!captured_request(&[]).contains("canary"));
}

#[test]
fn a_key_is_sent_to_the_endpoint_it_is_configured_for() {
    let captured = captured_request(&["--api-key-env", "MY_KEY"]);
    assert!(captured.contains("sk-canary-mine") && !captured.contains("sk-canary-openai"), "{captured}");
}

#[test]
fn a_closed_pipe_loses_no_results() {
    let server = server();
    let sandbox = Sandbox::with_config(&format!("providers:\n{}", provider("p", &server, &[QUICK])));
    let flags = ["bench", "--runs", "1", "--no-warmup", "--format", "json"];
    let mut child = sandbox.command(&flags).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.saved().len(), 1);
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let sandbox = Sandbox::with_config("defaults:\n  runs: 3\n  speed: 9\n");
    sandbox.run(&["bench"]).refused("llm-studio.yaml:3:");
}

#[test]
fn the_example_can_be_used_unchanged() {
    let sandbox = Sandbox::new();
    let example = sandbox.run(&["config", "example"]);
    fs::write(sandbox.path().join("llm-studio.yaml"), &example.stdout).unwrap();
    let done = sandbox.run(&["bench", "--list"]);
    done.refused("OPENAI_API_KEY is not set");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_finished_runs() {
    let (good, bad) = (server(), server());
    let yaml = format!(
        "providers:\n{}{}",
        provider("good", &good, &[QUICK]),
        provider("bad", &bad, &["mock/error=hang"])
    );
    let sandbox = Sandbox::with_config(&yaml);
    let mut child = sandbox
        .command(&["bench", "--runs", "1", "--no-warmup", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let finished = stderr.find(|line| line.as_ref().unwrap().starts_with("good/"));
    assert!(finished.is_some(), "the good provider never ended");
    let process = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).unwrap();

    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    let said: Vec<String> = stderr.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said:?}");
    assert!(
        said.iter().any(|line| line.contains("Stopped with 1 run finished, saved to results")),
        "{said:?}"
    );

    let report: Report = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report.status, Status::Cancelled);
    assert_eq!(row(&report, QUICK).summary.success_count, 1);
    assert_eq!(sandbox.saved(), [report]);
}
