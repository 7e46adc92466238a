//! `llm-studio serve` in a separate process. The site's scripts are not served, so these tests run without
//! building the site.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, PipeReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use llm_benchmark_studio::database::Location;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// The data directory and environment of servers. The directory is deleted on drop.
pub struct Installation {
    dir: TempDir,
    environment: Vec<(&'static str, OsString)>,
}

impl Installation {
    /// Creates an empty installation with SQLite.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("site/pkg")).unwrap();
        Self { dir, environment: Vec::new() }
    }

    /// Adds an environment variable.
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Returns the directory of the database and the secret.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Returns the database that the servers use.
    pub fn database(&self) -> Location {
        let url = self.environment.iter().find(|(name, _)| *name == "DATABASE_URL");
        match url {
            Some((_, url)) => Location::Postgres(url.to_str().unwrap().into()),
            None => Location::Sqlite(self.data()),
        }
    }

    /// Starts a server and kills it after `time`.
    pub async fn start_and_kill(&self, time: Duration) {
        let mut command = self.command(&["serve"]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(time).await;
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts a server on a free port and waits until it listens.
    pub fn start(&self) -> Server {
        Server::started(self.command(&["serve"]))
            .unwrap_or_else(|output| panic!("the server does not start: {output}"))
    }

    /// Starts a server that is expected to fail and returns its output.
    pub fn refusal(&self) -> String {
        Server::started(self.command(&["serve"])).err().expect("the server starts")
    }

    /// Runs another command; returns whether it succeeded and its standard output.
    pub fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-studio"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("LEPTOS_OUTPUT_NAME", "llm-studio")
            .env("LEPTOS_SITE_ROOT", "site")
            .env("LEPTOS_SITE_PKG_DIR", "pkg")
            .env("PORT", "0")
            .env("STUDIO_DATA", self.data())
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A server process; killed on drop.
pub struct Server {
    /// For example `http://127.0.0.1:40123`.
    pub root: String,
    process: Child,
    log: Log,
}

type Log = Arc<Mutex<String>>;

impl Server {
    /// Starts the process and waits until it listens.
    ///
    /// # Errors
    /// Returns its output if it exits before it listens.
    fn started(mut command: Command) -> Result<Self, String> {
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let process = command.spawn().unwrap();
        // Closes this process's write ends of the pipe, so that the reader gets EOF.
        drop(command);
        let log = Log::default();
        let root = listening(reader, &log).recv();
        let mut server = Self { root: root.clone().unwrap_or_default(), process, log };
        if root.is_ok() {
            return Ok(server);
        }
        assert!(!server.process.wait().unwrap().success());
        Err(server.log())
    }

    /// Returns the output so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Kills the process with SIGKILL, on drop.
    pub fn kill(self) {}

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let process = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(process, Signal::SIGTERM).unwrap();
    }

    /// Waits until the process has exited and returns whether its exit code is 0.
    pub async fn exits_successfully(mut self) -> bool {
        tokio::task::spawn_blocking(move || self.process.wait().unwrap().success()).await.unwrap()
    }
}

/// Reads the server's output into `log` until EOF, so that it never blocks on a full pipe. Sends the address
/// that the server listens on.
fn listening(reader: PipeReader, log: &Log) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let log = log.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            let root = line.split_once("serving at ").map(|(_, root)| root.trim().to_owned());
            *log.lock().unwrap() += &(line + "\n");
            // The receiver is dropped after the first address.
            root.map(|root| sender.send(root));
        }
    });
    receiver
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the contents of all files below `directory`, concatenated.
pub fn contents(directory: &Path) -> Vec<u8> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { contents(&path) } else { fs::read(&path).unwrap() }).collect()
}
