//! A minimal load client as baseline for the measuring client: blocking sockets of the standard library, one
//! thread per stream, keep-alive, no timestamp per chunk and no JSON parser. It sends the same requests as
//! `llm-studio bench`, decodes the chunked response and counts the SSE events.
//!
//! It runs in a separate process, so that its CPU time can be measured: the bench starts its own binary a
//! second time with [`ARGUMENT`].

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::Case;

/// The first argument with which the bench runs this client.
pub const ARGUMENT: &str = "blocking-client";
/// Longer than any pause of a scenario.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const READ_BUFFER: usize = 64 * 1024;
const PROMPT: &str = "Explain recursion to someone who has just learned what a function is. Use one everyday \
    comparison and one short code example, and say when recursion is the wrong tool.";

/// The client's counts, printed as JSON on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    pub requests: u64,
    /// SSE events, including those without a token.
    pub events: u64,
    /// Time from the first request to the last response. The connections were opened before.
    pub duration_s: f64,
}

/// Returns the arguments of the child process for a case, [`ARGUMENT`] first.
pub fn arguments(case: &Case, port: u16) -> [String; 5] {
    [
        ARGUMENT.into(),
        port.to_string(),
        case.scenario.into(),
        case.concurrency.to_string(),
        case.requests.to_string(),
    ]
}

/// Runs the client with the arguments after [`ARGUMENT`] and prints its counts.
pub fn run_from_arguments(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut next = || arguments.next().context("port, scenario, concurrency and requests are needed");
    let (port, scenario) = (next()?.parse()?, next()?);
    let (concurrency, requests) = (next()?.parse()?, next()?.parse()?);
    println!("{}", serde_json::to_string(&run(port, &scenario, concurrency, requests)?)?);
    Ok(())
}

/// Sends `requests` over `concurrency` connections. Each thread takes the next request when its previous one
/// has ended.
pub fn run(port: u16, scenario: &str, concurrency: u32, requests: u64) -> anyhow::Result<Counted> {
    let connections: Vec<Connection> =
        (0..concurrency).map(|_| Connection::open(port)).collect::<io::Result<_>>()?;
    let taken = AtomicU64::new(0);
    let work = |mut connection: Connection| {
        let mut events = 0;
        loop {
            let number = taken.fetch_add(1, Ordering::Relaxed);
            if number >= requests {
                return anyhow::Ok(events);
            }
            events += connection.exchange(&request(port, scenario, number))?;
        }
    };
    let work = &work;
    let start = Instant::now();
    let events = thread::scope(|scope| {
        let start_thread = |connection| scope.spawn(move || work(connection));
        let threads: Vec<_> = connections.into_iter().map(start_thread).collect();
        let results =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        results.sum::<anyhow::Result<u64>>()
    })?;
    Ok(Counted { requests, events, duration_s: start.elapsed().as_secs_f64() })
}

/// Returns the request that `llm-studio bench` sends, with `number` as nonce.
fn request(port: u16, scenario: &str, number: u64) -> String {
    let body = format!(
        r#"{{"model":"mock/{scenario}","messages":[{{"role":"user","content":"[{number:032x}]\n\n{PROMPT}"}}],"stream":true,"stream_options":{{"include_usage":true}},"max_tokens":1000,"temperature":0.7}}"#
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nuser-agent: blocking\r\naccept: text/event-stream\r\n\
         content-type: application/json\r\nhost: 127.0.0.1:{port}\r\naccept-encoding: identity\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Connection {
    reader: BufReader<TcpStream>,
    /// The current line; an event may be split over several HTTP chunks.
    line: Vec<u8>,
}

impl Connection {
    fn open(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(Self { reader: BufReader::with_capacity(READ_BUFFER, socket), line: Vec::new() })
    }

    /// Sends a request, reads the whole response and returns the number of its events.
    fn exchange(&mut self, request: &str) -> anyhow::Result<u64> {
        self.reader.get_mut().write_all(request.as_bytes())?;
        self.read_head()?;
        let mut events = 0;
        self.line.clear();
        loop {
            let size = self.read_chunk_size()?;
            if size == 0 {
                ensure!(self.read_line()? == "\r\n", "trailers after the last chunk");
                return Ok(events);
            }
            events += self.count_events(size)?;
            self.reader.read_exact(&mut [0; 2])?;
        }
    }

    fn read_head(&mut self) -> anyhow::Result<()> {
        let status = self.read_line()?;
        ensure!(status.starts_with("HTTP/1.1 200"), "the mock answered {status:?}");
        let mut is_chunked = false;
        loop {
            let header = self.read_line()?;
            if header == "\r\n" {
                ensure!(is_chunked, "the response is not chunked");
                return Ok(());
            }
            is_chunked |= header.trim_end().eq_ignore_ascii_case("transfer-encoding: chunked");
        }
    }

    fn read_chunk_size(&mut self) -> anyhow::Result<u64> {
        let mut size = [0; 18];
        let mut digits = 0;
        loop {
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            match byte {
                [b'\n'] => break,
                [b'\r'] => {}
                [digit] => {
                    *size.get_mut(digits).context("a chunk's size is too long")? = digit;
                    digits += 1;
                }
            }
        }
        Ok(u64::from_str_radix(str::from_utf8(&size[..digits])?, 16)?)
    }

    /// Reads a line of the response head.
    fn read_line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.reader.read_line(&mut line)? > 0, "the mock closed the connection");
        Ok(line)
    }

    /// Counts the lines of one chunk that begin with `data:`; keeps an incomplete line for the next chunk.
    fn count_events(&mut self, size: u64) -> anyhow::Result<u64> {
        let mut events = 0;
        let mut chunk = self.reader.by_ref().take(size);
        while chunk.limit() > 0 {
            ensure!(chunk.read_until(b'\n', &mut self.line)? > 0, "the mock closed the connection");
            if self.line.ends_with(b"\n") {
                events += u64::from(self.line.starts_with(b"data:"));
                self.line.clear();
            }
        }
        Ok(events)
    }
}
