//! Tests for the handler with the real mock server and a database. The mock's log contains the requests.

use std::path::PathBuf;
use std::sync::Mutex;

use futures::TryStreamExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::benchmark::catch_up::RunningBenchmarks;
use crate::benchmark::view::HistoryResult;
use crate::database::{Database, new_id, testing};
use crate::jobs::handler::JobEvents;
use crate::live::InitialState;

use endpoint::egress::AddressPolicy;
use endpoint::{Model, Provider, ProviderKind};

/// Slow enough to be stopped before it ends.
const SLOW: &str = "mock/ttft=20,gap=2,tokens=10";
const FAST: &str = "mock/ttft=1,gap=0,tokens=4";

/// A server with one user and a provider at a mock server with a request log.
struct Fixture {
    database: Database,
    store: BenchmarkStore,
    anna: UserId,
    mock: Option<mock::Handle>,
    log: PathBuf,
    _directory: tempfile::TempDir,
    handler: BenchmarkHandler,
    provider: Arc<Mutex<Provider>>,
}

struct OneProvider(Arc<Mutex<Provider>>);

impl FindTargets for OneProvider {
    fn find<'a>(
        &'a self,
        _: &'a UserId,
        models: &'a [ModelRef],
    ) -> BoxFuture<'a, Result<Vec<Target>, TargetError>> {
        let provider = self.0.lock().unwrap().clone();
        let target = |model: &ModelRef| {
            if model.provider_key != provider.key {
                let sentence = format!("There is no provider \"{}\".", model.provider_key);
                return Err(TargetError { sentence, is_transient: false });
            }
            let (provider, model) = (provider.clone(), Model::named(&*model.model_id));
            Ok(Target { provider, key: None, model, policy: AddressPolicy::PUBLIC_AND_LOCAL })
        };
        let targets = models.iter().map(target).collect();
        Box::pin(async { targets })
    }
}

impl Fixture {
    async fn new(database: Database) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log.jsonl");
        let mock = mock::start(mock::Config { log: Some(log.clone()), ..mock::Config::default() }).unwrap();
        let base_url = mock::base_url(&mock.base_url(), ProviderKind::Custom.facts().protocol);
        let provider = Arc::new(Mutex::new(Provider::of_kind(ProviderKind::Custom, base_url)));
        let store = BenchmarkStore::new(database.clone());
        let targets = Arc::new(OneProvider(Arc::clone(&provider)));
        let handler = BenchmarkHandler::new(store.clone(), targets, NonZeroUsize::MIN);
        let anna = testing::add_user(&database, "anna").await;
        Self { anna, store, handler, mock: Some(mock), log, _directory: directory, provider, database }
    }

    async fn sqlite() -> Self {
        Self::new(testing::sqlite().await).await
    }

    /// Stops the mock server and returns the number of its requests.
    fn requests(&mut self) -> usize {
        self.mock = None;
        std::fs::read_to_string(&self.log).unwrap().lines().count()
    }

    /// Returns the ended benchmarks as lists show them.
    async fn history(&self) -> Vec<(BenchmarkStatus, Vec<HistoryResult>)> {
        let page = self.store.history(&self.anna, None, 9).await.unwrap();
        let results = self.store.history_results(&self.anna, &page).await.unwrap();
        let results = |id: &str| serde_json::from_str(results[id].get()).unwrap();
        page.iter().map(|item| (item.status, results(&item.id))).collect()
    }

    async fn run_numbers(&self, id: &str) -> Vec<u64> {
        let runs = self.store.runs(&self.anna, id).await.unwrap();
        let mut numbers: Vec<u64> = runs.into_values().flatten().map(|run| run.run_number).collect();
        numbers.sort_unstable();
        numbers
    }
}

type Hook = Box<dyn Fn(&Value) + Send + Sync>;

