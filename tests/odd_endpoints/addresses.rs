//! Tests of all forms of base URLs and model ids.

use super::{server::serve_at, *};

async fn first_request(server: &mut Server, base_url: &str, model: &str) -> String {
    let run = bench(target(base_url, model), quick()).await.runs.remove(0);
    assert!(run.success, "{base_url}: {:?}", run.error);
    server.requests.recv().await.unwrap()
}

#[tokio::test]
async fn every_form_of_a_base_url_reaches_the_endpoint() {
    let mut server = serve(vec![write(stream_of(&answer()))]).await;
    let port = server.port;
    for (base_url, path) in [
        (format!("http://127.0.0.1:{port}/v1"), "/v1/chat/completions"),
        (format!("http://127.0.0.1:{port}/v1/"), "/v1/chat/completions"),
        (format!("http://127.0.0.1:{port}"), "/chat/completions"),
        (format!("http://127.0.0.1:{port}/a%20b/gateway/v1"), "/a%20b/gateway/v1/chat/completions"),
        (format!("http://127.0.0.1:{port}/v1?version=2"), "/v1/chat/completions?version=2"),
        (format!("HTTP://LocalHost:{port}/V1"), "/V1/chat/completions"),
        // Also resolves to ::1, where nothing listens.
        (format!("http://localhost:{port}/v1"), "/v1/chat/completions"),
    ] {
        let request = first_request(&mut server, &base_url, "m").await;
        assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{base_url}: {request}");
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        assert!([format!("127.0.0.1:{port}"), format!("localhost:{port}")].contains(&host.to_owned()));
    }
}

#[tokio::test]
async fn an_ipv6_literal_reaches_the_endpoint() {
    let mut server = serve_at("[::1]:0", vec![write(stream_of(&answer()))]).await;
    let port = server.port;
    let request = first_request(&mut server, &format!("http://[::1]:{port}/v1"), "m").await;
    assert!(request.contains(&format!("host: [::1]:{port}\r\n")), "{request}");
}

#[tokio::test]
async fn model_ids_are_sent_unchanged() {
    let mut server = serve(vec![write(stream_of(&answer()))]).await;
    let base_url = format!("http://127.0.0.1:{}/v1", server.port);
    for id in ["org/team/model:free", "with spaces and \"quotes\"", "模型-🦀/é", &"long/".repeat(2_000)]
    {
        let request = first_request(&mut server, &base_url, id).await;
        let body: serde_json::Value =
            serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["model"], id);
    }
}

#[tokio::test]
async fn no_compression_is_requested() {
    let mut server = serve(vec![write(stream_of(&answer()))]).await;
    let base_url = format!("http://127.0.0.1:{}/v1", server.port);
    let request = first_request(&mut server, &base_url, "m").await;
    assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
}
