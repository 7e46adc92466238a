//! A raw WebSocket client, as scripts use it.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::client::Client;
use super::runs::{Run, run_of};

/// Timeout for a message.
const TIMEOUT: Duration = Duration::from_secs(180);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(client: &Client) -> Stream {
    let mut request = format!("ws://{}/ws", client.address).into_client_request().unwrap();
    let bearer = format!("Bearer {}", client.token).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    connect_async(request).await.unwrap().0
}

/// Opens a socket and returns the code with which the server closes it immediately; `None` if it stays open.
pub async fn refusal(client: &Client) -> Option<u16> {
    match connect(client).await.next().await.unwrap().unwrap() {
        Message::Close(close) => Some(close.unwrap().code.into()),
        _ => None,
    }
}

/// An open WebSocket and all messages received after `sync`.
pub struct Socket {
    stream: Stream,
    /// The first message, with the initial state.
    pub sync: Value,
    pub received: Vec<Value>,
}

impl Socket {
    /// Connects and receives `sync`.
    pub async fn open(client: &Client) -> Self {
        let mut socket = Self { stream: connect(client).await, sync: Value::Null, received: Vec::new() };
        socket.sync = socket.receive().await;
        assert_eq!(socket.sync["type"], "sync", "{}", socket.sync);
        socket
    }

    /// Cancels a job.
    pub async fn cancel(&mut self, job: &str) {
        let message = json!({ "type": "cancel", "job_id": job });
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Waits for a message of this type about this job.
    pub async fn wait_for(&mut self, name: &str, job: &str) -> Value {
        loop {
            let frame = self.receive().await;
            self.received.push(frame.clone());
            if frame["job_id"] != job {
                continue;
            }
            if frame["type"] == name {
                return frame;
            }
            assert!(frame["type"] != "job_failed" && frame["type"] != "error", "instead of {name}: {frame}");
        }
    }

    /// Waits until `count` runs were received.
    pub async fn wait_for_runs(&mut self, count: usize, job: &str) {
        while self.runs().len() < count {
            self.wait_for("benchmark_result", job).await;
        }
    }

    /// Waits until each of these runs was received.
    pub async fn wait_for_each(&mut self, runs: &[Run], job: &str) {
        while !runs.iter().all(|run| self.runs().contains(run)) {
            self.wait_for("benchmark_result", job).await;
        }
    }

    /// Returns the received runs in order, without duplicates.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for frame in self.received.iter().filter(|frame| frame["type"] == "benchmark_result") {
            let run = run_of(&frame["data"], &frame["data"]);
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
        runs
    }

    /// Returns whether `sync` lists this job as active.
    pub fn lists_active(&self, job: &str) -> bool {
        self.sync["active_jobs"].as_array().unwrap().iter().any(|active| active["id"] == job)
    }

    async fn receive(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(TIMEOUT, self.stream.next()).await;
            let message = message.unwrap_or_else(|_| panic!("no further message after {:?}", self.received));
            match message.expect("the server closes the connection").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(close) => panic!("the server closes the connection: {close:?}"),
                _ => {}
            }
        }
    }
}
