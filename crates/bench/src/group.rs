//! The models behind one address, measured one after the other over one warm connection.

use std::{collections::HashMap, sync::Arc};

use tokio::select;
use tokio_util::sync::CancellationToken;

use super::{
    load,
    request::RequestTemplate,
    results::{ResultCollector, RowId},
    run::{ConnectionSlot, Endpoint},
    types::{Event, LoadParameters, Parameters, Progress},
};

/// The targets behind one address, each with its tiers.
pub struct EndpointQueue {
    pub models: Vec<(Arc<RequestTemplate>, Vec<Tier>)>,
}

/// One row to measure.
pub struct Tier {
    pub tokens: u64,
    pub row: RowId,
    pub work: Work,
}

/// The work for one row.
pub enum Work {
    /// The tier does not fit the model.
    Skip,
    /// Runs with these numbers, one at a time; the other planned runs are finished.
    Runs(Vec<u64>),
    Load(LoadParameters),
}

/// Work remains, but a drain forbids starting it.
#[derive(Debug, PartialEq, Eq)]
pub struct Drained;

/// Returns the number of requests of one tier that is not skipped, warm-up included.
pub fn requests_per_tier(parameters: &Parameters) -> u64 {
    let measured = parameters.load.map_or(u64::from(parameters.runs), |load| load.requests);
    measured + u64::from(parameters.warmup)
}

impl Work {
    /// Returns the number of requests of the row, those of earlier starts included.
    fn requests(&self, parameters: &Parameters) -> u64 {
        match self {
            Self::Skip => 0,
            Self::Runs(_) | Self::Load(_) => requests_per_tier(parameters),
        }
    }

    /// Returns how many of them earlier starts have made. The warm-up of a row with missing runs is repeated.
    fn done(&self, parameters: &Parameters) -> u64 {
        match self {
            Self::Skip | Self::Load(_) => 0,
            Self::Runs(missing) if missing.is_empty() => requests_per_tier(parameters),
            Self::Runs(missing) => u64::from(parameters.runs) - missing.len() as u64,
        }
    }
}

impl EndpointQueue {
    /// Returns the number of requests of the group, those of earlier starts included.
    pub fn requests(&self, parameters: &Parameters) -> u64 {
        self.rows().map(|(_, work)| work.requests(parameters)).sum()
    }

    /// Returns how many of them earlier starts have made.
    pub fn done(&self, parameters: &Parameters) -> u64 {
        self.rows().map(|(_, work)| work.done(parameters)).sum()
    }

    /// Returns all rows, each with its provider's key.
    fn rows(&self) -> impl Iterator<Item = (&str, &Work)> {
        self.models.iter().flat_map(|(template, tiers)| {
            tiers.iter().map(|tier| (template.provider().key.as_str(), &tier.work))
        })
    }

    /// Does all the work and records it in `collector`.
    ///
    /// # Errors
    /// When `drain` was cancelled before the end.
    pub async fn run(
        self,
        parameters: Arc<Parameters>,
        collector: ResultCollector,
        drain: CancellationToken,
    ) -> Result<(), Drained> {
        let Some((first, _)) = self.models.first() else { return Ok(()) };
        let endpoint = Arc::<Endpoint>::default();
        let runner = EndpointRunner {
            slot: ConnectionSlot::new(Arc::clone(first), Arc::clone(&endpoint), parameters.timeouts),
            counter: Counter::new(&self, &parameters, &collector),
            endpoint,
            parameters: &parameters,
            collector: &collector,
            drain: &drain,
        };
        runner.work(&self).await
    }
}

/// Measures the models of a group.
struct EndpointRunner<'a> {
    slot: ConnectionSlot,
    counter: Counter<'a>,
    endpoint: Arc<Endpoint>,
    parameters: &'a Parameters,
    collector: &'a ResultCollector,
    drain: &'a CancellationToken,
}

