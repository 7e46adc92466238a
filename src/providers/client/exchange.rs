//! One request and its response over one connection, read with stamps and within limits.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use tokio::{
    select,
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    connection::Connection,
    recording::{Milestones, Piece, Recording, bad_response, record, record_whole},
};
use crate::providers::{
    ApiError, ErrorKind, Provider,
    wire::{Decoder, WireRequest, decode_error, decode_response},
};

/// How long the end of the body may lag behind the protocol's end mark before the connection is
/// given up.
const TRAILER_GRACE: Duration = Duration::from_millis(250);
const MAX_ERROR_BYTES: usize = 64 * 1024;
const MAX_WHOLE_BYTES: usize = 32 * 1024 * 1024;

/// How long to wait, counted from the moment when the request is handed over.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub first_token: Duration,
    pub total: Duration,
}

/// One request's story.
#[derive(Debug)]
pub struct Exchange {
    /// When the request's first byte was handed to the open connection, monotonic ns; `None` when
    /// it never was.
    pub sent_ns: Option<u64>,
    pub recording: Recording,
    pub outcome: Result<(), ApiError>,
    /// The server began to answer, be it with an error.
    pub answered: bool,
    /// The connection can carry another request.
    pub reusable: bool,
}

impl Exchange {
    /// A request that failed before it could be handed to a connection.
    pub fn unsent(error: ApiError) -> Self {
        Self {
            sent_ns: None,
            recording: Recording::default(),
            outcome: Err(error),
            answered: false,
            reusable: false,
        }
    }

    /// The connection broke before any answer: on one that had been kept, the server had closed it
    /// after the last answer, and never saw this request.
    pub fn went_unheard(&self) -> bool {
        !self.answered && matches!(&self.outcome, Err(error) if error.kind == ErrorKind::ConnectionLost)
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
    let mut talk = Talk::default();
    let outcome = talk.hold(connection, provider, request, limits).await;
    let outcome = outcome.and_then(|()| judge(&mut talk.recording));
    Exchange {
        sent_ns: connection.stamps.first_write_ns(),
        answered: talk.answered,
        reusable: talk.drained && connection.is_open(),
        recording: talk.recording,
        outcome,
    }
}

#[derive(Debug, Default)]
struct Talk {
    recording: Recording,
    answered: bool,
    /// The whole body was read, so the next response starts where this one ended.
    drained: bool,
}

impl Talk {
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
        connection.sender.ready().await.map_err(lost)?;
        let response = select! {
            response = connection.sender.send_request(request) => response.map_err(lost)?,
            () = &mut deadline => return Err(late(limits, false)),
        };
        self.answered = true;
        if !response.status().is_success() {
            return Err(self.read_refusal(provider, response, deadline).await);
        }
        if is_json(&response) {
            deadline.as_mut().reset(handed_over + limits.total);
            let body = self.read_whole(response, deadline, limits).await?;
            let response = decode_response(provider, &body)?;
            self.recording = record_whole(response, connection.stamps.latest_read());
            return Ok(());
        }
        let (pieces, to_record) = unbounded_channel();
        let milestones = Arc::<Milestones>::default();
        let recorder = tokio::spawn(record(to_record, Decoder::new(provider), Arc::clone(&milestones)));
        let reader = Reader { connection, pieces, milestones, handed_over, limits };
        let read = reader.read(response.into_body(), deadline).await;
        self.recording = recorder.await.map_err(|error| bad_response(error.to_string()))?;
        self.drained = read == Ok(Ended::Cleanly);
        read.map(|_ended| ())
    }

    async fn read_whole(
        &mut self,
        response: Response<Incoming>,
        deadline: Pin<&mut Sleep>,
        limits: Limits,
    ) -> Result<Bytes, ApiError> {
        let body = select! {
            body = Limited::new(response.into_body(), MAX_WHOLE_BYTES).collect() => body,
            () = deadline => return Err(late(limits, true)),
        };
        self.drained = body.is_ok();
        body.map(|body| body.to_bytes()).map_err(|error| lost_text(error.to_string()))
    }

    /// Reads an error answer as far as is useful; an unreadable body still leaves the status.
    async fn read_refusal(
        &mut self,
        provider: &Provider,
        response: Response<Incoming>,
        deadline: Pin<&mut Sleep>,
    ) -> ApiError {
        let (parts, body) = response.into_parts();
        let body = select! {
            body = Limited::new(body, MAX_ERROR_BYTES).collect() => body.ok(),
            () = deadline => None,
        };
        self.drained = body.is_some();
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        decode_error(provider, parts.status.as_u16(), retry_after, &body)
    }
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
    async fn read(self, mut body: Incoming, mut deadline: Pin<&mut Sleep>) -> Result<Ended, ApiError> {
        let ended = self.milestones.ended.notified();
        tokio::pin!(ended);
        let mut grace = false;
        loop {
            select! {
                biased;
                frame = body.frame() => match frame {
                    Some(Ok(frame)) => self.hand_on(frame),
                    Some(Err(error)) => return Err(lost(error)),
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
                        return Err(late(self.limits, self.milestones.has_content()));
                    }
                }
            }
        }
    }

    fn hand_on(&self, frame: hyper::body::Frame<Bytes>) {
        if let Ok(bytes) = frame.into_data() {
            // The recorder stops early only after an error of which it keeps the record.
            let _ = self.pieces.send(Piece { arrival: self.connection.stamps.latest_read(), bytes });
        }
    }
}

fn http_request(request: &WireRequest, connection: &Connection) -> Result<Request<Full<Bytes>>, ApiError> {
    let target = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut built = Request::post(target)
        .body(Full::new(request.body.clone()))
        .map_err(|error| bad_response(format!("the request cannot be sent: {error}")))?;
    *built.headers_mut() = request.headers.clone();
    built.headers_mut().insert(header::HOST, connection.host.clone());
    built
        .headers_mut()
        .entry(header::USER_AGENT)
        .or_insert(header::HeaderValue::from_static(concat!("llm-studio/", env!("CARGO_PKG_VERSION"))));
    Ok(built)
}

fn is_json(response: &Response<Incoming>) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.trim_start().starts_with("application/json"))
}

/// What the recording itself says of success.
fn judge(recording: &mut Recording) -> Result<(), ApiError> {
    if let Some(error) = recording.error.take() {
        return Err(error);
    }
    if !recording.complete {
        return Err(lost_text("the stream ended before the model's answer did".into()));
    }
    if recording.arrivals_ns.is_empty() {
        let message = match &recording.finish_reason {
            Some(reason) => format!("the model generated nothing (finish reason: {reason})"),
            None => "the model generated nothing".into(),
        };
        return Err(ApiError { kind: ErrorKind::NoOutput, status: None, message, retry_after_s: None });
    }
    Ok(())
}

fn late(limits: Limits, has_content: bool) -> ApiError {
    let (kind, what, limit) = if has_content || limits.total <= limits.first_token {
        (ErrorKind::TotalTimeout, "the answer was not complete", limits.total)
    } else {
        (ErrorKind::FirstTokenTimeout, "no token came", limits.first_token)
    };
    let message = format!("{what} within {} s", limit.as_secs_f64());
    ApiError { kind, status: None, message, retry_after_s: None }
}

fn lost(error: hyper::Error) -> ApiError {
    let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
    lost_text(format!("the connection was lost: {error}{cause}"))
}

fn lost_text(message: String) -> ApiError {
    ApiError { kind: ErrorKind::ConnectionLost, status: None, message, retry_after_s: None }
}
