//! Sends one request at a time over an open stream and reads its response, on the task that waits for it.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, buf::Chain};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http1::{BadHttp, Beginning, Body, Head, read_beginning};

/// Size of the input buffer: enough for a burst of chunks, and little enough that a client that is late does not
/// read many of them under one stamp.
const INPUT: usize = 16 * 1024;
/// Size to which a head may let the input buffer grow.
const MAX_HEAD: usize = 64 * 1024;

/// A stream of bytes to a server, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Why a response could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The connection was closed before a response came.
    #[error("closed before a response came")]
    Unanswered,
    /// The connection was closed inside a response.
    #[error("closed in the middle of the response")]
    Cut,
    /// The head is longer than the client reads.
    #[error("the head is longer than 64 KiB")]
    HeadTooLarge,
    /// What came is not HTTP/1.1.
    #[error(transparent)]
    NotHttp(#[from] BadHttp),
    /// The stream failed.
    #[error(transparent)]
    Stream(#[from] io::Error),
}

/// What reading a body yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes from the network were used up, those that only frame the content included.
    Some(usize),
    /// The body has ended as it should.
    End,
}

/// A stream with the state of the current request and response.
pub(super) struct Transport {
    stream: Box<dyn Stream>,
    input: Input,
    /// The part of the request that is not written yet.
    output: Chain<Bytes, Bytes>,
    flushed: bool,
    body: Body,
    /// False once the server has said or shown that it closes the connection after this response.
    keeps_alive: bool,
}

impl Transport {
    /// Takes over a stream over which nothing has been sent yet.
    pub(super) fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            input: Input::default(),
            output: Bytes::new().chain(Bytes::new()),
            flushed: true,
            body: Body::Ended,
            keeps_alive: true,
        }
    }

    /// Sends a request and returns the head of its response. The rest of a long request is sent while its
    /// response is read: a server may answer early.
    ///
    /// # Errors
    /// When the connection breaks first or something other than HTTP/1.1 comes.
    pub(super) async fn send(&mut self, head: Bytes, body: Bytes) -> Result<Head, Broken> {
        self.output = head.chain(body);
        self.flushed = false;
        let mut unsent = None;
        let response = poll_fn(|cx| {
            if unsent.is_none()
                && let Poll::Ready(Err(error)) = self.poll_write(cx)
            {
                // The server may have answered before it stopped reading.
                unsent = Some(error);
            }
            self.poll_head(cx)
        })
        .await;
        match (response, unsent) {
            (Err(Broken::Unanswered), Some(error)) => Err(error.into()),
            (response, unsent) => {
                self.keeps_alive &= unsent.is_none();
                response
            }
        }
    }

    /// Waits until the whole request is written; false when the connection cannot carry another one.
    pub(super) async fn settles(&mut self) -> bool {
        self.keeps_alive && self.body == Body::Ended && poll_fn(|cx| self.poll_write(cx)).await.is_ok()
    }

    /// Returns whether another request can be sent: the last response has ended, and the server has neither
    /// closed the connection nor sent something unasked.
    pub(super) fn is_idle(&mut self) -> bool {
        let is_between_responses = self.keeps_alive && self.body == Body::Ended && self.input.is_empty();
        is_between_responses && self.poll_fill(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Reads once from the stream, if nothing has been read ahead, and passes the content in it to `on_content`.
    ///
    /// # Errors
    /// When the connection breaks or the framing of the body is not HTTP/1.1.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        mut on_content: impl FnMut(&[u8]),
    ) -> Poll<Result<Read, Broken>> {
        loop {
            if self.body == Body::Ended {
                return Poll::Ready(Ok(Read::End));
            }
            if !self.input.is_empty() {
                let used = self.body.decode(self.input.bytes(), &mut on_content)?;
                self.input.consume(used);
                if used > 0 {
                    return Poll::Ready(Ok(Read::Some(used)));
                }
            }
            if !self.flushed && matches!(self.poll_write(cx), Poll::Ready(Err(_))) {
                self.give_up_writing();
            }
            if ready!(self.poll_fill(cx))? == 0 {
                self.keeps_alive = false;
                if self.body != Body::UntilClose {
                    return Poll::Ready(Err(Broken::Cut));
                }
                self.body = Body::Ended;
            }
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Broken>> {
        loop {
            if !self.input.is_empty() {
                match read_beginning(self.input.bytes())? {
                    Beginning::Head(head, body, length) => {
                        self.input.consume(length);
                        self.body = body;
                        self.keeps_alive &= head.keeps_alive && body != Body::UntilClose;
                        return Poll::Ready(Ok(head));
                    }
                    Beginning::Informational(length) => {
                        self.input.consume(length);
                        continue;
                    }
                    Beginning::Partial if !self.input.make_room(MAX_HEAD) => {
                        return Poll::Ready(Err(Broken::HeadTooLarge));
                    }
                    Beginning::Partial => {}
                }
            }
            if ready!(self.poll_fill(cx))? == 0 {
                self.keeps_alive = false;
                return Poll::Ready(Err(Broken::Unanswered));
            }
        }
    }

    /// Reads once; 0 bytes mean that the server has closed the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.make_room(INPUT);
        let mut space = ReadBuf::new(self.input.space());
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
        let read = space.filled().len();
        self.input.end += read;
        Poll::Ready(Ok(read))
    }

    /// Writes the rest of the request.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.output.has_remaining() {
            let mut slices = [io::IoSlice::new(&[]); 2];
            let count = self.output.chunks_vectored(&mut slices);
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(written);
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
            self.output = Bytes::new().chain(Bytes::new());
        }
        Poll::Ready(Ok(()))
    }

    /// The server reads no more of the request; its response may still be whole.
    fn give_up_writing(&mut self) {
        self.output = Bytes::new().chain(Bytes::new());
        self.flushed = true;
        self.keeps_alive = false;
    }
}

/// Without the request, which holds the API key.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("body", &self.body)
            .field("keeps_alive", &self.keeps_alive)
            .finish_non_exhaustive()
    }
}

/// Bytes that were read and not yet used. Initialised once, so that no read has to clear it.
#[derive(Default)]
struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for another read by moving what is there to the front or, where the buffer is full, by growing
    /// it to at most `limit`; false where there is no room.
    fn make_room(&mut self, limit: usize) -> bool {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            let size = (2 * self.buffer.len()).clamp(INPUT, limit.max(INPUT));
            if size > self.buffer.len() {
                self.buffer.resize(size, 0);
            }
        }
        self.end < self.buffer.len()
    }

    fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }
}

#[cfg(test)]
mod tests;