/// Collects published messages as JSON and calls a hook with each of them.
#[derive(Default)]
struct Published {
    messages: Mutex<Vec<Value>>,
    progress: Mutex<Vec<(f64, String)>>,
    hook: Option<Hook>,
}

impl Published {
    /// Calls `act` whenever a message of this type is published.
    fn on(name: &'static str, act: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        let hook: Hook = Box::new(move |message| {
            if message["type"] == name {
                act();
            }
        });
        Arc::new(Self { hook: Some(hook), ..Self::default() })
    }

    fn names(&self) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        messages.iter().map(|message| message["type"].as_str().unwrap().to_owned()).collect()
    }

    fn all(&self, name: &str) -> Vec<Value> {
        let messages = self.messages.lock().unwrap();
        messages.iter().filter(|message| message["type"] == name).cloned().collect()
    }
}

impl JobEvents for Published {
    fn progress(&self, percent: f64, detail: &str) {
        self.progress.lock().unwrap().push((percent, detail.to_owned()));
    }

    fn publish(&self, message: ServerMessage) {
        let message = serde_json::to_value(message).unwrap();
        self.messages.lock().unwrap().push(message.clone());
        if let Some(hook) = &self.hook {
            hook(&message);
        }
    }

    fn publish_latest(&self, _topic: &str, message: ServerMessage) {
        self.publish(message);
    }
}

fn context(fixture: &Fixture, id: &str, models: &[&str], runs: u32, tab: Arc<Published>) -> JobContext {
    let target = |model: &&str| ModelRef { provider_key: "custom".into(), model_id: (*model).into() };
    let parameters =
        Parameters { runs, warmup: false, max_tokens: 100, context_tiers: vec![0], ..Parameters::default() };
    let job = BenchmarkJob { targets: models.iter().map(target).collect(), parameters };
    JobContext {
        job_id: id.into(),
        user: fixture.anna.clone(),
        params: serde_json::to_value(job).unwrap(),
        cancel: CancellationToken::new(),
        drain: CancellationToken::new(),
        events: tab,
    }
}

fn done(id: &str) -> JobEnd {
    JobEnd::Done { result_ref: Some(id.to_owned()) }
}

#[tokio::test]
async fn stores_and_publishes_each_run() {
    for database in testing::databases().await {
        let (fixture, tab, id) = (Fixture::new(database).await, Arc::<Published>::default(), new_id());
        let end = fixture.handler.run(context(&fixture, &id, &[FAST], 2, Arc::clone(&tab))).await;
        assert_eq!(end, done(&id));
        let expected = [
            "benchmark_init",
            "benchmark_progress",
            "benchmark_result",
            "benchmark_progress",
            "benchmark_result",
            "benchmark_row",
        ];
        let names: Vec<_> = tab.names().into_iter().filter(|name| name != "param_adjustments").collect();
        assert_eq!(names, expected);
        assert_eq!(fixture.run_numbers(&id).await, [1, 2]);
        let history = fixture.history().await;
        assert_eq!((history[0].0, history[0].1[0].figures.success_count), (BenchmarkStatus::Complete, 2));
        let results = tab.all("benchmark_result");
        assert_eq!(results[0]["data"]["type"], "result");
        assert!(results[0]["data"]["ttft_ms"].is_number());
        assert!(!serde_json::to_string(&tab.all("benchmark_row")).unwrap().contains("chunk_deltas_us"));
        assert!(!serde_json::to_string(&results).unwrap().contains("chunk_deltas_us"));
        let last = tab.progress.lock().unwrap().last().cloned().unwrap();
        assert_eq!(last, (100.0, format!("{FAST}, Run 2/2")));
    }
}

