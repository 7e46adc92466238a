//! From a request to its answer: which protocol it speaks, which scenario it asks for, and how that
//! scenario is played.

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

use super::body::{self, PacedBody, Stream, StreamEnd, Tempo};
use super::dialect::{self, Dialect, Reply};
use super::log::{Entry, Log, Outcome, Record};
use super::pacer::Pacer;
use super::presets;
use super::route::{Address, Route};
use super::scenario::Scenario;
use super::script::{Ask, Ending, Script, UsageWish};
use super::values::{Failure, UsageReport};
use endpoint::client::clock::monotonic_ns;
use endpoint::client::stream::Stamps;

/// Larger requests are refused.
const LARGEST_REQUEST: usize = 64 << 20;
const RETRY_AFTER_S: u64 = 2;

/// What every connection shares.
pub(super) struct Service {
    scenario: Scenario,
    log: Log,
    pacer: Pacer,
    /// Tells the ids of this server's answers from those of another.
    instance: u64,
    requests: Cell<u64>,
}

/// An answer, or an error where the connection is to be closed without one.
type Answer = io::Result<Response<body::Reply>>;

/// One chat request and what was decided about it.
struct Job {
    dialect: &'static dyn Dialect,
    ask: Ask,
    scenario: Scenario,
    failure: Failure,
    number: u64,
    id: String,
    received_ns: u64,
    stamps: Arc<Stamps>,
    entry: Entry,
}

impl Service {
    /// A service that answers as `scenario` says unless a request's model says otherwise.
    pub(super) fn new(scenario: Scenario, log: Log, pacer: Pacer) -> Self {
        Self { scenario, log, pacer, instance: monotonic_ns(), requests: Cell::new(0) }
    }

    /// Answers one request that came in on the connection that `stamps` belong to.
    ///
    /// # Errors
    /// When the connection is to be closed: the scenario says so, or the client has gone.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>, stamps: Arc<Stamps>) -> Answer {
        let route = Route::of(request.method(), request.uri(), request.headers());
        match route {
            Route::Models(protocol) => {
                Ok(document(StatusCode::OK, dialect::of(protocol).models(&presets::LISTED)))
            }
            Route::Chat(address) => self.chat(address, request.into_body(), stamps).await,
            Route::Unknown(protocol) => {
                let message = format!("nothing is served at {} {}", request.method(), request.uri().path());
                Ok(refusal(dialect::of(protocol), 404, &message))
            }
        }
    }

    async fn chat(&self, address: Address, body: Incoming, stamps: Arc<Stamps>) -> Answer {
        let dialect = dialect::of(address.protocol);
        let Ok(body) = Limited::new(body, LARGEST_REQUEST).collect().await else {
            return Ok(refusal(dialect, 413, "the request is larger than 64 MiB or ended too early"));
        };
        let received_ns = stamps.latest_read().at_ns;
        let job = dialect
            .read(&body.to_bytes())
            .map(|ask| address.complete(ask))
            .and_then(|ask| self.job(dialect, ask, received_ns, stamps));
        match job {
            Ok(job) => self.play(job).await,
            Err(message) => Ok(refusal(dialect, 400, &message)),
        }
    }

    fn job(
        &self,
        dialect: &'static dyn Dialect,
        ask: Ask,
        received_ns: u64,
        stamps: Arc<Stamps>,
    ) -> Result<Job, String> {
        let scenario = self.scenario.for_model(&ask.model).map_err(|error| error.to_string())?;
        let number = self.requests.get();
        self.requests.set(number + 1);
        let id = format!("mock-{:x}-{number}", self.instance);
        let entry = self.log.entry(|| Record {
            id: id.clone(),
            protocol: dialect.protocol(),
            model: ask.model.clone(),
            received_ns,
            write_ns: Vec::new(),
            tokens: Vec::new(),
            input_tokens: ask.input_tokens(),
            output_tokens: 0,
            outcome: Outcome::Aborted,
        });
        let failure = failure(&scenario, number);
        Ok(Job { dialect, ask, scenario, failure, number, id, received_ns, stamps, entry })
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
            _ if job.ask.stream => Ok(self.stream(job)),
            _ => self.whole(job).await,
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
        let tempo = job.tempo();
        let body = PacedBody::new(stream, tempo, self.pacer.clone(), job.stamps, job.entry);
        response(StatusCode::OK, "text/event-stream; charset=utf-8", body::Reply::Right(body))
    }

    /// The whole answer, when the last token of its stream would have come.
    async fn whole(&self, mut job: Job) -> Answer {
        let script = job.script();
        let output = script.usage.output_tokens.unwrap_or_default();
        let per_write = u64::from(job.scenario.tokens_per_chunk.get()) * u64::from(job.scenario.burst.get());
        let mut tempo = job.tempo();
        for _ in 1..output.div_ceil(per_write) {
            tempo.advance();
        }
        self.pacer.until(tempo.due_ns()).await;
        match script.ending {
            Ending::Complete => {
                let document_bytes = job.dialect.whole(&job.reply(&script));
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
                Err(io::Error::other("cut as the scenario says"))
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
        Script::compose(&self.ask, &self.scenario, self.failure, self.number)
    }

    fn reply<'a>(&'a self, script: &'a Script) -> Reply<'a> {
        let told = self.scenario.usage == UsageReport::Reported
            && !(self.ask.stream && self.ask.usage == UsageWish::Unasked);
        Reply {
            id: &self.id,
            model: &self.ask.model,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
            script,
            usage: told.then_some(script.usage),
        }
    }

    fn tempo(&self) -> Tempo {
        Tempo::new(&self.scenario, self.received_ns, chance(&self.scenario, self.number))
    }

    fn rejects_usage(&self) -> bool {
        self.scenario.usage == UsageReport::Rejected && self.ask.usage == UsageWish::Asked
    }
}

/// Whether and how the request numbered `number` fails.
fn failure(scenario: &Scenario, number: u64) -> Failure {
    // Another stream of chance than the tempo's, so that failures and delays are unrelated.
    let mut chance = SmallRng::seed_from_u64(!chance(scenario, number));
    if chance.random_bool(scenario.error_rate.get()) { scenario.error } else { Failure::None }
}

/// The seed of one request's chance: the same server, seed and order of requests draw the same.
fn chance(scenario: &Scenario, number: u64) -> u64 {
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
    response(status, "application/json", body::whole(bytes))
}

fn response(status: StatusCode, content_type: &'static str, body: body::Reply) -> Response<body::Reply> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
