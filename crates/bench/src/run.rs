//! One measured request: a warm connection, the exchange, the metrics.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::task::spawn_blocking;

use super::{
    measure::{RunContext, measure},
    request::{Prepared, RequestTemplate},
    types::{Run, Timeouts},
};
use endpoint::{
    ApiError, ErrorKind,
    client::{Connection, Exchange, Limits, Opened, Recording, clock::unix_ms, exchange},
};

/// State shared by all slots of one endpoint.
#[derive(Debug, Default)]
pub struct Endpoint {
    /// Set once the server has rejected `stream_options`: later requests do not ask for usage.
    rejects_usage: AtomicBool,
}

/// A connection that is kept warm and carries one request at a time.
#[derive(Debug)]
pub struct ConnectionSlot {
    template: Arc<RequestTemplate>,
    endpoint: Arc<Endpoint>,
    timeouts: Timeouts,
    connection: Option<Connection>,
    /// Built ahead of its start by [`make_ready`](ConnectionSlot::make_ready).
    ahead: Option<Ahead>,
}

/// A request that was built before it is needed.
#[derive(Debug)]
struct Ahead {
    tier: u64,
    include_usage: bool,
    prepared: Prepared,
}

/// A finished run and the samples that only the summaries need.
#[derive(Debug)]
pub struct Measured {
    pub run: Run,
    /// When the request was handed to the open connection, monotonic ns; `None` if it was not sent.
    pub sent_ns: Option<u64>,
    pub arrivals_ns: Vec<u64>,
    pub lateness_us: Vec<u32>,
}

impl Measured {
    fn new(exchange: Exchange, context: &RunContext, prepared: &Prepared) -> Self {
        let run = measure(&exchange, context, &prepared.text);
        let Recording { arrivals_ns, lateness_us, .. } = exchange.recording;
        Self { run, sent_ns: exchange.sent_ns, arrivals_ns, lateness_us }
    }

    /// Sets the run's delay behind its intended start (monotonic ns); a request that was not sent has none.
    pub fn count_from_intended_start(&mut self, intended_ns: u64) {
        self.run.start_delay_ms = self.sent_ns.map(|sent| sent.saturating_sub(intended_ns) as f64 / 1e6);
    }
}

impl ConnectionSlot {
    /// Creates a slot that is not connected yet.
    pub fn new(template: Arc<RequestTemplate>, endpoint: Arc<Endpoint>, timeouts: Timeouts) -> Self {
        Self { template, endpoint, timeouts, connection: None, ahead: None }
    }

    /// Switches to another model of the same endpoint and keeps the connection.
    pub fn set_template(&mut self, template: Arc<RequestTemplate>) {
        self.template = template;
        self.ahead = None;
    }

    /// Returns whether the slot has a connection that the server has not closed.
    pub fn is_open(&mut self) -> bool {
        self.connection.as_mut().is_some_and(Connection::is_open)
    }

    /// Opens the connection unless it is open, and builds the next request at this tier, so that the next
    /// [`run`](Self::run) can send it at once. That run tries again what fails here, and reports it. Returns
    /// whether a connection was opened.
    pub async fn make_ready(&mut self, tier: u64) -> bool {
        let opened = matches!(self.connect().await, Ok(Some(_)));
        if self.ahead.is_none() {
            let include_usage = !self.endpoint.rejects_usage.load(Relaxed);
            let prepared = self.prepare(tier, include_usage).await.ok();
            self.ahead = prepared.map(|prepared| Ahead { tier, include_usage, prepared });
        }
        opened
    }

    /// Opens the connection unless it is open; returns how long that took.
    ///
    /// # Errors
    /// When the endpoint cannot be reached.
    pub async fn connect(&mut self) -> Result<Option<Opened>, ApiError> {
        if self.is_open() {
            return Ok(None);
        }
        let url = url::Url::parse(&self.template.provider().base_url).map_err(|error| {
            invalid(format!("the base URL {} is not a URL: {error}", self.template.provider().base_url))
        })?;
        let (connection, opened) =
            Connection::open(&url, self.template.target.policy, self.timeouts.connect()).await?;
        self.connection = Some(connection);
        Ok(Some(opened))
    }