#[tokio::test]
async fn cancelling_deletes_all_results() {
    let (fixture, id) = (Fixture::sqlite().await, new_id());
    let cancel = CancellationToken::new();
    let tab = Published::on("benchmark_result", {
        let cancel = cancel.clone();
        move || cancel.cancel()
    });
    let context = JobContext { cancel, ..context(&fixture, &id, &[SLOW, FAST], 20, tab) };
    assert_eq!(fixture.handler.run(context).await, JobEnd::Stopped);
    assert!(fixture.history().await.is_empty());
    fixture.handler.discard(&fixture.anna, &id).await.unwrap();
    assert_eq!(fixture.store.find(&fixture.anna, &id).await.unwrap(), None);
    assert!(fixture.run_numbers(&id).await.is_empty());
}

#[tokio::test]
async fn resumes_a_drained_benchmark_with_the_missing_runs() {
    let (mut fixture, id) = (Fixture::sqlite().await, new_id());
    let drain = CancellationToken::new();
    let tab = Published::on("benchmark_result", {
        let drain = drain.clone();
        move || drain.cancel()
    });
    let first = JobContext { drain, ..context(&fixture, &id, &[SLOW, FAST], 5, tab) };
    assert_eq!(fixture.handler.run(first).await, JobEnd::Stopped);
    let before = fixture.run_numbers(&id).await.len();
    assert!((1..10).contains(&before), "{before}");
    assert!(fixture.history().await.is_empty());

    fixture.provider.lock().unwrap().display_name = "Renamed".into();
    let tab = Arc::<Published>::default();
    let second = context(&fixture, &id, &[SLOW, FAST], 5, Arc::clone(&tab));
    assert_eq!(fixture.handler.run(second).await, done(&id));
    assert_eq!(fixture.run_numbers(&id).await, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    assert_eq!(tab.all("benchmark_result").len(), 10, "stored results are repeated, missing ones sent once");
    let history = fixture.history().await;
    assert!(history[0].1.iter().all(|row| row.figures.success_count == 5 && row.provider == "Custom"));
    assert_eq!(fixture.requests(), 10);
}

#[tokio::test]
async fn does_not_repeat_finished_runs_after_a_crash() {
    let (mut fixture, id) = (Fixture::sqlite().await, new_id());
    let crash = CancellationToken::new();
    let tab = Published::on("benchmark_result", {
        let crash = crash.clone();
        move || crash.cancel()
    });
    let first = fixture.handler.run(context(&fixture, &id, &[SLOW], 6, tab));
    assert_eq!(crash.run_until_cancelled(first).await, None, "the run was not interrupted");
    let before = fixture.run_numbers(&id).await.len();
    assert!((1..6).contains(&before), "{before}");

    let second = context(&fixture, &id, &[SLOW], 6, Arc::default());
    let store = fixture.store.clone();
    let targets = Arc::new(OneProvider(Arc::clone(&fixture.provider)));
    let next = BenchmarkHandler::new(store, targets, NonZeroUsize::MIN);
    assert_eq!(next.run(second).await, done(&id));
    assert_eq!(fixture.run_numbers(&id).await, [1, 2, 3, 4, 5, 6]);
    let requests = fixture.requests();
    assert!((6..=7).contains(&requests), "{requests} requests for 6 runs, of which one was cut off");
}

#[tokio::test]
async fn does_not_repeat_a_complete_benchmark() {
    let (mut fixture, id) = (Fixture::sqlite().await, new_id());
    for _ in 0..2 {
        let context = context(&fixture, &id, &[FAST], 1, Arc::default());
        assert_eq!(fixture.handler.run(context).await, done(&id));
    }
    assert_eq!(fixture.requests(), 1);
}

#[tokio::test]
async fn stores_failed_runs_as_results() {
    let (fixture, id) = (Fixture::sqlite().await, new_id());
    let context = context(&fixture, &id, &["mock/error=401,error_rate=1"], 2, Arc::default());
    assert_eq!(fixture.handler.run(context).await, done(&id));
    let history = fixture.history().await;
    let row = &history[0].1[0].figures;
    assert_eq!((history[0].0, row.success_count, row.error_count), (BenchmarkStatus::Complete, 0, 2));
    assert!(row.error.as_ref().unwrap().starts_with("[auth_failed]"), "{row:?}");
}

#[tokio::test]
async fn fails_with_a_sentence_if_a_target_is_not_found() {
    let (fixture, id) = (Fixture::sqlite().await, new_id());
    let context = context(&fixture, &id, &[FAST], 1, Arc::default());
    fixture.provider.lock().unwrap().key = "other".into();
    let end = fixture.handler.run(context).await;
    assert_eq!(end, JobEnd::Failed("There is no provider \"custom\".".into()));
    assert_eq!(fixture.store.find(&fixture.anna, &id).await.unwrap(), None);
}

#[tokio::test]
async fn does_not_publish_results_that_cannot_be_stored() {
    let (fixture, id, tab) = (Fixture::sqlite().await, new_id(), Arc::<Published>::default());
    sqlx::query("drop table benchmark_runs").execute(fixture.database.writer()).await.unwrap();
    sqlx::query(
        "create view benchmark_runs as select 1 as user_id, 1 as benchmark_id, 1 as run, 1 as run_number,
                 1 as provider_key, 1 as model_id, 1 as context_tokens, 1 as chunk_deltas where 1 = 0",
    )
    .execute(fixture.database.writer())
    .await
    .unwrap();
    let end = fixture.handler.run(context(&fixture, &id, &[FAST], 2, Arc::clone(&tab))).await;
    let JobEnd::Failed(error) = end else { panic!("{end:?}") };
    assert!(error.starts_with("A result could not be stored"), "{error}");
    assert!(tab.all("benchmark_result").is_empty());
    assert!(fixture.history().await.is_empty());
}

/// Returns transient errors, as an unreachable database does, for the given number of calls.
struct FailingTargets {
    failures: Mutex<u32>,
    then: OneProvider,
}

impl FindTargets for FailingTargets {
    fn find<'a>(
        &'a self,
        user: &'a UserId,
        models: &'a [ModelRef],
    ) -> BoxFuture<'a, Result<Vec<Target>, TargetError>> {
        let mut failures = self.failures.lock().unwrap();
        if *failures == 0 {
            return self.then.find(user, models);
        }
        *failures -= 1;
        let sentence = "The providers could not be read.".to_owned();
        Box::pin(async { Err(TargetError { sentence, is_transient: true }) })
    }
}

