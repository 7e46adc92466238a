//! The ground truth log: one JSON line per request, written on a separate thread so that file I/O never delays
//! a token.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use endpoint::Protocol;
use endpoint::printable::printable_json;

/// The file is flushed after this time without a new line.
const FLUSH_AFTER: Duration = Duration::from_millis(100);

/// The log record of one request. Times are nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Record {
    /// The response id sent to the client.
    pub(super) id: String,
    pub(super) protocol: Protocol,
    pub(super) model: String,
    /// When the last byte of the request arrived; the kernel's timestamp if available.
    pub(super) received_ns: u64,
    /// When each content chunk was written to the socket; the chunks of a burst share a write.
    pub(super) write_ns: Vec<u64>,
    /// Number of tokens in each chunk.
    pub(super) tokens: Vec<u32>,
    pub(super) input_tokens: u64,
    /// Tokens written, including reasoning.
    pub(super) output_tokens: u64,
    pub(super) outcome: Outcome,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Completed,
    /// Answered with an error status.
    Refused,
    InStreamError,
    Stalled,
    Cut,
    Hung,
    /// The client disconnected, or the server was stopped, before the end.
    Aborted,
}

/// A sender of records. A disabled log discards them.
#[derive(Debug, Clone)]
pub(super) struct Log(Option<Sender<Record>>);

/// The writer thread. It ends when every [`Log`] and [`Entry`] has been dropped.
#[derive(Debug)]
pub(super) struct Writer(Option<JoinHandle<()>>);

impl Log {
    /// Opens a log that overwrites `path`, or writes to standard output for `-`. Without a path the log is
    /// disabled.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub(super) fn open(path: Option<&Path>) -> io::Result<(Self, Writer)> {
        let Some(path) = path else { return Ok((Self(None), Writer(None))) };
        let out: Box<dyn Write + Send> = if path == "-" { stdout() } else { Box::new(File::create(path)?) };
        let (sender, records) = mpsc::channel();
        let thread = std::thread::Builder::new().name("mock-log".into()).spawn(move || {
            if let Err(error) = write_all(BufWriter::new(out), &records) {
                tracing::error!(%error, "writing the mock's log failed; no further requests are logged");
            }
        })?;
        Ok((Self(Some(sender)), Writer(Some(thread))))
    }

    /// Begins the record of a request, which is written when the entry is dropped.
    pub(super) fn entry(&self, record: impl FnOnce() -> Record) -> Entry {
        Entry(self.0.as_ref().map(|sender| (record(), sender.clone())))
    }
}

impl Writer {
    /// Waits until everything is written. All logs and entries must have been dropped.
    pub(super) fn finish(self) {
        if let Some(thread) = self.0 {
            // The panic hook has already reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

fn write_all(mut out: BufWriter<Box<dyn Write + Send>>, records: &Receiver<Record>) -> io::Result<()> {
    while let Ok(record) = records.recv() {
        write_line(&mut out, &record)?;
        loop {
            match records.recv_timeout(FLUSH_AFTER) {
                Ok(record) => write_line(&mut out, &record)?,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return out.flush(),
            }
        }
        out.flush()?;
    }
    out.flush()
}

#[expect(clippy::disallowed_methods, reason = "only lines of `write_line` are written to it")]
fn stdout() -> Box<dyn Write + Send> {
    Box::new(io::stdout())
}

/// Writes the record as JSON without characters that control a terminal: clients choose the model's name.
fn write_line(out: &mut impl Write, record: &Record) -> io::Result<()> {
    writeln!(out, "{}", printable_json(serde_json::to_string(record)?))
}

/// The record of a request in progress. Its outcome is `Aborted` unless set.
#[derive(Debug)]
pub(super) struct Entry(Option<(Record, Sender<Record>)>);

impl Entry {
    /// Records that chunks of these numbers of tokens were written at `at_ns`.
    pub(super) fn wrote(&mut self, at_ns: u64, chunks: &[u32]) {
        if let Some((record, _)) = &mut self.0 {
            record.write_ns.extend(chunks.iter().map(|_| at_ns));
            record.tokens.extend(chunks);
            record.output_tokens += chunks.iter().copied().map(u64::from).sum::<u64>();
        }
    }

    /// Sets the outcome.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        if let Some((record, _)) = &mut self.0 {
            record.outcome = outcome;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some((record, sender)) = self.0.take() {
            // The receiver is gone after a write error, which has been logged.
            let _ = sender.send(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(id: &str) -> Record {
        Record {
            id: id.into(),
            protocol: Protocol::CohereChat,
            model: "mock".into(),
            received_ns: 5,
            write_ns: Vec::new(),
            tokens: Vec::new(),
            input_tokens: 3,
            output_tokens: 0,
            outcome: Outcome::Aborted,
        }
    }

    #[test]
    fn writes_a_line_per_entry_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth.jsonl");
        let (log, writer) = Log::open(Some(&path)).unwrap();
        let mut first = log.entry(|| record("first"));
        drop(log.entry(|| record("second")));
        first.wrote(10, &[1, 2]);
        first.wrote(20, &[3]);
        first.ended(Outcome::Completed);
        drop((first, log));
        writer.finish();

        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["id"], "second");
        assert_eq!(lines[0]["outcome"], "aborted");
        let expected = json!({
            "id": "first", "protocol": "cohere_chat", "model": "mock", "received_ns": 5,
            "write_ns": [10, 10, 20], "tokens": [1, 2, 3], "input_tokens": 3, "output_tokens": 6,
            "outcome": "completed",
        });
        assert_eq!(lines[1], expected);
    }

    #[test]
    fn without_a_path_nothing_is_logged() {
        let (log, writer) = Log::open(None).unwrap();
        let entry = log.entry(|| unreachable!("no record is made"));
        drop((entry, log));
        writer.finish();
    }
}
