//! Helpers for tests of both clients.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{IpAddr, Ipv6Addr, TcpListener},
    sync::{Mutex, PoisonError},
    thread::JoinHandle,
};

use futures::future::BoxFuture;

use super::Resolver;

/// A resolver that returns the next of its answers for each lookup, whatever the name.
#[derive(Debug)]
pub(crate) struct Answers(Mutex<VecDeque<Vec<IpAddr>>>);

impl Answers {
    pub(crate) fn new(answers: &[&[&str]]) -> Self {
        let parsed = answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect());
        Self(Mutex::new(parsed.collect()))
    }

    /// Returns the number of unused answers.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Resolver for Answers {
    fn lookup(&self, _name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Box::pin(async { next.ok_or_else(|| io::Error::other("more lookups than answers")) })
    }
}

/// Creates listeners at `127.0.0.1` and at `::1` on the same port.
pub(crate) fn twin_listeners() -> (TcpListener, TcpListener, u16) {
    let twins = (0..16).find_map(|_| {
        let v4 = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = v4.local_addr().ok()?.port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok()?;
        Some((v4, v6, port))
    });
    twins.unwrap()
}

/// Answers one request at `listener` on a separate thread, and returns the listener.
pub(crate) fn answer_one(listener: TcpListener) -> JoinHandle<TcpListener> {
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        assert!(connection.read(&mut [0; 1024]).unwrap() > 0, "a connection without a request was accepted");
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        listener
    })
}

/// Returns whether there is no further connection.
pub(crate) fn is_quiet(listener: &TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    listener.accept().is_err()
}

/// Waits for a connection at `listener`, which must be the only one so far. Connections are accepted in order,
/// so an earlier one would be counted too.
pub(crate) fn expect_one_arrival(listener: &TcpListener) {
    listener.accept().unwrap();
    assert!(is_quiet(listener), "there was a second connection");
}
