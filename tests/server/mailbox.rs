//! A mail server of Python's that takes mail from who signs in, over TLS.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tempfile::TempDir;

use super::process::Installation;
use super::python::python;

pub const PASSWORD: &str = "smtp-canary-58d1c0";

/// It is stopped when this is dropped.
pub struct Mailbox {
    port: u16,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    dir: TempDir,
}

impl Mailbox {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        fs::write(certificate(dir.path()), cert.pem()).unwrap();
        let key = dir.path().join("key.pem");
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        let mut process = Command::new(python())
            .args(["-W", "ignore", "tests/server/mailbox.py"])
            .args([&certificate(dir.path()), &key])
            .args(["studio", PASSWORD])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        Self { port, process, lines, dir }
    }

    /// An installation that sends its mail here, trusting the mail server's certificate alone.
    pub fn installation(&self) -> Installation {
        Installation::new()
            .with("SSL_CERT_FILE", certificate(self.dir.path()))
            .with("SMTP_HOST", "localhost")
            .with("SMTP_PORT", self.port.to_string())
            .with("SMTP_USER", "studio")
            .with("SMTP_PASSWORD", PASSWORD)
            .with("SMTP_FROM", "Studio <studio@example.org>")
    }

    /// The next mail, waiting for it.
    pub fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn certificate(dir: &Path) -> PathBuf {
    dir.join("certificate.pem")
}
