//! One request and its response over one connection, read with stamps and within limits.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, header};
use tokio::{
    select,
    sync::{
        mpsc::{UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::{Instant, Sleep, sleep_until},
};

use super::{
    clock::monotonic_ns,
    connection::Connection,
    failure::{broken, compressed, compression, hide_secrets, judge, timed_out},
    http1::{Head, request_head},
    recording::{Batch, Message, Milestones, Recorded, Recording, bad_response, record},
    transport::{Broken, Read},
};
use crate::{
    ApiError, ErrorKind, Provider,
    wire::{Decoder, WireRequest, decode_error, decode_response},
};

/// How long the end of the body may lag behind the protocol's end mark before the connection is
/// given up.
pub(super) const TRAILER_GRACE: Duration = Duration::from_millis(250);
/// How long the text of an error answer may take after its status.
const REFUSAL_GRACE: Duration = Duration::from_secs(5);
/// A server that closes a kept connection as the next request is sent does so within a round trip;
/// one that takes longer has received the request.
const UNHEARD_WITHIN: Duration = Duration::from_secs(1);
/// How long a read may wait to be recorded when no other follows it. Longer than the age at which the next read has
/// a batch recorded, so that the timer fires only in a pause.
const RECORDED_WITHIN: Duration = Duration::from_millis(200);
/// A server that never stops sending must not keep time limits, the recorder and other streams from being looked at.
const READS_IN_A_ROW: usize = 64;
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Of a whole stream with its framing: kilobytes around each token of the longest answer. What has been read but
/// not yet recorded is bounded by it too.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
const JSON: &[u8] = b"application/json";

/// Time limits, counted from handing the request to the connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Limit until the first content chunk.
    pub first_token: Duration,
    /// Limit until the end of the response.
    pub total: Duration,
}

impl Limits {
    /// Returns the limits of a response that is not streamed: its first token arrives with the last.
    fn of_a_whole_answer(self) -> Self {
        Self { first_token: self.total, ..self }
    }
}

/// The record of one request: timing, response and outcome.
#[derive(Debug)]
pub struct Exchange {
    /// When the request's first byte was handed to the open connection, monotonic ns; `None` if it was not sent.
    pub sent_ns: Option<u64>,
    /// What was received, complete or not.
    pub recording: Recording,
    /// Whether the request succeeded, or why it failed.
    pub outcome: Result<(), ApiError>,
    /// The connection broke at once and without a response. On a reused connection this means that the server
    /// had closed it after the previous response and never received this request.
    pub unheard: bool,
    /// Whether the connection can carry another request.
    pub reusable: bool,
}

impl Exchange {
    /// A request that failed before it could be handed to a connection.
    pub fn unsent(error: ApiError) -> Self {
        Self {
            sent_ns: None,
            recording: Recording::default(),
            outcome: Err(error),
            unheard: false,
            reusable: false,
        }
    }
}

/// Sends `request` over `connection` and records the response. Never retries. Dropping the future
/// abandons the request; the connection must then be dropped too.
pub async fn exchange(
    connection: &mut Connection,
    provider: &Provider,
    request: &WireRequest,
    limits: Limits,
) -> Exchange {
    connection.stamps.arm_write();
    let handed_over = Instant::now();
    let mut talk = Talk::default();
    let read = talk.hold(connection, provider, request, limits).await;
    let unheard = talk.went_unheard(&read) && handed_over.elapsed() < UNHEARD_WITHIN;
    let outcome = judge(&mut talk.recording, read).map_err(|error| hide_secrets(error, &request.headers));
    Exchange {
        sent_ns: connection.stamps.first_write_ns(),
        recording: talk.recording,
        outcome,
        unheard,
        reusable: talk.drained && connection.settles(TRAILER_GRACE).await,
    }
}

#[derive(Debug, Default)]
struct Talk {
    recording: Recording,
    /// The server began to answer, be it with an error.
    answered: bool,
    /// The whole body was read, so the next response starts where this one ended.
    drained: bool,
}

impl Talk {
    /// A server gives up an idle connection by closing it, or with a 408 that answers nothing.
    fn went_unheard(&self, read: &Result<(), ApiError>) -> bool {
        let Err(error) = read else { return false };
        error.status == Some(408) || (!self.answered && error.kind == ErrorKind::ConnectionLost)
    }

    async fn hold(
        &mut self,
        connection: &mut Connection,
        provider: &Provider,
        request: &WireRequest,
        limits: Limits,
    ) -> Result<(), ApiError> {
        let handed_over = Instant::now();
        let deadline = sleep_until(handed_over + limits.first_token.min(limits.total));
        tokio::pin!(deadline);
        let (head, body) = encoded(request, connection);
        let head = select! {
            head = connection.transport.send(head, body) => head.map_err(broken)?,
            () = &mut deadline => return Err(timed_out(limits, false)),
        };
        self.answered = true;
        if !head.status.is_success() {
            return Err(self.read_refusal(provider, head, connection, deadline).await);
        }
        if let Some(coding) = compression(&head.headers) {
            return Err(compressed(coding));
        }
        let limits = if is_json(&head.headers) { limits.of_a_whole_answer() } else { limits };
        deadline.as_mut().reset(handed_over + limits.first_token.min(limits.total));
        let (to_record, messages) = unbounded_channel();
        let milestones = Arc::<Milestones>::default();
        let recorder = tokio::spawn(record(messages, Decoder::new(provider), Arc::clone(&milestones)));
        let batch = Batch::default();
        let read = Reader { connection, batch, to_record, milestones, handed_over, limits, received: 0 }
            .read(deadline)
            .await;
        let recorded = recorder.await.map_err(|error| bad_response(error.to_string()))?;
        self.drained = read == Ok(Ended::Cleanly);
        self.keep(recorded, provider, read)
    }

    /// A body that ended well without a single event is a whole answer, or none at all.
    fn keep(
        &mut self,
        recorded: Recorded,
        provider: &Provider,
        read: Result<Ended, ApiError>,
    ) -> Result<(), ApiError> {
        self.recording = recorded.recording;
        read?;
        if let Some(body) = recorded.without_events {
            self.recording.take_whole(decode_response(provider, &body)?, recorded.last_ns);
        }
        Ok(())
    }

    /// Reads an error answer as far as is useful; an unreadable body still leaves the status.
    async fn read_refusal(
        &mut self,
        provider: &Provider,
        head: Head,
        connection: &mut Connection,
        mut deadline: Pin<&mut Sleep>,
    ) -> ApiError {
        let soon = deadline.deadline().min(Instant::now() + REFUSAL_GRACE);
        deadline.as_mut().reset(soon);
        let (mut text, whole) = read_beginning(connection, deadline).await;
        self.drained = whole;
        if compression(&head.headers).is_some() {
            text.clear();
        }
        decode_error(provider, head.status.as_u16(), &head.headers, &text)
    }
}

/// Some [`MAX_ERROR_BYTES`] of a body, and whether that was all of it.
async fn read_beginning(connection: &mut Connection, mut deadline: Pin<&mut Sleep>) -> (Vec<u8>, bool) {
    let mut beginning = Vec::new();
    while beginning.len() < MAX_ERROR_BYTES {
        let read = select! {
            read = read_some(connection, |content| beginning.extend_from_slice(content)) => read,
            () = &mut deadline => return (beginning, false),
        };
        match read {
            Ok(Read::Some(_)) => {}
            Ok(Read::End) => return (beginning, true),
            Err(_) => return (beginning, false),
        }
    }
    (beginning, false)
}

async fn read_some(connection: &mut Connection, mut on_content: impl FnMut(&[u8])) -> Result<Read, Broken> {
    poll_fn(|cx| connection.transport.poll_body(cx, &mut on_content)).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Cleanly,
    /// The end mark came but the body stayed open.
    Open,
}

struct Reader<'a> {
    connection: &'a mut Connection,
    /// What has been read and not yet been handed to the recorder.
    batch: Batch,
    to_record: UnboundedSender<Message>,
    milestones: Arc<Milestones>,
    handed_over: Instant,
    limits: Limits,
    /// Bytes read from the network, framing included.
    received: usize,
}

