//! The only code that writes to stdout, stderr and progress bars. What it writes cannot control the terminal, however
//! it came into the text.

use std::fmt::Display;
use std::io::{self, IsTerminal, Stderr, Stdout, Write};

use endpoint::printable::{is_printable, printable, printable_lines};
use indicatif::ProgressBar;

/// Writes one line to stdout. A closed pipe (`| head`) is not an error.
///
/// # Errors
/// If writing to stdout fails for another reason.
pub fn line_to_stdout(line: impl Display) -> io::Result<()> {
    to_stdout(&format!("{}\n", printable(&line.to_string())))
}

/// Writes text of any number of lines to stdout. A closed pipe (`| head`) is not an error.
///
/// # Errors
/// If writing to stdout fails for another reason.
pub fn to_stdout(text: &str) -> io::Result<()> {
    let mut stdout = stdout().lock();
    match stdout.write_all(styled_lines(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Writes one line to stderr.
pub fn line_to_stderr(line: impl Display) {
    // There is no other place to report it.
    let _ = writeln!(stderr(), "{}", printable(&line.to_string()));
}

/// Shows a message in a progress bar.
#[expect(clippy::disallowed_methods, reason = "the only place, with printable text")]
pub fn set_message(bar: &ProgressBar, message: &str) {
    bar.set_message(printable(message));
}

/// Shows the name of a progress bar.
#[expect(clippy::disallowed_methods, reason = "the only place, with printable text")]
pub fn set_name(bar: &ProgressBar, name: &str) {
    bar.set_prefix(printable(name));
}

/// Returns whether stdout is a terminal.
pub fn stdout_is_terminal() -> bool {
    stdout().is_terminal()
}

/// Returns whether stderr is a terminal.
pub fn stderr_is_terminal() -> bool {
    stderr().is_terminal()
}

/// Returns the writer for log lines on stdout.
pub fn log_to_stdout() -> LogWriter<Stdout> {
    LogWriter(stdout())
}

/// Returns the writer for log lines on stderr.
pub fn log_to_stderr() -> LogWriter<Stderr> {
    LogWriter(stderr())
}

/// Writes each event in one line, so that no text adds lines to the log. Expects a whole event in each call, as
/// `tracing_subscriber` writes them.
#[derive(Debug)]
pub struct LogWriter<W>(W);

impl<W: Write> Write for LogWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = styled_lines(&text.trim_end_matches('\n').replace('\n', " "));
        writeln!(self.0, "{line}").map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[expect(clippy::disallowed_methods, reason = "the only place, with printable text")]
fn stdout() -> Stdout {
    io::stdout()
}

#[expect(clippy::disallowed_methods, reason = "the only place, with printable text")]
fn stderr() -> Stderr {
    io::stderr()
}

/// Replaces what is not printable, except line breaks and styles (`ESC [ … m`), which tables and the log have.
fn styled_lines(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let mut shown = printable_lines(pieces.next().unwrap_or_default());
    for piece in pieces {
        let is_style = piece.strip_prefix('[').and_then(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').strip_prefix('m')
        });
        shown.push(if is_style.is_some() { '\u{1b}' } else { char::REPLACEMENT_CHARACTER });
        shown.push_str(&printable_lines(piece));
    }
    debug_assert!(shown.chars().all(|c| matches!(c, '\n' | '\u{1b}') || is_printable(c)));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture::{HOSTILE, obeyed};

    #[test]
    fn nothing_but_styles_is_obeyed() {
        for text in HOSTILE {
            let shown = styled_lines(&format!("a{text}b\n"));
            assert_eq!(obeyed(&shown), "", "{text:?} as {shown:?}");
            assert!(shown.starts_with('a') && shown.ends_with("b\n"), "{shown:?}");
        }
        assert_eq!(styled_lines("\u{1b}[1mbold\u{1b}[0m\n"), "\u{1b}[1mbold\u{1b}[0m\n");
    }

    #[test]
    fn a_logged_text_adds_no_line_and_is_not_obeyed() {
        for text in HOSTILE {
            let lines = logged(text);
            assert_eq!(lines.matches('\n').count(), 1, "{lines:?}");
            assert_eq!(obeyed(&lines), "", "{text:?} as {lines:?}");
        }
        let lines = logged("no\n2026-01-01T00:00:00Z ERROR the disk is full");
        assert!(lines.contains("the disk is full") && lines.matches('\n').count() == 1, "{lines:?}");
    }

    /// Returns what is written for an event with this text as message and as fields.
    fn logged(text: &str) -> String {
        let (mut written, writer) = io::pipe().unwrap();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || LogWriter(writer.try_clone().unwrap())).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(display = %text, debug = ?text, "cannot ask {text}");
        });
        io::read_to_string(&mut written).unwrap()
    }
}
