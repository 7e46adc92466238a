//! The engine: measures endpoints concurrently and the models of one endpoint one after the other. It yields
//! typed [`Event`]s and, at the end, a [`Report`]; it does not depend on the terminal or the web pages.

use std::{sync::Arc, thread};

use secrecy::SecretString;
use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    PlanError,
    group::{Drained, EndpointQueue, Tier, Work},
    request::RequestTemplate,
    results::ResultCollector,
    resume::{Earlier, Finished, FinishedRow},
    scheduling::prefer_promptness,
    types::{Event, Init, ModelAdjustments, Parameters, Report, RowHead, SCHEMA_VERSION, Status},
};
use endpoint::{Model, ModelRef, Provider, egress::AddressPolicy};

/// A model to measure, with everything needed to send it requests.
#[derive(Debug, Clone)]
pub struct Target {
    /// The provider that serves the model.
    pub provider: Provider,
    /// The provider's API key; `None` if it needs none.
    pub key: Option<SecretString>,
    /// The model to measure.
    pub model: Model,
    /// The addresses that requests to its provider may go to.
    pub policy: AddressPolicy,
}

/// The models to measure and the parameters. Targets with the same address form a group and are measured one
/// after the other, even if their providers differ: concurrent requests to one server would slow each other
/// down.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The models to measure; the order of the report's rows.
    pub targets: Vec<Target>,
    /// The parameters, the same for all targets.
    pub parameters: Parameters,
    /// Results of earlier starts of this plan, in any order: only the missing runs are made, and the report
    /// holds both. Its [`client`](Report::client) covers this start only. Rows that the plan does not have
    /// are ignored.
    pub finished: Vec<FinishedRow>,
    /// Whether the report holds the chunk times of this start's runs. Without them they are only in the event
    /// of each run, and memory does not grow with the length of the responses.
    pub keep_chunk_times: bool,
}

/// Tokens that stop a benchmark early.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Stops it within 100 ms; runs in progress are lost.
    pub cancel: CancellationToken,
    /// Lets runs in progress finish and starts no new ones; a warm-up is aborted. A cancel may still follow.
    pub drain: CancellationToken,
}

/// A running benchmark.
#[derive(Debug)]
pub struct Running {
    /// Closed after the last event.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// Receives the report; after a stop it holds the finished runs.
    pub report: oneshot::Receiver<Report>,
}

/// Starts a benchmark on its own thread.
///
/// # Errors
/// When a parameter is out of range, there is no target, a load has more than one target or tier or is to be
/// resumed, or the thread cannot be started.
pub fn start(plan: Plan, stop: Stop) -> Result<Running, PlanError> {
    check(&plan)?;
    let (events, events_out) = mpsc::unbounded_channel();
    let (report, report_out) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| PlanError(format!("the engine cannot start: {error}")))?;
    thread::Builder::new()
        .name("measure".into())
        .spawn(move || {
            prefer_promptness();
            let outcome = runtime.block_on(run(plan, events, stop));
            // The receiver may be gone; pending filler tasks are no longer needed.
            let _ = report.send(outcome);
            runtime.shutdown_background();
        })
        .map_err(|error| PlanError(format!("the engine cannot start: {error}")))?;
    Ok(Running { events: events_out, report: report_out })
}

fn check(plan: &Plan) -> Result<(), PlanError> {
    plan.parameters.check()?;
    match plan.targets.len() {
        0 => Err(PlanError("there is no model to measure: choose at least one".into())),
        2.. if plan.parameters.load.is_some() => {
            Err(PlanError(format!("a load measures one model, not {}: choose one", plan.targets.len())))
        }
        _ if plan.parameters.load.is_some() && !plan.finished.is_empty() => {
            Err(PlanError("a load is measured in one go: start it anew, without its earlier runs".into()))
        }
        _ => Ok(()),
    }
}

