//! The body of a streamed response: gives hyper one frame per socket write, each at its scheduled time.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::log::{Entry, Outcome};
use super::pacer::Pacer;
use super::scenario::Scenario;
use super::track::Track;
use endpoint::client::stream::Stamps;

/// The times at which the writes of one response are due.
#[derive(Debug)]
pub(super) struct Schedule {
    due_ns: u64,
    gap_ns: u64,
    jitter_ns: u64,
    tail_ns: u64,
    rng: SmallRng,
}

impl Schedule {
    /// Creates the schedule of `scenario` for a request received at `received_ns`.
    pub(super) fn new(scenario: &Scenario, received_ns: u64, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let earliest = scenario.ttft.nanos();
        let latest = scenario.ttft_max.nanos().max(earliest);
        Self {
            due_ns: received_ns + rng.random_range(earliest..=latest),
            gap_ns: scenario.gap.nanos(),
            jitter_ns: scenario.jitter.nanos(),
            tail_ns: scenario.tail.nanos(),
            rng,
        }
    }

    /// Returns when the next write is due.
    pub(super) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Advances by one gap, counted from when the last write was due, not from when it happened.
    pub(super) fn advance(&mut self) {
        let jitter = match self.jitter_ns {
            0 => 0,
            most => self.rng.random_range(0..=2 * most),
        };
        let gap_ns = (self.gap_ns + jitter).saturating_sub(self.jitter_ns);
        self.due_ns = self.due_ns.saturating_add(gap_ns);
    }

    /// Advances to the usage and the end mark.
    fn advance_to_end(&mut self) {
        self.due_ns += self.tail_ns;
    }
}

/// The end of a stream after its last token.
#[derive(Debug)]
pub(super) enum StreamEnd {
    /// The protocol's normal end, as bytes.
    Complete(Bytes),
    /// An error event, as bytes.
    Error(Bytes),
    Stall,
    Cut,
}

/// All parts of a stream, rendered.
#[derive(Debug)]
pub(super) struct Stream {
    /// Sent together with the headers.
    pub(super) opening: Bytes,
    pub(super) tracks: std::vec::IntoIter<Track>,
    pub(super) end: StreamEnd,
    pub(super) tokens_per_chunk: u32,
    pub(super) burst: u32,
}

/// A response body that writes a [`Stream`] on [`Schedule`].
pub(super) struct PacedBody {
    pacer: Pacer,
    stamps: Arc<Stamps>,
    entry: Entry,
    schedule: Schedule,
    opening: Bytes,
    track: Option<Track>,
    tracks: std::vec::IntoIter<Track>,
    /// `None` after the stream has ended.
    end: Option<StreamEnd>,
    tokens_per_chunk: u32,
    burst: u32,
    /// Number of tokens of each chunk in the last frame given to hyper.
    chunks: Vec<u32>,
    /// Whether that frame has not been written yet.
    unwritten: bool,
}

impl PacedBody {
    /// Creates a body that writes `stream` on `schedule` to the connection of `stamps`.
    pub(super) fn new(
        stream: Stream,
        schedule: Schedule,
        pacer: Pacer,
        stamps: Arc<Stamps>,
        entry: Entry,
    ) -> Self {
        let mut tracks = stream.tracks;
        Self {
            pacer,
            stamps,
            entry,
            schedule,
            opening: stream.opening,
            track: tracks.next(),
            tracks,
            end: Some(stream.end),
            tokens_per_chunk: stream.tokens_per_chunk,
            burst: stream.burst,
            chunks: Vec::new(),
            unwritten: false,
        }
    }

    /// Returns ready after the last frame was written to the socket, so that no two frames share a write.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.unwritten {
            return Poll::Ready(());
        }
        let Some(at_ns) = self.stamps.first_write_ns() else {
            // hyper writes after this poll returns and may then poll again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.entry.wrote(at_ns, &self.chunks);
        self.chunks.clear();
        self.unwritten = false;
        Poll::Ready(())
    }

    fn next_burst(&mut self) -> Option<Vec<u8>> {
        let track = self.track.as_mut()?;
        let mut out = Vec::with_capacity(track.burst_size(self.burst, self.tokens_per_chunk));
        track.write_burst(self.burst, self.tokens_per_chunk, &mut out, &mut self.chunks);
        if track.is_done() {
            self.track = self.tracks.next();
        }
        match (&self.track, &self.end) {
            (None, Some(StreamEnd::Complete(_))) => self.schedule.advance_to_end(),
            _ => self.schedule.advance(),
        }
        Some(out)
    }

    fn poll_end(&mut self) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.end.take() {
            Some(StreamEnd::Complete(bytes)) => {
                self.entry.ended(Outcome::Completed);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(StreamEnd::Error(bytes)) => {
                self.entry.ended(Outcome::InStreamError);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(StreamEnd::Cut) => {
                self.entry.ended(Outcome::Cut);
                Poll::Ready(Some(Err(io::Error::other("connection closed by the scenario"))))
            }
            Some(StreamEnd::Stall) => {
                self.entry.ended(Outcome::Stalled);
                self.end = Some(StreamEnd::Stall);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn send_frame(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.stamps.arm_write();
        self.unwritten = true;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if !this.opening.is_empty() {
            let opening = mem::take(&mut this.opening);
            return this.send_frame(opening);
        }
        ready!(this.pacer.poll_until(this.schedule.due_ns(), cx));
        ready!(this.poll_written(cx));
        match this.next_burst() {
            Some(burst) => this.send_frame(burst.into()),
            None => this.poll_end(),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end.is_none()
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        if let (true, Some(at_ns)) = (self.unwritten, self.stamps.first_write_ns()) {
            self.entry.wrote(at_ns, &self.chunks);
        }
    }
}

/// The body of every response: complete, or streamed on a schedule.
pub(super) type Reply = http_body_util::Either<http_body_util::Full<Bytes>, PacedBody>;

/// Returns a body that is sent at once.
pub(super) fn complete(bytes: Vec<u8>) -> Reply {
    Reply::Left(http_body_util::Full::new(bytes.into()))
}
