//! A TCP proxy that records what the server sends. It forwards bytes unchanged without parsing HTTP, and adds
//! about ten microseconds.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

pub struct Recorder {
    pub address: SocketAddr,
    /// The server's data, one buffer per connection.
    recordings: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    /// Listens on a free port of loopback and forwards each connection to `server`.
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let recordings = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = recordings.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                forward(client, TcpStream::connect(server).unwrap(), kept.clone());
            }
        });
        Self { address, recordings }
    }

    /// Returns the data of each server-sent event so far that is JSON.
    pub fn events(&self) -> Vec<Value> {
        let recordings = self.recordings.lock().unwrap();
        let text =
            recordings.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("\n");
        text.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }
}

fn forward(client: TcpStream, server: TcpStream, recordings: Arc<Mutex<Vec<Vec<u8>>>>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let index = {
        let mut recordings = recordings.lock().unwrap();
        recordings.push(Vec::new());
        recordings.len() - 1
    };
    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || pass_on(from_client, to_server, |_| ()));
    thread::spawn(move || pass_on(server, client, |bytes| recordings.lock().unwrap()[index].extend(bytes)));
}

/// Copies until either side closes, then closes both.
fn pass_on(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}