impl FailingTargets {
    fn handler(fixture: &Fixture, failures: u32) -> BenchmarkHandler {
        let then = OneProvider(Arc::clone(&fixture.provider));
        let targets = Self { failures: Mutex::new(failures), then };
        BenchmarkHandler::new(fixture.store.clone(), Arc::new(targets), NonZeroUsize::MIN)
    }
}

#[tokio::test]
async fn retries_transient_errors_and_interrupts_after_the_time_limit() {
    let (fixture, id) = (Fixture::sqlite().await, new_id());
    let job = || context(&fixture, &id, &[FAST], 1, Arc::default());
    let without_retries =
        BenchmarkHandler { retry_limit: Duration::ZERO, ..FailingTargets::handler(&fixture, 2) };
    let end = without_retries.run(job()).await;
    assert_eq!(end, JobEnd::Interrupted("The providers could not be read.".into()));
    assert_eq!(FailingTargets::handler(&fixture, 2).run(job()).await, done(&id));
}

/// Makes every second insert or update in `table` fail with the error of a server restart. A sequence counts
/// them, because it is not rolled back.
async fn fail_every_second(database: &Database, table: &str) {
    for sql in [
        format!("create sequence attempts_{table}"),
        format!(
            "create function fail_{table}() returns trigger language plpgsql as $$ begin
                 if nextval('attempts_{table}') % 2 = 1 then raise exception using errcode = '57P01'; end if;
                 return new;
             end $$"
        ),
        format!(
            "create trigger fails before insert or update on {table}
             for each statement execute function fail_{table}()"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(database.writer()).await.unwrap();
    }
}

#[tokio::test]
async fn retries_failed_writes() {
    let Some(database) = testing::postgres().await else { return };
    for table in ["benchmarks", "benchmark_rows", "benchmark_runs"] {
        fail_every_second(&database, table).await;
    }
    let (mut fixture, id) = (Fixture::new(database).await, new_id());
    let end = fixture.handler.run(context(&fixture, &id, &[FAST], 2, Arc::default())).await;
    assert_eq!(end, done(&id));
    assert_eq!(fixture.run_numbers(&id).await, [1, 2]);
    assert_eq!(fixture.history().await[0].0, BenchmarkStatus::Complete);
    assert_eq!(fixture.requests(), 2);
}

/// Stores a run 2 together with run 1, as a worker does that took the job over.
async fn store_run_two_as_another_worker(database: &Database) {
    sqlx::query(
        "create trigger another_worker after insert on benchmark_runs when new.run_number = 1 begin
             insert into benchmark_runs
             values (new.benchmark_id, new.user_id, new.provider_key, new.model_id, new.context_tokens, 2,
                     replace(new.run, '\"run_number\":1', '\"run_number\":2'), new.chunk_deltas);
         end",
    )
    .execute(database.writer())
    .await
    .unwrap();
}

#[tokio::test]
async fn counts_a_run_stored_by_another_worker_once() {
    let (fixture, id) = (Fixture::sqlite().await, new_id());
    store_run_two_as_another_worker(&fixture.database).await;
    let job = || context(&fixture, &id, &[FAST], 3, Arc::default());
    assert!(matches!(fixture.handler.run(job()).await, JobEnd::Interrupted(_)));
    assert_eq!(fixture.handler.run(job()).await, done(&id));
    assert_eq!(fixture.run_numbers(&id).await, [1, 2, 3]);
    let runs = fixture.store.runs(&fixture.anna, &id).await.unwrap().into_values().next().unwrap();
    let mean = runs.iter().map(|run| run.ttft_ms.unwrap()).sum::<f64>() / 3.0;
    let summary = fixture.history().await[0].1[0].figures.avg_ttft_ms.unwrap();
    assert!((summary - mean).abs() < 1e-9, "{summary} is not the mean of the stored runs, {mean}");
}

/// Returns the messages for a tab that connects now.
async fn state_of_tab(store: &BenchmarkStore, user: &UserId) -> Vec<ServerMessage> {
    RunningBenchmarks(store.clone()).messages(user).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_newly_connected_tab_receives_all_results_so_far() {
    let (fixture, id) = (Fixture::sqlite().await, new_id());
    let drain = CancellationToken::new();
    let tab = Published::on("benchmark_row", {
        let drain = drain.clone();
        move || drain.cancel()
    });
    let context = JobContext { drain, ..context(&fixture, &id, &[FAST, SLOW], 2, Arc::clone(&tab) as _) };
    assert_eq!(fixture.handler.run(context).await, JobEnd::Stopped);
    let messages = state_of_tab(&fixture.store, &fixture.anna).await;
    assert!(messages.iter().all(|message| message.job_id() == Some(&id)));
    let ServerMessage::BenchmarkInit { data: init, .. } = &messages[0] else { panic!("{:?}", messages[0]) };
    assert!(init.reconnect && init.progress_pct.unwrap() >= 50.0, "{init:?}");
    assert_eq!(init.init.rows.len(), 2);
    let count = |is: fn(&ServerMessage) -> bool| messages.iter().filter(|message| is(message)).count();
    let results = count(|message| matches!(message, ServerMessage::BenchmarkResult { .. }));
    assert_eq!(results, tab.all("benchmark_result").len());
    assert_eq!(count(|message| matches!(message, ServerMessage::BenchmarkRow { .. })), 1);
    let ben = testing::add_user(&fixture.database, "ben").await;
    assert!(state_of_tab(&fixture.store, &ben).await.is_empty());
}
