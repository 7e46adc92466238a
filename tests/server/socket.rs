//! A raw WebSocket, as a script opens one.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::client::Client;
use super::runs::{Run, run_of};

/// What does not come within this does not come.
const PATIENCE: Duration = Duration::from_secs(180);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(client: &Client) -> Stream {
    let mut request = format!("ws://{}/ws", client.address).into_client_request().unwrap();
    let bearer = format!("Bearer {}", client.token).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    connect_async(request).await.unwrap().0
}

/// The code with which the server closes a new socket at once; `None` when it serves it.
pub async fn refusal(client: &Client) -> Option<u16> {
    match connect(client).await.next().await.unwrap().unwrap() {
        Message::Close(close) => Some(close.unwrap().code.into()),
        _ => None,
    }
}

/// A tab, and all that it was told after `sync`.
pub struct Socket {
    stream: Stream,
    /// The first frame.
    pub sync: Value,
    pub heard: Vec<Value>,
}

impl Socket {
    /// Connects; the first thing told is `sync`.
    pub async fn open(client: &Client) -> Self {
        let mut socket = Self { stream: connect(client).await, sync: Value::Null, heard: Vec::new() };
        socket.sync = socket.receive().await;
        assert_eq!(socket.sync["type"], "sync", "{}", socket.sync);
        socket
    }

    /// Asks for a job to be cancelled.
    pub async fn cancel(&mut self, job: &str) {
        let message = json!({ "type": "cancel", "job_id": job });
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Listens until an event of this name about this job comes.
    pub async fn hear(&mut self, name: &str, job: &str) -> Value {
        loop {
            let frame = self.receive().await;
            self.heard.push(frame.clone());
            if frame["job_id"] != job {
                continue;
            }
            if frame["type"] == name {
                return frame;
            }
            assert!(frame["type"] != "job_failed" && frame["type"] != "error", "instead of {name}: {frame}");
        }
    }

    /// Listens until it knows of so many runs.
    pub async fn hear_runs(&mut self, count: usize, job: &str) {
        while self.runs().len() < count {
            self.hear("benchmark_result", job).await;
        }
    }

    /// Listens until it knows of these runs.
    pub async fn hear_of(&mut self, runs: &[Run], job: &str) {
        while !runs.iter().all(|run| self.runs().contains(run)) {
            self.hear("benchmark_result", job).await;
        }
    }

    /// The runs that it was told of, each once, in that order.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for frame in self.heard.iter().filter(|frame| frame["type"] == "benchmark_result") {
            let run = run_of(&frame["data"], &frame["data"]);
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
        runs
    }

    /// Whether `sync` told of this job as one that has not ended.
    pub fn found_active(&self, job: &str) -> bool {
        self.sync["active_jobs"].as_array().unwrap().iter().any(|active| active["id"] == job)
    }

    async fn receive(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let message = message.unwrap_or_else(|_| panic!("nothing comes any more after {:?}", self.heard));
            match message.expect("the server hangs up").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(close) => panic!("the server hangs up: {close:?}"),
                _ => {}
            }
        }
    }
}
