//! A server that is asked to end does so within its limit, whatever its clients do.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client::Client;
use super::process::Installation;

/// What a client sends before it goes quiet: nothing, half the headers, half the body.
const UNFINISHED: [&str; 3] = [
    "",
    "POST /api/auth/login HTTP/1.1\r\nHost: ",
    "POST /api/auth/login HTTP/1.1\r\nHost: studio\r\nContent-Type: application/json\r\n\
     Content-Length: 99\r\n\r\n{\"email\":",
];

#[tokio::test]
async fn a_server_ends_although_clients_sent_half_a_request() {
    let installation = Installation::new().with("STUDIO_STOP_SECONDS", "1");
    let server = installation.start();
    let address = server.root.trim_start_matches("http://").to_owned();
    let mut connections = Vec::new();
    for number in 0..300 {
        let mut connection = TcpStream::connect(&address).await.unwrap();
        connection.write_all(UNFINISHED[number % UNFINISHED.len()].as_bytes()).await.unwrap();
        connections.push(connection);
    }
    // Connections are accepted in order: when this one is answered, all others are being served.
    Client::register(&server, "anna").await;
    server.ask_to_end();
    assert!(server.ended().await);
}

#[tokio::test]
async fn a_second_signal_ends_a_server_at_once() {
    let installation = Installation::new().with("STUDIO_STOP_SECONDS", "86400");
    let server = installation.start();
    let address = server.root.trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    connection.write_all(UNFINISHED[2].as_bytes()).await.unwrap();
    Client::register(&server, "anna").await;
    server.ask_to_end();
    // It accepts nothing any more: the first signal has arrived.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.ask_to_end();
    assert!(!server.ended().await);
}
