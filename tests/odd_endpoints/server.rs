//! A raw TCP server; the test scripts every byte and pause.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};

/// An action of the server after reading a request.
#[derive(Clone)]
pub enum Do {
    Write(Vec<u8>),
    /// Writes byte by byte, each in its own segment.
    Drip(Vec<u8>),
    /// Writes the same bytes until the client disconnects.
    Endless(Vec<u8>),
    Pause(Duration),
    /// Sends nothing more until the client disconnects.
    Hold,
    /// Reads the next request without responding.
    Read,
    Close,
}

pub struct Server {
    pub port: u16,
    /// Each received request, head and body.
    pub requests: UnboundedReceiver<String>,
}

/// Answers every request on every connection with `script`.
pub async fn serve(script: Vec<Do>) -> Server {
    serve_at("127.0.0.1:0", script).await
}

pub async fn serve_at(address: &str, script: Vec<Do>) -> Server {
    let listener = TcpListener::bind(address).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (received, requests) = unbounded_channel();
    let script: Arc<[Do]> = script.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(answer(stream, Arc::clone(&script), received.clone()));
        }
    });
    Server { port, requests }
}

/// Runs this script as soon as a client connects, and closes the connection.
pub async fn greet(script: Vec<Do>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for step in &script {
                let _ = perform(step, &mut stream).await;
            }
        }
    });
    Server { port, requests: unbounded_channel().1 }
}

async fn answer(mut stream: TcpStream, script: Arc<[Do]>, received: UnboundedSender<String>) {
    while let Some(request) = read_request(&mut stream).await {
        let _ = received.send(request);
        for step in script.iter() {
            if matches!(step, Do::Close) || perform(step, &mut stream).await.is_err() {
                return;
            }
        }
    }
}

async fn perform(step: &Do, stream: &mut TcpStream) -> std::io::Result<()> {
    match step {
        Do::Write(bytes) => stream.write_all(bytes).await,
        Do::Drip(bytes) => {
            for byte in bytes {
                stream.write_all(&[*byte]).await?;
                sleep(Duration::from_micros(100)).await;
            }
            Ok(())
        }
        Do::Endless(bytes) => loop {
            stream.write_all(bytes).await?;
        },
        Do::Pause(pause) => {
            sleep(*pause).await;
            Ok(())
        }
        Do::Hold => {
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).await? > 0 {}
            Ok(())
        }
        Do::Read => {
            read_request(stream).await;
            Ok(())
        }
        Do::Close => stream.shutdown().await,
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = complete_request(&request) {
            return Some(String::from_utf8_lossy(&request[..end]).into_owned());
        }
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}

/// Returns the length of the first complete request, if any.
fn complete_request(bytes: &[u8]) -> Option<usize> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let end = head_end + length.map_or(0, |length| length.trim().parse().unwrap());
    (bytes.len() >= end).then_some(end)
}
