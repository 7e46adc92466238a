//! Tests of graceful shutdown: the server exits within its limit although clients have unfinished requests.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client::Client;
use super::process::Installation;

/// Data that a client sends before it stops: nothing, half the headers, half the body.
const UNFINISHED: [&str; 3] = [
    "",
    "POST /api/auth/login HTTP/1.1\r\nHost: ",
    "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
     Content-Length: 99\r\n\r\n{\"email\":",
];

#[tokio::test]
async fn a_server_exits_although_clients_have_unfinished_requests() {
    let installation = Installation::new().with("STUDIO_STOP_SECONDS", "1");
    let server = installation.start();
    let address = server.root.trim_start_matches("http://").to_owned();
    let mut connections = Vec::new();
    for number in 0..300 {
        let mut connection = TcpStream::connect(&address).await.unwrap();
        connection.write_all(UNFINISHED[number % UNFINISHED.len()].as_bytes()).await.unwrap();
        connections.push(connection);
    }
    // Connections are accepted in order: after this response all others are accepted.
    Client::register(&server, "anna").await;
    server.terminate();
    assert!(server.exits_successfully().await);
}

#[tokio::test]
async fn a_second_signal_stops_a_server_immediately() {
    let installation = Installation::new().with("STUDIO_STOP_SECONDS", "86400");
    let server = installation.start();
    let address = server.root.trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    connection.write_all(UNFINISHED[2].as_bytes()).await.unwrap();
    Client::register(&server, "anna").await;
    server.terminate();
    // The server accepts no connections after it has handled the first signal.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.terminate();
    assert!(!server.exits_successfully().await);
}
