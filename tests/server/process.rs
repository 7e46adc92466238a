//! `llm-studio serve` in a process of its own. It serves no scripts: the site need not be built for what
//! asks over HTTP.

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

/// What outlives a server: its data directory, gone when this is dropped, and its environment.
pub struct Installation {
    dir: TempDir,
    environment: Vec<(&'static str, OsString)>,
}

impl Installation {
    /// An empty one, on SQLite.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("site/pkg")).unwrap();
        Self { dir, environment: Vec::new() }
    }

    /// The same with a variable of the environment.
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Where the database and the secret are.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The database that its servers use.
    pub fn database(&self) -> Location {
        let url = self.environment.iter().find(|(name, _)| *name == "DATABASE_URL");
        match url {
            Some((_, url)) => Location::Postgres(url.to_str().unwrap().into()),
            None => Location::Sqlite(self.data()),
        }
    }

    /// Starts the program and kills it after `time`, whatever it does then.
    pub async fn start_and_kill(&self, time: Duration) {
        let mut command = self.command(&["serve"]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(time).await;
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts the program on a free port and waits until it listens.
    pub fn start(&self) -> Server {
        Server::started(self.command(&["serve"]))
            .unwrap_or_else(|said| panic!("the server does not start: {said}"))
    }

    /// All that the program says when it does not start.
    pub fn refusal(&self) -> String {
        Server::started(self.command(&["serve"])).err().expect("the server starts")
    }

    /// Runs another command to its end; whether that went well, and what it printed.
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

/// A server, which is killed when this is dropped.
pub struct Server {
    /// For example `http://127.0.0.1:40123`.
    pub root: String,
    process: Child,
    log: Log,
}

type Log = Arc<Mutex<String>>;

impl Server {
    /// # Errors
    /// When it ends before it listens: with all that it said.
    fn started(mut command: Command) -> Result<Self, String> {
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let process = command.spawn().unwrap();
        // Its ends of the pipe, or reading would never end.
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

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) {}

    /// Asks it to end, as SIGTERM does.
    pub fn ask_to_end(&self) {
        let process = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(process, Signal::SIGTERM).unwrap();
    }

    /// Waits until it has ended; whether that went well.
    pub async fn ended(mut self) -> bool {
        tokio::task::spawn_blocking(move || self.process.wait().unwrap().success()).await.unwrap()
    }
}

/// Reads on for as long as the server speaks, or it would wait for a reader; tells where it listens.
fn listening(reader: PipeReader, log: &Log) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let log = log.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            let root = line.split_once("serving at ").map(|(_, root)| root.trim().to_owned());
            *log.lock().unwrap() += &(line + "\n");
            // Nobody waits for a second one.
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

/// All bytes of all files below `directory`.
pub fn contents(directory: &Path) -> Vec<u8> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { contents(&path) } else { fs::read(&path).unwrap() }).collect()
}