    /// Makes one request at this tier and measures it.
    pub async fn run(&mut self, tier: u64, run_number: u64) -> Measured {
        let asked_for_usage = !self.endpoint.rejects_usage.load(Relaxed);
        let measured = self.run_once(tier, run_number, asked_for_usage).await;
        if asked_for_usage && measured.run.error.as_ref().is_some_and(rejects_usage) {
            // The server rejected the request because it asks for usage. Nothing was measured, so the request
            // without that field is the first one.
            self.endpoint.rejects_usage.store(true, Relaxed);
            return self.run_once(tier, run_number, false).await;
        }
        measured
    }

    async fn run_once(&mut self, tier: u64, run_number: u64, include_usage: bool) -> Measured {
        let (prepared, opened) = match self.get_ready(tier, include_usage).await {
            Ok(ready) => ready,
            Err(error) => return self.never_sent(run_number, error),
        };
        let mut context = RunContext {
            run_number,
            started_at: unix_ms(),
            opened,
            price: self.template.target.model.price,
            tokenizer: self.template.tokenizer,
        };
        let mut exchange = self.exchange(&prepared).await;
        if opened.is_none() && exchange.unheard {
            // Not a retry: some servers (llama.cpp) promise keep-alive but close the connection after each
            // stream, so the request was never received. The clock restarts.
            context.opened = match self.connect().await {
                Ok(opened) => opened,
                Err(error) => return self.never_sent(run_number, error),
            };
            context.started_at = unix_ms();
            exchange = self.exchange(&prepared).await;
        }
        measured(exchange, context, prepared).await
    }

    async fn get_ready(
        &mut self,
        tier: u64,
        include_usage: bool,
    ) -> Result<(Prepared, Option<Opened>), ApiError> {
        let ahead = self.ahead.take();
        let prepared = match ahead.filter(|ahead| (ahead.tier, ahead.include_usage) == (tier, include_usage))
        {
            Some(ahead) => ahead.prepared,
            None => self.prepare(tier, include_usage).await?,
        };
        let opened = self.connect().await?;
        Ok((prepared, opened))
    }

    /// Builds the request; large contexts are built off the measuring thread.
    async fn prepare(&self, tier: u64, include_usage: bool) -> Result<Prepared, ApiError> {
        let prepared = if tier == 0 {
            self.template.prepare(tier, include_usage)
        } else {
            let template = Arc::clone(&self.template);
            spawn_blocking(move || template.prepare(tier, include_usage))
                .await
                .map_err(|error| invalid(error.to_string()))?
        };
        prepared.map_err(|error| invalid(error.to_string()))
    }

    async fn exchange(&mut self, prepared: &Prepared) -> Exchange {
        let limits = Limits { first_token: self.timeouts.first_token(), total: self.timeouts.total() };
        let Some(mut connection) = self.connection.take() else {
            return Exchange::unsent(invalid("there is no connection".into()));
        };
        let exchange = exchange(&mut connection, self.template.provider(), &prepared.wire, limits).await;
        if exchange.reusable {
            self.connection = Some(connection);
        }
        exchange
    }

    fn never_sent(&self, run_number: u64, error: ApiError) -> Measured {
        let context = RunContext {
            run_number,
            started_at: unix_ms(),
            opened: None,
            price: None,
            tokenizer: self.template.tokenizer,
        };
        let run = measure(&Exchange::unsent(error), &context, "");
        Measured { run, sent_ns: None, arrivals_ns: Vec::new(), lateness_us: Vec::new() }
    }
}

/// Computes the metrics; off the measuring thread if tokens have to be counted with a tokenizer.
async fn measured(exchange: Exchange, context: RunContext, prepared: Prepared) -> Measured {
    let recording = &exchange.recording;
    if recording.reports_output() || recording.content.is_empty() {
        return Measured::new(exchange, &context, &prepared);
    }
    match spawn_blocking(move || Measured::new(exchange, &context, &prepared)).await {
        Ok(measured) => measured,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn rejects_usage(error: &ApiError) -> bool {
    let about_usage = ["stream_options", "include_usage"].iter().any(|name| error.message.contains(name));
    error.kind == ErrorKind::InvalidRequest && about_usage
}

fn invalid(message: String) -> ApiError {
    ApiError { kind: ErrorKind::InvalidRequest, status: None, message, retry_after_s: None }
}
