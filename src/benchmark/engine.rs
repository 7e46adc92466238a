//! The engine: providers side by side, the models of one provider one after the other. Knows no
//! terminal and no web page; it yields typed [`Event`]s and, at the end, a [`Report`].

use std::{collections::HashMap, sync::Arc, thread};

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
    board::{Board, RowId},
    load,
    request::Recipe,
    run::{Endpoint, Slot},
    scheduling::prefer_promptness,
    types::{Event, Init, ModelAdjustments, Parameters, Progress, Report, SCHEMA_VERSION, Status},
};
use crate::providers::{Model, ModelRef, Provider};

/// One model to measure, with everything needed to reach it.
#[derive(Debug, Clone)]
pub struct Target {
    pub provider: Provider,
    pub key: Option<SecretString>,
    pub model: Model,
}

/// What to measure, with which parameters. Targets at the same address form a group, whatever
/// their providers are called: two names for one server must not slow each other down.
#[derive(Debug, Clone)]
pub struct Plan {
    pub targets: Vec<Target>,
    pub parameters: Parameters,
}

/// A benchmark under way.
#[derive(Debug)]
pub struct Running {
    /// Closed after the last event.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// The whole report; after a cancel it holds what was finished.
    pub report: oneshot::Receiver<Report>,
}

/// Starts measuring on a thread of the engine's own. Cancelling `cancel` ends it within 100 ms.
///
/// # Errors
/// When a parameter is out of range, a load has more than one target or tier, there is no target,
/// or the system gives no thread.
pub fn start(plan: Plan, cancel: CancellationToken) -> Result<Running, PlanError> {
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
            let outcome = runtime.block_on(run(plan, events, cancel));
            // Nobody need wait for the report, and a filler that is still being written is of no
            // more use.
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
        _ => Ok(()),
    }
}

async fn run(plan: Plan, events: mpsc::UnboundedSender<Event>, cancel: CancellationToken) -> Report {
    let started_at = jiff::Timestamp::now();
    let parameters = Arc::new(plan.parameters);
    let board = Board::new(events);
    let work = async {
        let groups = lay_out(plan.targets, &parameters, &board).await;
        announce(&groups, &parameters, &board);
        let mut running = JoinSet::new();
        for group in groups {
            running.spawn(group.run(Arc::clone(&parameters), board.clone()));
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a group of models ended early; this is a fault of this program");
            }
        }
    };
    let status = select! {
        () = work => Status::Complete,
        () = cancel.cancelled() => Status::Cancelled,
    };
    let (results, client) = board.finish();
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

/// The targets behind one address.
struct Group {
    models: Vec<(Arc<Recipe>, Vec<Tier>)>,
}

struct Tier {
    tokens: u64,
    row: RowId,
    /// Set when the tier is not run.
    skip: Option<String>,
}