/// What a reader waits for.
enum Next {
    /// The body has ended or failed.
    End(Result<Ended, ApiError>),
    /// The recorder has seen the protocol's end mark or an error.
    ProtocolEnd,
    /// The time limit, or the end of the grace after the protocol's end.
    Deadline,
    /// A batch has waited long enough for another read.
    Overdue,
}

impl Reader<'_> {
    /// Stamps what arrives and hands it on; nothing is parsed here.
    async fn read(mut self, deadline: Pin<&mut Sleep>) -> Result<Ended, ApiError> {
        let ended = self.read_to_end(deadline).await;
        if ended.is_err() {
            self.milestones.cut();
        }
        self.hand_on();
        ended
    }

    async fn read_to_end(&mut self, mut deadline: Pin<&mut Sleep>) -> Result<Ended, ApiError> {
        let milestones = Arc::clone(&self.milestones);
        let ended = milestones.ended.notified();
        tokio::pin!(ended);
        let overdue = sleep_until(self.handed_over);
        tokio::pin!(overdue);
        let mut grace = false;
        // The waker that the timers and the recorder have. They are polled again only where one of them has
        // fired, was set anew, or has another waker: that takes locks, and a token is not worth any.
        let mut registered: Option<Waker> = None;
        loop {
            let next = poll_fn(|cx| {
                let batch_began_ns = self.batch.began_ns();
                if let Poll::Ready(end) = self.poll_reads(cx) {
                    return Poll::Ready(Next::End(end));
                }
                if self.batch.began_ns() != batch_began_ns && !self.batch.is_empty() {
                    overdue.as_mut().reset(Instant::now() + RECORDED_WITHIN);
                    registered = None;
                }
                let has_ended = !grace && milestones.ended_at_ns() != 0;
                let is_overdue = !self.batch.is_empty() && overdue.is_elapsed();
                if !has_ended
                    && !is_overdue
                    && !deadline.is_elapsed()
                    && registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
                {
                    return Poll::Pending;
                }
                registered = Some(cx.waker().clone());
                if !grace && ended.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Next::ProtocolEnd);
                }
                if deadline.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Next::Deadline);
                }
                if !self.batch.is_empty() {
                    ready!(overdue.as_mut().poll(cx));
                    return Poll::Ready(Next::Overdue);
                }
                Poll::Pending
            })
            .await;
            registered = None;
            match next {
                Next::End(end) => return end,
                Next::Overdue => self.hand_on(),
                Next::ProtocolEnd => {
                    grace = true;
                    let since_end = monotonic_ns().saturating_sub(milestones.ended_at_ns());
                    let left = TRAILER_GRACE.saturating_sub(Duration::from_nanos(since_end));
                    deadline.as_mut().reset(Instant::now() + left);
                }
                Next::Deadline if grace => return Ok(Ended::Open),
                Next::Deadline => {
                    self.wait_for_recorder().await;
                    let total = self.handed_over + self.limits.total;
                    if !milestones.has_content() || Instant::now() >= total {
                        return Err(timed_out(self.limits, milestones.has_content()));
                    }
                    deadline.as_mut().reset(total);
                }
            }
        }
    }

    /// Reads and stamps all that has arrived; ready when the body has ended or failed.
    fn poll_reads(&mut self, cx: &mut Context<'_>) -> Poll<Result<Ended, ApiError>> {
        for _ in 0..READS_IN_A_ROW {
            let read = self.connection.transport.poll_body(cx, |content| self.batch.push(content));
            match ready!(read).map_err(broken)? {
                Read::Some(bytes) => self.received += bytes,
                Read::End => return Poll::Ready(Ok(Ended::Cleanly)),
            }
            self.batch.end_read(self.connection.stamps.latest_read());
            if self.received > MAX_BODY_BYTES {
                let error = "the answer is longer than 64 MiB; check the base URL";
                return Poll::Ready(Err(bad_response(error.into())));
            }
            if self.batch.is_due() {
                self.hand_on();
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Hands what has been read to the recorder.
    fn hand_on(&mut self) {
        if !self.batch.is_empty() {
            // The recorder stops early only after an error of which it keeps the record.
            let _ = self.to_record.send(Message::Reads(self.batch.take()));
        }
    }

    /// Waits until all that has been read is recorded.
    async fn wait_for_recorder(&mut self) {
        self.hand_on();
        let (confirm, confirmed) = oneshot::channel();
        if self.to_record.send(Message::Confirm(confirm)).is_ok() {
            let _ = confirmed.await;
        }
    }
}

/// Returns head and body of the request as they are sent over this connection.
fn encoded(request: &WireRequest, connection: &Connection) -> (Bytes, Bytes) {
    let mut headers = request.headers.clone();
    headers.insert(header::HOST, connection.host.clone());
    // Without this header, HTTP lets a server compress as it likes.
    headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
    headers
        .entry(header::USER_AGENT)
        .or_insert(header::HeaderValue::from_static(concat!("llm-studio/", env!("CARGO_PKG_VERSION"))));
    let target = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
    (request_head(target, &headers, request.body.len()), request.body.clone())
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().trim_ascii_start());
    content_type
        .and_then(|value| value.get(..JSON.len()))
        .is_some_and(|value| value.eq_ignore_ascii_case(JSON))
}
