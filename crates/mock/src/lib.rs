//! The LLM server that we ship: demo data, tests, ground truth for timing.
//!
//! It speaks all four protocols on one port. What its answers look like is a [`Scenario`], set for
//! the server and changed per request by the model's name; when they come is the [pacer]'s work,
//! exact to microseconds; and what really happened is [logged](Config::log) on the same clock that
//! the client measures with. Everything runs on one thread.

mod alarm;
mod arguments;
mod body;
mod dialect;
mod log;
mod pacer;
mod presets;
mod route;
mod scenario;
mod script;
mod server;
mod service;
mod track;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

pub use scenario::{SETTINGS, Scenario, ScenarioError};
pub use server::{Config, Server};
pub use values::{Failure, Millis, Share, Think, UsageReport};

use endpoint::{Model, Protocol, Provider, ProviderKind};

/// A mock server running on a thread of this process. Dropping it stops it.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server on a free loopback port.
///
/// # Errors
/// When there is no free port, no thread, or the log cannot be created.
pub fn start(config: Config) -> io::Result<Handle> {
    let server = Server::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, config)?;
    let address = server.address();
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let thread = std::thread::Builder::new().name("mock".into()).spawn(move || {
        if let Err(error) = server.run(stopped) {
            tracing::error!(%error, "the mock server could not run");
        }
    })?;
    Ok(Handle { address, stop, thread: Some(thread) })
}

/// Starts a server for the demo models.
///
/// # Errors
/// As [`start`].
pub fn start_demo() -> io::Result<Handle> {
    start(Config::default())
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, without a path: `http://127.0.0.1:PORT`. See [`base_url`] for each protocol's.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been reported by its own hook.
            let _ = thread.join();
        }
    }
}

/// The base URL that clients of `protocol` use for the server at `root` (`http://host:port`).
pub fn base_url(root: &str, protocol: Protocol) -> String {
    match protocol {
        Protocol::OpenaiChat => format!("{root}/v1"),
        Protocol::GeminiGenerate => format!("{root}/v1beta"),
        Protocol::AnthropicMessages | Protocol::CohereChat => root.to_owned(),
    }
}

/// The provider that stands for the server at `root` ([`Handle::base_url`]).
pub fn demo_provider(root: &str) -> Provider {
    Provider::of_kind(ProviderKind::Demo, base_url(root, ProviderKind::Demo.facts().protocol))
}

/// The models of the demo provider. None has a price: nobody pays for simulated tokens.
pub fn demo_models() -> Vec<Model> {
    presets::demos().map(presets::Preset::model).collect()
}
