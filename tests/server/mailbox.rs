//! An SMTP server in Python with STARTTLS and authentication, for tests of mail.

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

/// The mail server's process; killed on drop.
pub struct Mailbox {
    port: u16,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    dir: TempDir,
}

impl Mailbox {
    /// Starts the mail server on a free port.
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

    /// Returns an installation that sends mail to this server and trusts only its certificate.
    pub fn installation(&self) -> Installation {
        Installation::new()
            .with("SSL_CERT_FILE", certificate(self.dir.path()))
            .with("SMTP_HOST", "localhost")
            .with("SMTP_PORT", self.port.to_string())
            .with("SMTP_USER", "studio")
            .with("SMTP_PASSWORD", PASSWORD)
            .with("SMTP_FROM", "Studio <studio@example.org>")
    }

    /// Waits for the next mail and returns it.
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
