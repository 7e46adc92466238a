//! Accepts connections on one thread and passes each request to the [service](super::service).

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use super::log::{Log, Writer};
use super::pacer::Pacer;
use super::scenario::Scenario;
use super::service::Service;
use endpoint::client::stream::TimedStream;

/// Configuration of the mock server.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The default settings; settings in a model's name override them.
    pub scenario: Scenario,
    /// File for the log, one JSON line per request; `-` for standard output.
    pub log: Option<PathBuf>,
}

/// A mock server with a bound listener.
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    scenario: Scenario,
    log: Log,
    writer: Writer,
}

impl Server {
    /// Creates a server from a bound listener. Clients can connect immediately and are answered once it runs.
    ///
    /// # Errors
    /// If the log cannot be created or the listener has no address.
    pub fn new(listener: std::net::TcpListener, config: Config) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (log, writer) = Log::open(config.log.as_deref())?;
        Ok(Self { listener, address, scenario: config.scenario, log, writer })
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves on the calling thread until `stop` is ready, then closes all connections and
    /// completes the log.
    ///
    /// # Errors
    /// If the runtime, its timer or the listener cannot be set up.
    pub fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        let outcome = serve(&runtime, self.listener, self.scenario, self.log, stop);
        // Dropping the runtime drops the unfinished requests, which logs them.
        drop(runtime);
        self.writer.finish();
        outcome
    }
}

fn serve(
    runtime: &LocalRuntime,
    listener: std::net::TcpListener,
    scenario: Scenario,
    log: Log,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let service = Rc::new(Service::new(scenario, log, Pacer::start()?));
        tokio::select! {
            never = accept(listener, service) => match never {},
            () = stop => Ok(()),
        }
    })
}

async fn accept(listener: TcpListener, service: Rc<Service>) -> Infallible {
    /// Delay after a failed accept, which happens when file descriptors run out: connections have to close
    /// first.
    const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::task::spawn_local(serve_connection(stream, service.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the mock could not accept a connection");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// Serves one connection to its end. Connection errors come from the client or the scenario and are only
/// logged.
async fn serve_connection(stream: TcpStream, service: Rc<Service>) {
    if let Err(error) = stream.set_nodelay(true) {
        return tracing::debug!(%error, "could not set up a connection to the mock");
    }
    let stream = TimedStream::new(stream);
    let stamps = stream.stamps();
    let answer = service_fn(move |request| service.clone().answer(request, stamps.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the mock ended early");
    }
}
