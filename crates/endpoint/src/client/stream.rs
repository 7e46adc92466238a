//! A TCP stream that knows when its bytes arrived and when it first wrote.
//!
//! On Linux every read goes through `recvmsg` with `SO_TIMESTAMPNS`: the kernel says when the last
//! byte of what was read came in, however late this process got to run. Elsewhere the stamp is
//! taken as bytes come off the socket.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::clock::monotonic_ns;
use platform::Socket;

/// When bytes arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// `CLOCK_MONOTONIC`, ns.
    pub at_ns: u64,
    /// How much later user space saw them, ns; `None` where only user space stamped them.
    pub lateness_ns: Option<u64>,
}

const USER_CLOCK: u64 = u64::MAX;

/// The stamps of one stream, readable while the stream itself is wrapped in TLS.
#[derive(Debug, Default)]
pub struct Stamps {
    read_at_ns: AtomicU64,
    lateness_ns: AtomicU64,
    /// 0 while armed.
    written_at_ns: AtomicU64,
}

impl Stamps {
    /// The arrival of the latest read. Whoever parses the bytes reads only when it needs more, so when it passes on
    /// a part of a body, the latest read is the one that completed that part.
    pub fn latest_read(&self) -> Arrival {
        let lateness = self.lateness_ns.load(Relaxed);
        Arrival {
            at_ns: self.read_at_ns.load(Relaxed),
            lateness_ns: (lateness != USER_CLOCK).then_some(lateness),
        }
    }

    /// Makes the next write the one that [`Self::first_write_ns`] reports.
    pub fn arm_write(&self) {
        self.written_at_ns.store(0, Relaxed);
    }

    /// The moment just before the first write since [`Self::arm_write`]; `None` before it happened.
    pub fn first_write_ns(&self) -> Option<u64> {
        Some(self.written_at_ns.load(Relaxed)).filter(|&at| at != 0)
    }

    fn record_read(&self, arrival: Arrival) {
        self.read_at_ns.store(arrival.at_ns, Relaxed);
        self.lateness_ns.store(arrival.lateness_ns.unwrap_or(USER_CLOCK), Relaxed);
    }

