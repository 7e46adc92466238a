//! The processes of a case: the mock, the client, and busy loops that load the cores.

use std::{
    io,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        signal::{Signal, kill},
    },
    unistd::Pid,
};

use super::Case;

/// Path of the `llm-studio` binary.
pub const STUDIO: &str = env!("CARGO_BIN_EXE_llm-studio");

/// An `llm-studio mock` process on a free port.
pub struct Mock {
    child: Child,
    pub port: u16,
}

impl Mock {
    /// Starts the mock on one address, or on all with `0.0.0.0`, and waits until it accepts connections.
    pub fn start(host: &str, log: &Path, real_time: bool) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = if real_time {
            let mut command = Command::new("chrt");
            command.args(["--fifo", "50", STUDIO]);
            command
        } else {
            Command::new(STUDIO)
        };
        let child = command
            .args(["mock", "--host", host, "--port", &port.to_string(), "--log"])
            .arg(log)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .context("starting the mock (a real-time priority needs root and `chrt`)")?;
        let mut mock = Self { child, port };
        mock.wait_until_ready()?;
        Ok(mock)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            ensure!(self.child.try_wait()?.is_none(), "the mock ended at once");
            ensure!(Instant::now() < deadline, "the mock does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Stops the mock with SIGINT, so that its log is complete.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two processes that run busy loops.
pub struct Noise([Child; 2]);

impl Noise {
    pub fn start() -> io::Result<Self> {
        let spin = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn();
        Ok(Self([spin()?, spin()?]))
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs `llm-studio bench` and returns the CPU time of its process, s.
pub fn run_client(case: &Case, port: u16, output: &Path) -> anyhow::Result<f64> {
    let before = children_cpu_s()?;
    let status = Command::new(STUDIO)
        .args(["bench", "--no-save", "--format", "json", "--max-tokens", "1000"])
        .args(["--base-url", &format!("http://127.0.0.1:{port}/v1")])
        .args(["--model-id", &format!("mock/{}", case.scenario)])
        .args(["--concurrency", &case.concurrency.to_string(), "--requests", &case.requests.to_string()])
        .arg("--output")
        .arg(output)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "the client ended with {status}");
    Ok(children_cpu_s()? - before)
}

/// Returns the CPU time of all children that were waited for, s. Between the two calls of a measurement this
/// is only the client.
pub fn children_cpu_s() -> nix::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
