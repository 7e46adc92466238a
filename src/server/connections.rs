//! Accepts connections and serves them with HTTP/1 until stopped.
//!
//! `axum::serve` has no timeout for request headers and waits indefinitely for connections that have sent half
//! a request, so connections are served with hyper directly.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// Time limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A connection is closed if the headers of its next request are not complete after this time.
    pub headers: Duration,
    /// Connections with a request in progress are dropped this long after the stop.
    pub stop: Duration,
}

/// Serves `app` until `stop` is cancelled, then lets requests in progress finish within the limit.
pub async fn serve(mut listener: TcpListener, app: Router, limits: Limits, stop: CancellationToken) {
    // Dropping the set aborts its remaining connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Retries after transient errors, such as too many open files.
            (stream, peer) = Listener::accept(&mut listener) => {
                connections.spawn(serve_one(stream, peer, app.clone(), limits.headers, stop.clone()));
            }
            // Removes finished connections.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let ended = timeout(limits.stop, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(
            "{} connections did not finish their request in time and are dropped",
            connections.len()
        );
    }
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    header_limit: Duration,
    stop: CancellationToken,
) {
    set_nodelay(&stream);
    let service = service_fn(move |request| answer(app.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_limit)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection failed: {error}");
    }
}

async fn answer(
    mut app: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    poll_fn(|context| Service::<Request>::poll_ready(&mut app, context)).await?;
    app.call(request).await
}

/// Sets `TCP_NODELAY`: small frames must not wait for the acknowledgement of earlier ones.
fn set_nodelay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::warn!("could not set TCP_NODELAY: {error}");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
    const SHORT: Duration = Duration::from_millis(50);

    /// Incomplete requests: nothing, half the headers, half the body.
    const UNFINISHED: [&str; 3] =
        ["", "POST / HTTP/1.1\r\nHost: ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"];

    struct Server {
        address: SocketAddr,
        stop: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    async fn start(limits: Limits) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/", post(async |body: String| body))
            .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()));
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, app, limits, stop.clone()));
        Server { address, stop, task }
    }

    async fn connect(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn a_stop_closes_connections_with_an_incomplete_request() {
        let server = start(Limits { headers: NEVER, stop: SHORT }).await;
        let mut open = Vec::new();
        for number in 0..30 {
            open.push(connect(server.address, UNFINISHED[number % UNFINISHED.len()]).await);
        }
        // Connections are accepted in order, so when this one gets its response, all others have been accepted.
        let mut last =
            connect(server.address, "GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let mut text = String::new();
        last.read_to_string(&mut text).await.unwrap();
        assert!(text.ends_with(&last.local_addr().unwrap().to_string()), "{text}");
        server.stop.cancel();
        server.task.await.unwrap();
        for mut stream in open {
            // Closed or reset, but not open any longer.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        assert!(TcpStream::connect(server.address).await.is_err());
    }

    #[tokio::test]
    async fn a_connection_that_sends_half_its_headers_is_closed() {
        let server = start(Limits { headers: SHORT, stop: NEVER }).await;
        let mut stream = connect(server.address, UNFINISHED[1]).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    #[tokio::test]
    async fn a_request_in_progress_is_answered_after_the_stop() {
        let server = start(Limits { headers: NEVER, stop: NEVER }).await;
        let mut stream = connect(
            server.address,
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        )
        .await;
        // The handler reads the body, so the request is in progress.
        stream.read_exact(&mut [0; "HTTP/1.1 100 Continue\r\n\r\n".len()]).await.unwrap();
        server.stop.cancel();
        stream.write_all(b"done").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.ends_with("done"), "{text}");
        server.task.await.unwrap();
    }
}
