//! `llm-studio mock` in a process of its own: it outlives the servers that ask it, can be held up, and
//! counts what it was asked.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// The mock's process; killed when dropped.
pub struct Mock {
    process: Child,
    /// For clients of OpenAI's protocol.
    pub base_url: String,
    dir: TempDir,
}

impl Mock {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_llm-studio"))
            .args(["mock", "--port", "0", "--log"])
            .arg(dir.path().join("log.jsonl"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut greeting).unwrap();
        let base_url = greeting.split_whitespace().find(|word| word.ends_with("/v1"));
        let base_url = base_url.unwrap_or_else(|| panic!("the mock does not start: {greeting}")).to_owned();
        Self { process, base_url, dir }
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Whoever asks it waits from now on. With this a test is in the middle for as long as it wants.
    pub fn hold(&self) {
        hold(self.process.id());
    }

    /// Goes on where it was held up.
    pub fn go_on(&self) {
        go_on(self.process.id());
    }

    /// Ends it; the requests for completions that it got.
    pub fn requests(mut self) -> Vec<Request> {
        self.signal_to_end();
        self.process.wait().unwrap();
        let log = fs::read_to_string(self.dir.path().join("log.jsonl")).unwrap();
        log.lines().map(|line| Request::of(&serde_json::from_str(line).unwrap())).collect()
    }

    fn signal_to_end(&self) {
        kill(pid(self.process.id()), Signal::SIGTERM).unwrap();
    }
}

/// Holds up a process.
pub fn hold(process: u32) {
    kill(pid(process), Signal::SIGSTOP).unwrap();
}

/// Lets a process go on that was held up.
pub fn go_on(process: u32) {
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
