//! Answers requests: finds the protocol and the scenario of a request and runs the scenario.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::body::{self, PacedBody, Schedule, Stream, StreamEnd};
use super::dialect::{self, Dialect, Reply};
use super::log::{Entry, Log, Outcome, Record};
use super::pacer::Pacer;
use super::presets;
use super::route::{Address, Route};
use super::scenario::Scenario;
use super::script::{ChatRequest, Ending, Script, UsageRequest};
use super::values::{Failure, UsageReport};
use endpoint::client::clock::monotonic_ns;
use endpoint::client::stream::Stamps;

/// Maximum size of a request body; larger ones are refused.
const MAX_REQUEST_BYTES: usize = 64 << 20;
const RETRY_AFTER_S: u64 = 2;

/// State shared by all connections.
pub(super) struct Service {
    scenario: Scenario,
    log: Log,
    pacer: Pacer,
    /// Part of response ids that differs between servers.
    instance: u64,
    requests: Cell<u64>,
}

/// A response, or an error if the connection is closed without one.
type Answer = io::Result<Response<body::Reply>>;

/// One chat request with its scenario and outcome.
struct Job {
    dialect: &'static dyn Dialect,
    chat: ChatRequest,
    scenario: Scenario,
    failure: Failure,
    number: u64,
    id: String,
    received_ns: u64,
    stamps: Arc<Stamps>,
    entry: Entry,
}

impl Service {
    /// Creates a service with this scenario, which a request's model name can change.
    pub(super) fn new(scenario: Scenario, log: Log, pacer: Pacer) -> Self {
        Self { scenario, log, pacer, instance: monotonic_ns(), requests: Cell::new(0) }
    }

    /// Answers one request from the connection of `stamps`.
    ///
    /// # Errors
    /// If the connection is to be closed, because of the scenario or because the client disconnected.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>, stamps: Arc<Stamps>) -> Answer {
        let route = Route::of(request.method(), request.uri(), request.headers());
        match route {
            Route::Models(protocol) => {
                Ok(document(StatusCode::OK, dialect::of(protocol).models(&presets::LISTED)))
            }
            Route::Chat(address) => self.chat(address, request.into_body(), stamps).await,
            Route::Unknown(protocol) => {
                let message = format!("not found: {} {}", request.method(), request.uri().path());
                Ok(refusal(dialect::of(protocol), 404, &message))
            }
        }
    }

    async fn chat(&self, address: Address, body: Incoming, stamps: Arc<Stamps>) -> Answer {
        let dialect = dialect::of(address.protocol);
        let Ok(body) = Limited::new(body, MAX_REQUEST_BYTES).collect().await else {
            return Ok(refusal(dialect, 413, "the request is larger than 64 MiB or ended too early"));
        };
        let received_ns = stamps.latest_read().at_ns;
        let job = dialect
            .read(&body.to_bytes())
            .map(|chat| address.complete(chat))
            .and_then(|chat| self.job(dialect, chat, received_ns, stamps));
        match job {
            Ok(job) => self.play(job).await,
            Err(message) => Ok(refusal(dialect, 400, &message)),
        }
    }

    fn job(
        &self,
        dialect: &'static dyn Dialect,
        chat: ChatRequest,
        received_ns: u64,
        stamps: Arc<Stamps>,
    ) -> Result<Job, String> {
        let scenario = self.scenario.for_model(&chat.model).map_err(|error| error.to_string())?;
        let number = self.requests.get();
        self.requests.set(number + 1);
        let id = format!("mock-{:x}-{number}", self.instance);
        let entry = self.log.entry(|| Record {
            id: id.clone(),
            protocol: dialect.protocol(),
            model: chat.model.clone(),
            received_ns,
            write_ns: Vec::new(),
            tokens: Vec::new(),
            input_tokens: chat.input_tokens(),
            output_tokens: 0,
            outcome: Outcome::Aborted,
        });
        let failure = failure(&scenario, number);
        Ok(Job { dialect, chat, scenario, failure, number, id, received_ns, stamps, entry })
    }

    async fn play(&self, mut job: Job) -> Answer {
        let headers_ns = job.scenario.headers.nanos();
        if headers_ns > 0 {
            self.pacer.until(job.received_ns + headers_ns).await;
        }
        if job.rejects_usage() {
            job.entry.ended(Outcome::Refused);
            return Ok(refusal(job.dialect, 400, "Unrecognized request argument supplied: stream_options"));
        }
        match job.failure {
            Failure::Status(status) => {
                job.entry.ended(Outcome::Refused);
                Ok(refusal(job.dialect, status, &format!("simulated error {status}")))
            }
            Failure::Hang => {
                job.entry.ended(Outcome::Hung);
                std::future::pending().await
            }
            _ if job.chat.stream => Ok(self.stream(job)),
            _ => self.complete_response(job).await,
        }
    }

    fn stream(&self, job: Job) -> Response<body::Reply> {
        let script = job.script();
        let reply = job.reply(&script);
        let segments = (0..).zip(&script.segments);
        let tracks: Vec<_> =
            segments.map(|(index, segment)| job.dialect.track(&reply, index, segment)).collect();
        let stream = Stream {
            opening: job.dialect.opening(&reply).into(),
            tracks: tracks.into_iter(),
            end: match script.ending {
                Ending::Complete => StreamEnd::Complete(job.dialect.ending(&reply).into()),
                Ending::Error => StreamEnd::Error(job.dialect.stream_error(&reply).into()),
                Ending::Stall => StreamEnd::Stall,
                Ending::Cut => StreamEnd::Cut,
            },
            tokens_per_chunk: job.scenario.tokens_per_chunk.get(),
            burst: job.scenario.burst.get(),
        };
        let schedule = job.schedule();
        let body = PacedBody::new(stream, schedule, self.pacer.clone(), job.stamps, job.entry);
        response(StatusCode::OK, "text/event-stream; charset=utf-8", body::Reply::Right(body))
    }

    /// Sends the complete response at the time of the last token of a stream.
    async fn complete_response(&self, mut job: Job) -> Answer {
        let script = job.script();
        let output = script.usage.output_tokens.unwrap_or_default();
        let per_write = u64::from(job.scenario.tokens_per_chunk.get()) * u64::from(job.scenario.burst.get());
        let mut schedule = job.schedule();
        for _ in 1..output.div_ceil(per_write) {
            schedule.advance();
        }
        self.pacer.until(schedule.due_ns()).await;
        match script.ending {
            Ending::Complete => {
                let document_bytes = job.dialect.document(&job.reply(&script));
                job.entry.wrote(monotonic_ns(), &[u32::try_from(output).unwrap_or(u32::MAX)]);
                job.entry.ended(Outcome::Completed);
                Ok(document(StatusCode::OK, document_bytes))
            }
            Ending::Error => {
                job.entry.ended(Outcome::Refused);
                Ok(refusal(job.dialect, 500, "simulated error while answering"))
            }
            Ending::Cut => {
                job.entry.ended(Outcome::Cut);
                Err(io::Error::other("connection closed by the scenario"))
            }
            Ending::Stall => {
                job.entry.ended(Outcome::Stalled);
                std::future::pending().await
            }
        }
    }
}

