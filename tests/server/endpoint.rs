//! An endpoint that keeps what it hears and answers as the test wants.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;

/// A server on loopback, for as long as the test runs.
pub struct Endpoint {
    /// For example `http://127.0.0.1:40123/v1`.
    pub base_url: String,
    received: Arc<Mutex<Vec<ReceivedRequest>>>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// With its query.
    pub address: String,
    /// All of them as text.
    pub headers: String,
}

impl Endpoint {
    /// Starts one that answers each request with what `answer` makes of its `Authorization`.
    pub async fn start(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> Self {
        let received = Arc::<Mutex<Vec<ReceivedRequest>>>::default();
        let kept = received.clone();
        let handler = async move |request: Request| {
            let authorization = request.headers().get("authorization");
            let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
            let authorization = authorization.unwrap_or_default();
            let (address, headers) = (request.uri().to_string(), format!("{:?}", request.headers()));
            kept.lock().unwrap().push(ReceivedRequest { address, headers });
            answer(&authorization)
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let app = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, received }
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.received.lock().unwrap().clone()
    }
}
