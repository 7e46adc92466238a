//! A PostgreSQL server for one test, which the test can restart.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A running server on loopback; stopped when dropped.
pub struct Cluster {
    dir: TempDir,
    programs: PathBuf,
    port: u16,
    /// Whether the test runs as root. PostgreSQL refuses to, so it then runs as the user `postgres`.
    is_root: bool,
}

impl Cluster {
    /// Starts an empty cluster; `None` if tests run without PostgreSQL.
    pub fn start() -> Option<Self> {
        std::env::var_os("TEST_DATABASE_URL")?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let is_root = dir.path().metadata().unwrap().uid() == 0;
        let cluster = Self { dir, programs: programs(), port, is_root };
        if cluster.is_root {
            run(Command::new("chown").arg("postgres").arg(cluster.dir.path()));
        }
        cluster.run("initdb", &["-U", "studio", "--auth=trust", "--no-sync"]);
        let options = format!("-h 127.0.0.1 -p {port} -k '' -c fsync=off");
        cluster.run("pg_ctl", &["-l", "log", "-w", "-o", &options, "start"]);
        Some(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://studio@127.0.0.1:{}/postgres", self.port)
    }

    /// Restarts PostgreSQL: mode `fast` closes client connections, mode `immediate` simulates a crash.
    pub fn restart(&self, mode: &str) {
        self.run("pg_ctl", &["-l", "log", "-w", "-m", mode, "restart"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        run(&mut self.command(program, arguments));
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(program);
        let mut command = if self.is_root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(self.dir.path().join("data")).args(arguments).current_dir(self.dir.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["-m", "immediate", "stop"]).output();
    }
}

/// Returns the directory of `initdb` and `pg_ctl`.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let of_versions = versions.map(|version| version.unwrap().path().join("bin"));
    let mut directories = std::env::split_paths(&path).chain(of_versions);
    directories.find(|directory: &PathBuf| has_initdb(directory)).expect("initdb is missing")
}

fn has_initdb(directory: &Path) -> bool {
    directory.join("initdb").is_file()
}

fn run(command: &mut Command) {
    // Output goes to a file: the server would inherit a pipe and keep it open.
    let output = tempfile::NamedTempFile::new().unwrap();
    command.stdout(output.reopen().unwrap()).stderr(output.reopen().unwrap());
    let status = command.status().unwrap();
    let text = std::fs::read_to_string(output.path()).unwrap();
    assert!(status.success(), "{command:?}: {text}");
}
