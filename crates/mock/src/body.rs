//! The body of a streamed answer: hands hyper one frame per socket write, each at its moment.

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

/// When the writes of one answer are due.
#[derive(Debug)]
pub(super) struct Tempo {
    due_ns: u64,
    gap_ns: u64,
    jitter_ns: u64,
    tail_ns: u64,
    chance: SmallRng,
}

impl Tempo {
    /// The rhythm of `scenario` for a request received at `received_ns`.
    pub(super) fn new(scenario: &Scenario, received_ns: u64, chance: u64) -> Self {
        let mut chance = SmallRng::seed_from_u64(chance);
        let earliest = scenario.ttft.nanos();
        let latest = scenario.ttft_max.nanos().max(earliest);
        Self {
            due_ns: received_ns + chance.random_range(earliest..=latest),
            gap_ns: scenario.gap.nanos(),
            jitter_ns: scenario.jitter.nanos(),
            tail_ns: scenario.tail.nanos(),
            chance,
        }
    }

    /// When the next write is due.
    pub(super) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Goes on by a gap. Counted from when the last write was due, not from when it happened.
    pub(super) fn advance(&mut self) {
        let jitter = match self.jitter_ns {
            0 => 0,
            most => self.chance.random_range(0..=2 * most),
        };
        let gap_ns = (self.gap_ns + jitter).saturating_sub(self.jitter_ns);
        self.due_ns = self.due_ns.saturating_add(gap_ns);
    }

    /// Goes on to the usage and the end mark.
    fn advance_to_end(&mut self) {
        self.due_ns += self.tail_ns;
    }
}

/// How a stream ends after its last token.
#[derive(Debug)]
pub(super) enum StreamEnd {
    /// With these bytes: the protocol's end.
    Complete(Bytes),
    /// With these bytes: an error event.
    Error(Bytes),
    Stall,
    Cut,
}

/// Everything a stream consists of, rendered.
#[derive(Debug)]
pub(super) struct Stream {
    /// Goes out together with the headers.
    pub(super) opening: Bytes,
    pub(super) tracks: std::vec::IntoIter<Track>,
    pub(super) end: StreamEnd,
    pub(super) tokens_per_chunk: u32,
    pub(super) burst: u32,
}

/// See the module's text.
pub(super) struct PacedBody {
    pacer: Pacer,
    stamps: Arc<Stamps>,
    entry: Entry,
    tempo: Tempo,
    opening: Bytes,
    track: Option<Track>,
    tracks: std::vec::IntoIter<Track>,
    /// Taken when the stream has ended.
    end: Option<StreamEnd>,
    tokens_per_chunk: u32,
    burst: u32,
    /// Tokens of each chunk in the frame that hyper was given last.
    chunks: Vec<u32>,
    /// Whether that frame still waits for its write.
    unwritten: bool,
}

impl PacedBody {
    /// A body that plays `stream` at `tempo` into the connection that `stamps` belong to.
    pub(super) fn new(stream: Stream, tempo: Tempo, pacer: Pacer, stamps: Arc<Stamps>, entry: Entry) -> Self {
        let mut tracks = stream.tracks;
        Self {
            pacer,
            stamps,
            entry,
            tempo,
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

    /// Ready once the last frame went to the socket, so that no two frames share a write.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.unwritten {
            return Poll::Ready(());
        }
        let Some(at_ns) = self.stamps.first_write_ns() else {
            // hyper writes as soon as this poll has returned, and then may ask again.
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
            (None, Some(StreamEnd::Complete(_))) => self.tempo.advance_to_end(),
            _ => self.tempo.advance(),
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
                Poll::Ready(Some(Err(io::Error::other("cut as the scenario says"))))
            }
            Some(StreamEnd::Stall) => {
                self.entry.ended(Outcome::Stalled);
                self.end = Some(StreamEnd::Stall);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn hand_over(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Frame<Bytes>>>> {
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
            return this.hand_over(opening);
        }
        ready!(this.pacer.poll_until(this.tempo.due_ns(), cx));
        ready!(this.poll_written(cx));
        match this.next_burst() {
            Some(burst) => this.hand_over(burst.into()),
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

/// The body of every answer: known as a whole, or played.
pub(super) type Reply = http_body_util::Either<http_body_util::Full<Bytes>, PacedBody>;

/// A body that is sent at once.
pub(super) fn whole(bytes: Vec<u8>) -> Reply {
    Reply::Left(http_body_util::Full::new(bytes.into()))
}
