//! A fake endpoint that records requests and responds as the test defines.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;

/// A server on loopback that runs until the end of the test.
pub struct Endpoint {
    /// For example `http://127.0.0.1:40123/v1`.
    pub base_url: String,
    received: Arc<Mutex<Vec<ReceivedRequest>>>,
}

/// A recorded request.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// Path and query.
    pub address: String,
    /// All headers as text.
    pub headers: String,
}

impl Endpoint {
    /// Starts an endpoint that responds with the result of `answer`, called with the `Authorization` header.
    pub async fn start(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> Self {
        let received = Arc::<Mutex<Vec<ReceivedRequest>>>::default();
        let recorded = received.clone();
        let handler = async move |request: Request| {
            let authorization = request.headers().get("authorization");
            let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
            let authorization = authorization.unwrap_or_default();
            let (address, headers) = (request.uri().to_string(), format!("{:?}", request.headers()));
            recorded.lock().unwrap().push(ReceivedRequest { address, headers });
            answer(&authorization)
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let app = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, received }
    }

    /// Returns the requests received so far.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.received.lock().unwrap().clone()
    }
}