impl Job {
    fn script(&self) -> Script {
        Script::compose(&self.chat, &self.scenario, self.failure, self.number)
    }

    fn reply<'a>(&'a self, script: &'a Script) -> Reply<'a> {
        let told = self.scenario.usage == UsageReport::Reported
            && !(self.chat.stream && self.chat.usage == UsageRequest::NotRequested);
        Reply {
            id: &self.id,
            model: &self.chat.model,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
            script,
            usage: told.then_some(script.usage),
        }
    }

    fn schedule(&self) -> Schedule {
        Schedule::new(&self.scenario, self.received_ns, seed_of(&self.scenario, self.number))
    }

    fn rejects_usage(&self) -> bool {
        self.scenario.usage == UsageReport::Rejected && self.chat.usage == UsageRequest::Requested
    }
}

/// Returns how the request numbered `number` fails, if it does.
fn failure(scenario: &Scenario, number: u64) -> Failure {
    // A different random sequence than the schedule's, so that failures and delays are independent.
    let mut rng = SmallRng::seed_from_u64(!seed_of(scenario, number));
    if rng.random_bool(scenario.error_rate.get()) { scenario.error } else { Failure::None }
}

/// Returns the random seed of one request. The same seed and order of requests give the same values.
fn seed_of(scenario: &Scenario, number: u64) -> u64 {
    scenario.seed.rotate_left(32) ^ number
}

fn refusal(dialect: &dyn Dialect, status: u16, message: &str) -> Response<body::Reply> {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = document(code, dialect.refusal(status, message));
    if code == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
    }
    response
}

fn document(status: StatusCode, bytes: Vec<u8>) -> Response<body::Reply> {
    response(status, "application/json", body::complete(bytes))
}

fn response(status: StatusCode, content_type: &'static str, body: body::Reply) -> Response<body::Reply> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
