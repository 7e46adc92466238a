//! An LLM server with exact timing, for the demo, for tests and as ground truth for measurements.
//!
//! It serves all four protocols on one port. A [`Scenario`] describes its responses; the server has one, and
//! each request can change it by the model's name. The [pacer] sends each write at its time, exact to
//! microseconds. The [log](Config::log) records the actual times on the clock that the client measures with.
//! Everything runs on one thread.

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
mod timer;
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

/// A mock server running on a thread of this process. Dropping the handle stops it.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server on a free loopback port.
///
/// # Errors
/// If no port is free, or the thread or the log cannot be created.
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

/// Starts a server with the demo models.
///
/// # Errors
/// As [`start`].
pub fn start_demo() -> io::Result<Handle> {
    start(Config::default())
}

impl Handle {
    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the server's URL without a path: `http://127.0.0.1:PORT`. [`base_url`] returns the base URL of
    /// each protocol.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // The panic hook has already reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

/// Returns the base URL that clients of `protocol` use for the server at `root` (`http://host:port`).
pub fn base_url(root: &str, protocol: Protocol) -> String {
    match protocol {
        Protocol::OpenaiChat => format!("{root}/v1"),
        Protocol::GeminiGenerate => format!("{root}/v1beta"),
        Protocol::AnthropicMessages | Protocol::CohereChat => root.to_owned(),
    }
}

/// Returns the demo provider for the server at `root` ([`Handle::base_url`]).
pub fn demo_provider(root: &str) -> Provider {
    Provider::of_kind(ProviderKind::Demo, base_url(root, ProviderKind::Demo.facts().protocol))
}

/// Returns the models of the demo provider. Simulated tokens are free, so no model has a price.
pub fn demo_models() -> Vec<Model> {
    presets::demos().map(presets::Preset::model).collect()
}
