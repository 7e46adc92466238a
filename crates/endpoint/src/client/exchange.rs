//! One request and its response over one connection, read with stamps and within limits.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header, response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::{
    select,
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    connection::Connection,
    failure::{broken, compressed, compression, hide_secrets, judge, timed_out},
    recording::{Milestones, Piece, Recorded, Recording, bad_response, record},
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
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Of a whole stream: kilobytes around each token of the longest answer. What has been read but not
/// yet recorded is bounded by it too.
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
        let request = http_request(request, connection)?;
        let response = select! {
            response = send(connection, request) => response?,
            () = &mut deadline => return Err(timed_out(limits, false)),
        };
        self.answered = true;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            return Err(self.read_refusal(provider, head, body, deadline).await);
        }
        if let Some(coding) = compression(&head.headers) {
            return Err(compressed(coding));
        }
        let limits = if is_json(&head.headers) { limits.of_a_whole_answer() } else { limits };
        deadline.as_mut().reset(handed_over + limits.first_token.min(limits.total));
        let (pieces, to_record) = unbounded_channel();
        let milestones = Arc::<Milestones>::default();
        let recorder = tokio::spawn(record(to_record, Decoder::new(provider), Arc::clone(&milestones)));
        let reader = Reader { connection, pieces, milestones, handed_over, limits };
        let read = reader.read(body, deadline).await;
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
        head: response::Parts,
        body: Incoming,
        mut deadline: Pin<&mut Sleep>,
    ) -> ApiError {
        let soon = deadline.deadline().min(Instant::now() + REFUSAL_GRACE);
        deadline.as_mut().reset(soon);
        let (mut text, whole) = read_beginning(body, deadline).await;
        self.drained = whole;
        if compression(&head.headers).is_some() {
            text.clear();
        }
        decode_error(provider, head.status.as_u16(), &head.headers, &text)
    }
}

async fn send(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, ApiError> {
    connection.sender.ready().await.map_err(broken)?;
    connection.sender.send_request(request).await.map_err(broken)
}

/// Some [`MAX_ERROR_BYTES`] of a body, and whether that was all of it.
async fn read_beginning(mut body: Incoming, mut deadline: Pin<&mut Sleep>) -> (Vec<u8>, bool) {
    let mut beginning = Vec::new();
    while beginning.len() < MAX_ERROR_BYTES {
        let frame = select! {
            frame = body.frame() => frame,
            () = &mut deadline => return (beginning, false),
        };
        match frame {
            Some(Ok(frame)) => beginning.extend(frame.into_data().unwrap_or_default()),
            Some(Err(_)) => return (beginning, false),
            None => return (beginning, true),
        }
    }
    (beginning, false)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Cleanly,
    /// The end mark came but the body stayed open.
    Open,
}

struct Reader<'a> {
    connection: &'a Connection,
    pieces: UnboundedSender<Piece>,
    milestones: Arc<Milestones>,
    handed_over: Instant,
    limits: Limits,
}

impl Reader<'_> {
    /// Stamps what arrives and hands it on; nothing is parsed here.
    async fn read(self, body: Incoming, deadline: Pin<&mut Sleep>) -> Result<Ended, ApiError> {
        let ended = self.read_to_end(body, deadline).await;
        if ended.is_err() {
            self.milestones.cut();
        }
        ended
    }

    async fn read_to_end(
        &self,
        mut body: Incoming,
        mut deadline: Pin<&mut Sleep>,
    ) -> Result<Ended, ApiError> {
        let ended = self.milestones.ended.notified();
        tokio::pin!(ended);
        let mut grace = false;
        let mut received = 0;
        loop {
            select! {
                biased;
                frame = body.frame() => match frame {
                    Some(Ok(frame)) => {
                        received += self.hand_on(frame);
                        if received > MAX_BODY_BYTES {
                            return Err(bad_response("the answer is longer than 64 MiB; check the base URL".into()));
                        }
                    }
                    Some(Err(error)) => return Err(broken(error)),
                    None => return Ok(Ended::Cleanly),
                },
                () = &mut ended, if !grace => {
                    grace = true;
                    deadline.as_mut().reset(Instant::now() + TRAILER_GRACE);
                }
                () = &mut deadline => {
                    let total = self.handed_over + self.limits.total;
                    if grace {
                        return Ok(Ended::Open);
                    } else if self.milestones.has_content() && Instant::now() < total {
                        deadline.as_mut().reset(total);
                    } else {
                        return Err(timed_out(self.limits, self.milestones.has_content()));
                    }
                }
            }
        }
    }

    /// Returns how many bytes the frame held.
    fn hand_on(&self, frame: hyper::body::Frame<Bytes>) -> usize {
        let Ok(bytes) = frame.into_data() else { return 0 };
        let length = bytes.len();
        // The recorder stops early only after an error of which it keeps the record.
        let _ = self.pieces.send(Piece { arrival: self.connection.stamps.latest_read(), bytes });
        length
    }
}

fn http_request(request: &WireRequest, connection: &Connection) -> Result<Request<Full<Bytes>>, ApiError> {
    let target = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut built = Request::post(target)
        .body(Full::new(request.body.clone()))
        .map_err(|error| bad_response(format!("the request cannot be sent: {error}")))?;
    *built.headers_mut() = request.headers.clone();
    built.headers_mut().insert(header::HOST, connection.host.clone());
    // Without this header, HTTP lets a server compress as it likes.
    built.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
    built
        .headers_mut()
        .entry(header::USER_AGENT)
        .or_insert(header::HeaderValue::from_static(concat!("llm-studio/", env!("CARGO_PKG_VERSION"))));
    Ok(built)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().trim_ascii_start());
    content_type
        .and_then(|value| value.get(..JSON.len()))
        .is_some_and(|value| value.eq_ignore_ascii_case(JSON))
}
