//! `llm-studio mock` in a separate process: it keeps running when servers are killed, can be suspended, and
//! logs its requests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// The mock's process; killed on drop.
pub struct Mock {
    process: Child,
    /// The base URL for clients of OpenAI's protocol.
    pub base_url: String,
    dir: TempDir,
}

impl Mock {
    /// Starts the mock on a free port.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_llm-studio"))
            .args(["mock", "--port", "0", "--log"])
            .arg(dir.path().join("log.jsonl"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut first_line).unwrap();
        let base_url = first_line.split_whitespace().find(|word| word.ends_with("/v1"));
        let base_url = base_url.unwrap_or_else(|| panic!("the mock does not start: {first_line}")).to_owned();
        Self { process, base_url, dir }
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Suspends the mock, so that requests to it stay in flight until `resume`.
    pub fn suspend(&self) {
        suspend(self.process.id());
    }

    /// Resumes the mock.
    pub fn resume(&self) {
        resume(self.process.id());
    }

    /// Stops the mock and returns the completion requests that it received.
    pub fn requests(mut self) -> Vec<Request> {
        self.terminate();
        self.process.wait().unwrap();
        let log = fs::read_to_string(self.dir.path().join("log.jsonl")).unwrap();
        log.lines().map(|line| Request::of(&serde_json::from_str(line).unwrap())).collect()
    }

    fn terminate(&self) {
        kill(pid(self.process.id()), Signal::SIGTERM).unwrap();
    }
}

/// Suspends a process.
pub fn suspend(process: u32) {
    kill(pid(process), Signal::SIGSTOP).unwrap();
}

/// Resumes a suspended process.
pub fn resume(process: u32) {
    kill(pid(process), Signal::SIGCONT).unwrap();
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap())
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request as the mock logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub response_id: String,
    pub completed: bool,
}

impl Request {
    fn of(line: &Value) -> Self {
        let response_id = line["id"].as_str().unwrap().to_owned();
        Self { response_id, completed: line["outcome"] == "completed" }
    }
}