/// Decides what is run and what is skipped. Counting prompts loads a tokenizer, which is done away
/// from the measuring thread and before anything is measured.
async fn lay_out(targets: Vec<Target>, parameters: &Arc<Parameters>, board: &Board) -> Vec<Group> {
    let mut groups: Vec<(String, Group)> = Vec::new();
    for target in targets {
        let address = address(&target.provider);
        let recipe = Arc::new(Recipe::new(target, parameters));
        let mut tiers = Vec::with_capacity(parameters.context_tiers.len());
        for &tokens in &parameters.context_tiers {
            let asked = Arc::clone(&recipe);
            let skip = match spawn_blocking(move || asked.skip_reason(tokens)).await {
                Ok(skip) => skip,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            tiers.push(Tier { tokens, row: board.add(&recipe, tokens), skip });
        }
        match groups.iter_mut().find(|(known, _)| *known == address) {
            Some((_, group)) => group.models.push((recipe, tiers)),
            None => groups.push((address, Group { models: vec![(recipe, tiers)] })),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Requests of one tier that is run, warm-up included.
pub(super) fn requests_per_tier(parameters: &Parameters) -> u64 {
    let measured = parameters.load.map_or(u64::from(parameters.runs), |load| load.requests);
    measured + u64::from(parameters.warmup)
}

fn address(provider: &Provider) -> String {
    Url::parse(&provider.base_url).map_or_else(
        |_| provider.base_url.clone(),
        |url| format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0)),
    )
}

fn announce(groups: &[Group], parameters: &Parameters, board: &Board) {
    let recipes = || groups.iter().flat_map(|group| &group.models).map(|(recipe, _)| recipe);
    board.tell(Event::BenchmarkInit {
        data: Init {
            targets: recipes().map(|recipe| model_ref(recipe)).collect(),
            runs: parameters.runs,
            context_tiers: parameters.context_tiers.clone(),
            max_tokens: parameters.max_tokens,
            total_requests: groups.iter().map(|group| group.requests(parameters, |_| true)).sum(),
        },
    });
    let adjusted: Vec<_> = recipes()
        .filter(|recipe| !recipe.adjustments.is_empty())
        .map(|recipe| ModelAdjustments { model: model_ref(recipe), adjustments: recipe.adjustments.clone() })
        .collect();
    if !adjusted.is_empty() {
        board.tell(Event::ParamAdjustments { models: adjusted });
    }
}

fn model_ref(recipe: &Recipe) -> ModelRef {
    ModelRef { provider_key: recipe.provider().key.clone(), model_id: recipe.target.model.id.clone() }
}

impl Group {
    /// Requests that will be made of the models that `counts` picks.
    fn requests(&self, parameters: &Parameters, counts: impl Fn(&Recipe) -> bool) -> u64 {
        let tiers = self.models.iter().filter(|(recipe, _)| counts(recipe)).flat_map(|(_, tiers)| tiers);
        tiers.filter(|tier| tier.skip.is_none()).count() as u64 * requests_per_tier(parameters)
    }

    async fn run(self, parameters: Arc<Parameters>, board: Board) {
        let endpoint = Arc::<Endpoint>::default();
        let Some((first, _)) = self.models.first() else { return };
        let mut slot = Slot::new(Arc::clone(first), Arc::clone(&endpoint), parameters.timeouts);
        let mut counter =
            Counter { done: HashMap::new(), group: &self, parameters: &parameters, board: &board };
        for (recipe, tiers) in &self.models {
            slot.turn_to(Arc::clone(recipe));
            for tier in tiers {
                if let Some(reason) = &tier.skip {
                    board.skip(tier.row, reason.clone());
                    continue;
                }
                if parameters.warmup {
                    counter.about_to_run(recipe, tier.tokens, 0);
                    board.warm(tier.row, &slot.run(tier.tokens, 0).await);
                    counter.ran(recipe);
                }
                if let Some(load) = parameters.load {
                    load::run(&load, recipe, &endpoint, &parameters, tier.tokens, tier.row, &board).await;
                } else {
                    for run in 1..=u64::from(parameters.runs) {
                        counter.about_to_run(recipe, tier.tokens, run);
                        board.push(tier.row, slot.run(tier.tokens, run).await);
                        counter.ran(recipe);
                    }
                }
                board.close(tier.row);
            }
        }
    }
}

/// Counts the requests of each provider of a group and says what comes next.
struct Counter<'a> {
    done: HashMap<&'a str, u64>,
    group: &'a Group,
    parameters: &'a Parameters,
    board: &'a Board,
}

impl<'a> Counter<'a> {
    fn about_to_run(&self, recipe: &Recipe, tier: u64, run: u64) {
        let runs = u64::from(self.parameters.runs);
        let provider = recipe.provider().key.as_str();
        let done = self.done.get(provider).copied().unwrap_or(0);
        let total = self.group.requests(self.parameters, |other| other.provider().key == provider);
        let data = Progress { run, runs, ..progress(recipe, tier, done, total) };
        self.board.tell(Event::BenchmarkProgress { data });
    }

    fn ran(&mut self, recipe: &'a Recipe) {
        *self.done.entry(&recipe.provider().key).or_default() += 1;
    }
}

/// Progress of a provider of which `done` of `total` requests have been made.
pub(super) fn progress(recipe: &Recipe, tier: u64, done: u64, total: u64) -> Progress {
    Progress {
        provider: recipe.provider().display_name.clone(),
        provider_key: recipe.provider().key.clone(),
        model: recipe.target.model.display_name.clone(),
        model_id: recipe.target.model.id.clone(),
        run: done,
        runs: total,
        context_tokens: tier,
        provider_done: done,
        provider_total: total,
        live_tps: None,
    }
}

#[cfg(test)]
mod tests;
