//! llama.cpp's server with a real model, and the timings that it logs.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

/// Timeout for a log line. Figures are logged before the last bytes are sent, so this is only for very slow
/// machines.
const LOG_WITHIN: Duration = Duration::from_secs(10);

/// llama.cpp's own figures of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timings {
    /// Processed tokens, without those from its cache.
    pub prompt_tokens: u64,
    /// From the start of the prompt's processing to sampling the first token.
    pub prompt_ms: f64,
    /// Sampled tokens, including the end-of-sequence token.
    pub output_tokens: u64,
    /// Speed from the first sampled token to the last.
    pub tokens_per_second: f64,
}

impl Timings {
    /// Reads the `timings` object at the end of an OpenAI stream of llama.cpp.
    pub fn from_json(timings: &Value) -> Option<Self> {
        Some(Self {
            prompt_tokens: timings["prompt_n"].as_u64()?,
            prompt_ms: timings["prompt_ms"].as_f64()?,
            output_tokens: timings["predicted_n"].as_u64()?,
            tokens_per_second: timings["predicted_per_second"].as_f64()?,
        })
    }

    /// Returns whether the log agrees with the stream, to two decimals.
    pub fn agrees_with(&self, other: &Self) -> bool {
        (self.prompt_tokens, self.output_tokens) == (other.prompt_tokens, other.output_tokens)
            && (self.prompt_ms - other.prompt_ms).abs() < 0.01
            && (self.tokens_per_second - other.tokens_per_second).abs() < 0.01
    }
}

/// The server's process; killed when dropped.
pub struct RealLlm {
    pub process: Child,
    pub address: SocketAddr,
    log: Receiver<Timings>,
}

impl RealLlm {
    /// Starts `scripts/real-llm.sh` on a free port and waits until it responds. The first start downloads the
    /// server and the model.
    pub fn start() -> Self {
        let mut process = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/real-llm.sh"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("scripts/real-llm.sh can be run");
        let log = follow_log(process.stderr.take().unwrap());
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready
            .trim_end()
            .strip_suffix("/v1")
            .and_then(|line| line.rsplit_once("http://"))
            .and_then(|(_, address)| address.parse().ok())
            .unwrap_or_else(|| {
                panic!("scripts/real-llm.sh did not start: run it by hand to see why ({ready:?})")
            });
        Self { process, address, log }
    }

    /// Returns the figures of the next finished request.
    pub fn next_logged(&self) -> Timings {
        self.log.recv_timeout(LOG_WITHIN).expect("the server logs the timings of each request")
    }
}

impl Drop for RealLlm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the log to its end, so that the server never blocks on it, and sends the timings to the receiver.
fn follow_log(stderr: impl Read + Send + 'static) -> Receiver<Timings> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut prompt = None;
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(figures) = figures_after(&line, "prompt eval time =") {
                prompt = Some(figures);
            } else if let (Some(output), Some(prompt)) = (figures_after(&line, " eval time ="), prompt.take())
            {
                let _ = sender.send(logged_timings(prompt, output));
            }
        }
    });
    receiver
}

/// Parses the numbers of `… eval time = 196.46 ms / 17 tokens ( 12.28 ms per token, 81.44 tokens per second)`:
/// milliseconds, tokens, tokens per second.
fn figures_after(line: &str, label: &str) -> Option<(f64, f64, f64)> {
    let (_, figures) = line.split_once(label)?;
    let numbers: Vec<f64> = figures.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [ms, tokens, _, per_second] => Some((ms, tokens, per_second)),
        _ => None,
    }
}

fn logged_timings((prompt_ms, prompt_tokens, _): (f64, f64, f64), output: (f64, f64, f64)) -> Timings {
    let (_, output_tokens, tokens_per_second) = output;
    Timings {
        prompt_tokens: prompt_tokens as u64,
        prompt_ms,
        output_tokens: output_tokens as u64,
        tokens_per_second,
    }
}