    fn record_write(&self) {
        if self.written_at_ns.load(Relaxed) == 0 {
            self.written_at_ns.store(monotonic_ns(), Relaxed);
        }
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct TimedStream {
    socket: Socket,
    stamps: Arc<Stamps>,
}

impl TimedStream {
    /// Takes over a connected stream.
    pub fn new(stream: TcpStream) -> Self {
        Self { socket: Socket::new(stream), stamps: Arc::default() }
    }

    /// A handle to the stamps.
    pub fn stamps(&self) -> Arc<Stamps> {
        Arc::clone(&self.stamps)
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.socket.poll_read(cx, buf).map_ok(|arrival| this.stamps.record_read(arrival))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.stamps.record_write();
        Pin::new(&mut self.get_mut().socket.stream).poll_write(cx, data)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stamps.record_write();
        Pin::new(&mut self.get_mut().socket.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket.stream).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::{
        io::{self, IoSliceMut},
        os::fd::AsRawFd,
        task::{Context, Poll, ready},
    };

    use nix::{
        cmsg_space,
        sys::{
            socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
            time::TimeSpec,
        },
    };
    use tokio::{
        io::{Interest, ReadBuf},
        net::TcpStream,
    };

    use super::{Arrival, monotonic_ns};
    use crate::client::clock::WallOffset;

    #[derive(Debug)]
    pub(super) struct Socket {
        pub(super) stream: TcpStream,
        offset: WallOffset,
        control: Vec<u8>,
    }

    impl Socket {
        pub(super) fn new(stream: TcpStream) -> Self {
            // Where it fails, reads carry no stamp and fall back to the user-space clock.
            let _ = setsockopt(&stream, ReceiveTimestampns, &true);
            Self { stream, offset: WallOffset::default(), control: cmsg_space!(TimeSpec) }
        }

        pub(super) fn poll_read(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<Arrival>> {
            loop {
                ready!(self.stream.poll_read_ready(cx))?;
                match self.try_read(buf) {
                    Ok(stamp) => return Poll::Ready(Ok(arrival(&mut self.offset, stamp))),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }

        /// Reads once. A short read has drained the socket: saying `WouldBlock` of it makes tokio
        /// wait for the next event and saves the read that would only find nothing.
        fn try_read(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<Option<u64>> {
            let space = buf.initialize_unfilled();
            let wanted = space.len();
            let mut short = None;
            let full = self.stream.try_io(Interest::READABLE, || {
                let (read, stamp) = read_stamped(&self.stream, space, &mut self.control)?;
                if read > 0 && read < wanted {
                    short = Some((read, stamp));
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok((read, stamp))
            });
            let (read, stamp) = short.map_or(full, Ok)?;
            buf.advance(read);
            Ok(stamp)
        }
    }

    fn read_stamped(
        stream: &TcpStream,
        space: &mut [u8],
        control: &mut [u8],
    ) -> io::Result<(usize, Option<u64>)> {
        let mut slices = [IoSliceMut::new(space)];
        let message = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(control), MsgFlags::empty())?;
        let stamp = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(at) => {
                Some(at.tv_sec() as u64 * 1_000_000_000 + at.tv_nsec() as u64)
            }
            _ => None,
        });
        Ok((message.bytes, stamp))
    }

    fn arrival(offset: &mut WallOffset, stamp: Option<u64>) -> Arrival {
        let (kernel, now) = stamp.map_or_else(|| (None, monotonic_ns()), |stamp| offset.monotonic(stamp));
        match kernel {
            Some(at_ns) => Arrival { at_ns, lateness_ns: Some(now.saturating_sub(at_ns)) },
            None => Arrival { at_ns: now, lateness_ns: None },
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::{
        io::{AsyncRead, ReadBuf},
        net::TcpStream,
    };

    use super::{Arrival, monotonic_ns};

    #[derive(Debug)]
    pub(super) struct Socket {
        pub(super) stream: TcpStream,
    }

    impl Socket {
        pub(super) fn new(stream: TcpStream) -> Self {
            Self { stream }
        }

        pub(super) fn poll_read(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<Arrival>> {
            Pin::new(&mut self.stream)
                .poll_read(cx, buf)
                .map_ok(|()| Arrival { at_ns: monotonic_ns(), lateness_ns: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    async fn pair() -> (TimedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (TimedStream::new(client), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_read_is_stamped_between_the_write_and_the_read() {
        let (mut client, mut server) = pair().await;
        for word in ["first", "second"] {
            let before = monotonic_ns();
            server.write_all(word.as_bytes()).await.unwrap();
            let mut buffer = [0; 64];
            let read = client.read(&mut buffer).await.unwrap();
            let arrival = client.stamps.latest_read();
            assert_eq!(&buffer[..read], word.as_bytes());
            assert!((before..=monotonic_ns()).contains(&arrival.at_ns), "{arrival:?} since {before}");
        }
    }

    /// The kernel switches stamping on a moment after the first socket of the machine asks for it,
    /// so the first reads may have none.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_stamps_reads() {
        let (mut client, mut server) = pair().await;
        let mut buffer = [0; 4];
        for _ in 0..10_000 {
            server.write_all(b"data").await.unwrap();
            client.read_exact(&mut buffer).await.unwrap();
            if client.stamps.latest_read().lateness_ns.is_some() {
                return;
            }
        }
        panic!("none of 10,000 reads carried the kernel's stamp");
    }

    #[tokio::test]
    async fn reads_of_any_size_lose_nothing() {
        let (mut client, mut server) = pair().await;
        let sent: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writer = tokio::spawn(async move { server.write_all(&sent).await });
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        writer.await.unwrap().unwrap();
        assert_eq!(received, expected);
    }

    #[tokio::test]
    async fn only_the_first_write_since_arming_is_stamped() {
        let (mut client, _server) = pair().await;
        let stamps = client.stamps();
        assert_eq!(stamps.first_write_ns(), None);
        client.write_all(b"a").await.unwrap();
        let first = stamps.first_write_ns();
        client.write_all(b"b").await.unwrap();
        assert_eq!(stamps.first_write_ns(), first);
        stamps.arm_write();
        assert_eq!(stamps.first_write_ns(), None);
    }
}