async fn run(plan: Plan, events: mpsc::UnboundedSender<Event>, stop: Stop) -> Report {
    let started_at = jiff::Timestamp::now();
    let parameters = Arc::new(plan.parameters);
    let collector = ResultCollector::new(events, plan.keep_chunk_times, parameters.runs);
    let work = async {
        let finished = Finished::new(plan.finished, parameters.runs);
        let layout = lay_out(plan.targets, finished, &parameters, &collector).await;
        announce(&layout, &parameters, &collector);
        measure(layout.groups, &parameters, &collector, &stop.drain).await
    };
    let status = select! {
        outcome = work => outcome.map_or_else(|Drained| Status::Interrupted, |()| Status::Complete),
        () = stop.cancel.cancelled() => Status::Cancelled,
    };
    let (results, client) = collector.finish();
    Report {
        schema_version: SCHEMA_VERSION,
        tool: "llm-studio".into(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        status,
        started_at: started_at.to_string(),
        finished_at: jiff::Timestamp::now().to_string(),
        parameters: Arc::unwrap_or_clone(parameters),
        client,
        results,
    }
}

/// Runs all groups concurrently to their end.
async fn measure(
    groups: Vec<EndpointQueue>,
    parameters: &Arc<Parameters>,
    collector: &ResultCollector,
    drain: &CancellationToken,
) -> Result<(), Drained> {
    let mut running = JoinSet::new();
    for group in groups {
        running.spawn(group.run(Arc::clone(parameters), collector.clone(), drain.clone()));
    }
    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(ended) => outcome = outcome.and(ended),
            Err(error) => {
                tracing::error!(%error, "a group of models ended early; this is a fault of this program");
            }
        }
    }
    outcome
}

/// What is to be done, and the rows that come of it in the order of the plan.
struct Layout {
    groups: Vec<EndpointQueue>,
    rows: Vec<RowHead>,
}

/// Decides what is run, what is skipped and what is there already. Counting prompts loads a
/// tokenizer, which is done away from the measuring thread and before anything is measured.
async fn lay_out(
    targets: Vec<Target>,
    mut finished: Finished,
    parameters: &Parameters,
    collector: &ResultCollector,
) -> Layout {
    let mut groups: Vec<(String, EndpointQueue)> = Vec::new();
    let mut rows = Vec::with_capacity(targets.len() * parameters.context_tiers.len());
    for target in targets {
        let address = address(&target.provider);
        let template = Arc::new(RequestTemplate::new(target, parameters));
        let mut tiers = Vec::with_capacity(parameters.context_tiers.len());
        for &tokens in &parameters.context_tiers {
            let asked = Arc::clone(&template);
            let head = match spawn_blocking(move || asked.row_head(tokens)).await {
                Ok(head) => head,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            let earlier = finished.take(&head);
            let work = work_of(&head, &earlier, parameters);
            tiers.push(Tier { tokens, row: collector.add(head.clone(), earlier), work });
            rows.push(head);
        }
        match groups.iter_mut().find(|(known, _)| *known == address) {
            Some((_, group)) => group.models.push((template, tiers)),
            None => groups.push((address, EndpointQueue { models: vec![(template, tiers)] })),
        }
    }
    Layout { groups: groups.into_iter().map(|(_, group)| group).collect(), rows }
}

fn work_of(head: &RowHead, earlier: &Earlier, parameters: &Parameters) -> Work {
    match parameters.load {
        _ if head.skipped.is_some() => Work::Skip,
        Some(load) => Work::Load(load),
        None => Work::Runs(earlier.missing(parameters.runs)),
    }
}

fn address(provider: &Provider) -> String {
    Url::parse(&provider.base_url).map_or_else(
        |_| provider.base_url.clone(),
        |url| format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0)),
    )
}

fn announce(Layout { groups, rows }: &Layout, parameters: &Parameters, collector: &ResultCollector) {
    let templates = || groups.iter().flat_map(|group| &group.models).map(|(template, _)| template);
    collector.tell(Event::BenchmarkInit {
        data: Init {
            targets: templates().map(|template| model_ref(template)).collect(),
            runs: parameters.runs,
            context_tiers: parameters.context_tiers.clone(),
            max_tokens: parameters.max_tokens,
            total_requests: groups.iter().map(|group| group.requests(parameters)).sum(),
            done_requests: groups.iter().map(|group| group.done(parameters)).sum(),
            rows: rows.clone(),
        },
    });
    let adjusted: Vec<_> = templates()
        .filter(|template| !template.adjustments.is_empty())
        .map(|template| ModelAdjustments {
            model: model_ref(template),
            adjustments: template.adjustments.clone(),
        })
        .collect();
    if !adjusted.is_empty() {
        collector.tell(Event::ParamAdjustments { models: adjusted });
    }
}

fn model_ref(template: &RequestTemplate) -> ModelRef {
    ModelRef { provider_key: template.provider().key.clone(), model_id: template.target.model.id.clone() }
}

#[cfg(test)]
mod tests;