impl<'a> EndpointRunner<'a> {
    async fn work(mut self, group: &'a EndpointQueue) -> Result<(), Drained> {
        for (template, tiers) in &group.models {
            self.slot.set_template(Arc::clone(template));
            for tier in tiers {
                match &tier.work {
                    Work::Skip => self.collector.skip(tier.row),
                    Work::Runs(missing) if missing.is_empty() => {}
                    Work::Runs(missing) => self.make_runs(template, tier, missing).await?,
                    Work::Load(load) => self.make_load(template, tier, load).await?,
                }
            }
        }
        Ok(())
    }

    async fn make_runs(
        &mut self,
        template: &'a Arc<RequestTemplate>,
        tier: &Tier,
        numbers: &[u64],
    ) -> Result<(), Drained> {
        self.warm_up(template, tier).await?;
        for &number in numbers {
            self.go_on()?;
            self.counter.about_to_run(template, tier.tokens, number);
            self.collector.push(tier.row, self.slot.run(tier.tokens, number).await);
            self.counter.ran(template);
        }
        self.collector.close(tier.row);
        Ok(())
    }

    async fn make_load(
        &mut self,
        template: &'a Arc<RequestTemplate>,
        tier: &Tier,
        load: &LoadParameters,
    ) -> Result<(), Drained> {
        self.warm_up(template, tier).await?;
        self.go_on()?;
        load::run(load, template, &self.endpoint, self.parameters, tier, self.collector, self.drain).await?;
        self.collector.close(tier.row);
        Ok(())
    }

    /// Makes the warm-up if the parameters ask for one; a drain aborts it.
    async fn warm_up(&mut self, template: &'a RequestTemplate, tier: &Tier) -> Result<(), Drained> {
        if !self.parameters.warmup {
            return Ok(());
        }
        self.go_on()?;
        self.counter.about_to_run(template, tier.tokens, 0);
        let measured = select! {
            biased;
            () = self.drain.cancelled() => return Err(Drained),
            measured = self.slot.run(tier.tokens, 0) => measured,
        };
        self.collector.warm(tier.row, &measured);
        self.counter.ran(template);
        Ok(())
    }

    fn go_on(&self) -> Result<(), Drained> {
        if self.drain.is_cancelled() { Err(Drained) } else { Ok(()) }
    }
}

/// Counts the requests of each provider of a group and sends progress events.
struct Counter<'a> {
    by_provider: HashMap<&'a str, Count>,
    parameters: &'a Parameters,
    collector: &'a ResultCollector,
}

#[derive(Clone, Copy, Default)]
struct Count {
    done: u64,
    total: u64,
}

impl<'a> Counter<'a> {
    fn new(group: &'a EndpointQueue, parameters: &'a Parameters, collector: &'a ResultCollector) -> Self {
        let mut by_provider = HashMap::<_, Count>::new();
        for (provider, work) in group.rows() {
            let count = by_provider.entry(provider).or_default();
            count.done += work.done(parameters);
            count.total += work.requests(parameters);
        }
        Self { by_provider, parameters, collector }
    }

    fn about_to_run(&self, template: &RequestTemplate, tier: u64, run: u64) {
        let runs = u64::from(self.parameters.runs);
        let Count { done, total } =
            self.by_provider.get(template.provider().key.as_str()).copied().unwrap_or_default();
        let data = Progress { run, runs, ..progress(template, tier, done, total) };
        self.collector.tell(Event::BenchmarkProgress { data });
    }

    fn ran(&mut self, template: &'a RequestTemplate) {
        self.by_provider.entry(&template.provider().key).or_default().done += 1;
    }
}

/// Builds the progress of a provider with `done` of `total` requests made.
pub fn progress(template: &RequestTemplate, tier: u64, done: u64, total: u64) -> Progress {
    Progress {
        provider: template.provider().display_name.clone(),
        provider_key: template.provider().key.clone(),
        model: template.target.model.display_name.clone(),
        model_id: template.target.model.id.clone(),
        run: done,
        runs: total,
        context_tokens: tier,
        provider_done: done,
        provider_total: total,
        live_tps: None,
    }
}
