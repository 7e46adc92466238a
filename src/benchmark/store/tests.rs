//! Each test runs on every database.

use super::*;
use crate::benchmark::page_row::PageRow;
use crate::benchmark::view::{HistoryItem, HistoryResult};
use crate::database::testing;
use bench::types::{Clock, Run, WarmupOutcome, WarmupResult};
use bench::{Target, summary, types::RowHead};

use endpoint::egress::AddressPolicy;
use endpoint::{ApiError, ErrorKind, Model};

const ID: &str = "0198a000-0000-7000-8000-000000000001";

struct Fixture {
    database: Database,
    store: BenchmarkStore,
    anna: UserId,
    ben: UserId,
}

async fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for database in testing::databases().await {
        let (anna, ben) =
            (testing::add_user(&database, "anna").await, testing::add_user(&database, "ben").await);
        fixtures.push(Fixture { store: BenchmarkStore::new(database.clone()), database, anna, ben });
    }
    fixtures
}

fn target() -> TargetSnapshot {
    let provider = mock::demo_provider("http://127.0.0.1:1");
    let policy = AddressPolicy::PUBLIC;
    TargetSnapshot::of(&Target { provider, key: None, model: Model::named("demo-fast"), policy })
}

fn head(tier: u64) -> RowHead {
    let target = target();
    RowHead {
        provider: target.provider,
        provider_key: target.provider_key,
        model: target.model.display_name,
        model_id: target.model.id,
        protocol: target.protocol,
        simulated: true,
        reported: false,
        context_tokens: tier,
        context_token_source: None,
        price: None,
        adjustments: Vec::new(),
        skipped: None,
    }
}

fn run(number: u64, ttft_ms: f64) -> Run {
    let json = serde_json::json!({
        "run_number": number, "success": true, "started_at": 7, "ttft_ms": ttft_ms, "chunks": 3,
        "tokens_per_second": 100.0, "clock": Clock::Kernel, "chunk_deltas_us": [1000, 20, 30],
    });
    serde_json::from_value(json).unwrap()
}

fn failed(number: u64) -> Run {
    let message = "slow down".into();
    let error = ApiError { kind: ErrorKind::RateLimited, status: Some(429), message, retry_after_s: None };
    Run { success: false, error: Some(error), ttft_ms: None, tokens_per_second: None, ..run(number, 0.0) }
}

fn key(tier: u64) -> RowKey {
    RowKey::of(&head(tier))
}

async fn begin(fixture: &Fixture, user: &UserId, id: &str, tiers: &[u64]) -> StoredBenchmark {
    let parameters = Parameters { context_tiers: tiers.to_vec(), ..Parameters::default() };
    let began = fixture.store.begin(user, id, &parameters, &[target()]).await.unwrap();
    let heads: Vec<_> = tiers.iter().map(|tier| head(*tier)).collect();
    fixture.store.add_rows(user, id, &heads).await.unwrap();
    began.unwrap()
}

fn health() -> ClientHealth {
    ClientHealth {
        clock: Clock::Kernel,
        lateness_p50_ms: None,
        lateness_p99_ms: None,
        lateness_max_ms: None,
        cpu_s: 0.5,
        cpu_us_per_token: None,
        peak_rss_mb: 40.0,
        warning: None,
    }
}

/// Returns the results of each item, in their order.
async fn results(fixture: &Fixture, items: &[HistoryItem]) -> Vec<Vec<HistoryResult>> {
    let stored = fixture.store.history_results(&fixture.anna, items).await.unwrap();
    items.iter().map(|item| serde_json::from_str(stored[&item.id].get()).unwrap()).collect()
}

async fn fail(fixture: &Fixture, user: &UserId, error: &str, finished_at: i64) {
    let mut connection = fixture.database.writer().acquire().await.unwrap();
    super::fail(&mut connection, user, ID, error, finished_at).await.unwrap();
}

async fn count(fixture: &Fixture, sql: &'static str) -> i64 {
    let (count,): (i64,) = sqlx::query_as(sql).fetch_one(fixture.database.reader()).await.unwrap();
    count
}

#[tokio::test]
async fn begin_is_idempotent() {
    for fixture in fixtures().await {
        let began = begin(&fixture, &fixture.anna, ID, &[0, 5]).await;
        assert_eq!(fixture.store.find(&fixture.anna, ID).await.unwrap().as_ref(), Some(&began));
        let other = Parameters { runs: 9, ..Parameters::default() };
        let again = fixture.store.begin(&fixture.anna, ID, &other, &[]).await.unwrap();
        assert_eq!(again.as_ref(), Some(&began));
        assert_eq!(fixture.store.begin(&fixture.ben, ID, &other, &[]).await.unwrap(), None);
        fixture.store.add_rows(&fixture.anna, ID, &[head(5), head(0)]).await.unwrap();
        assert_eq!(fixture.store.find(&fixture.anna, ID).await.unwrap().unwrap(), began);
        assert_eq!((began.status, began.targets), (BenchmarkStatus::Running, vec![target()]));
        let rows = fixture.store.rows(&fixture.anna, ID).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.key.context_tokens).collect::<Vec<_>>(), [0, 5]);
    }
}

#[tokio::test]
async fn stores_a_run_once() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        let (store, anna) = (&fixture.store, &fixture.anna);
        let save = async |run: Run| store.save_run(anna, ID, &key(0), &run).await.unwrap();
        assert!(save(run(2, 20.0)).await);
        assert!(save(run(1, 10.0)).await);
        assert!(!save(run(2, 99.0)).await);
        assert!(save(run(2, 20.0)).await, "a repeated write");
        let runs = fixture.store.runs(&fixture.anna, ID).await.unwrap();
        let ttfts: Vec<_> = runs[&key(0)].iter().map(|run| run.ttft_ms.unwrap()).collect();
        assert_eq!(ttfts, [10.0, 20.0]);
    }
}

#[tokio::test]
async fn runs_are_read_without_chunk_times() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        fixture.store.save_run(&fixture.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        let runs = fixture.store.runs(&fixture.anna, ID).await.unwrap();
        assert!(runs[&key(0)][0].chunk_deltas_us.is_empty());
        let timeline = fixture.store.timeline(&fixture.anna, ID, &key(0), 1).await.unwrap();
        assert_eq!(timeline, Some(vec![1000, 20, 30]));
        assert_eq!(fixture.store.timeline(&fixture.anna, ID, &key(0), 2).await.unwrap(), None);
    }
}

#[tokio::test]
async fn loads_finished_runs_with_their_gaps() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0, 5]).await;
        let outcome = WarmupOutcome {
            success: true,
            ttft_ms: Some(1.5),
            connect_ms: None,
            dns_ms: None,
            tcp_ms: None,
            tls_ms: None,
            error: None,
        };
        let RowHead { provider, provider_key, model, model_id, .. } = head(5);
        let warmup = WarmupResult {
            provider,
            provider_key,
            model,
            model_id,
            context_tokens: 5,
            outcome: outcome.clone(),
        };
        fixture.store.save_warmup(&fixture.anna, ID, &warmup).await.unwrap();
        fixture.store.save_run(&fixture.anna, ID, &key(5), &run(2, 20.0)).await.unwrap();
        let [first, second] = &fixture.store.finished(&fixture.anna, ID).await.unwrap()[..] else { panic!() };
        assert_eq!((&first.model, first.context_tokens, &first.warmup), (&key(0).model, 0, &None));
        assert!(first.runs.is_empty() && first.gaps_ms.is_empty());
        assert_eq!((second.context_tokens, &second.warmup), (5, &Some(outcome)));
        assert_eq!(second.runs, [Run { chunk_deltas_us: Vec::new(), ..run(2, 20.0) }]);
        let gaps = second.gaps_ms.summary().unwrap();
        assert_eq!((gaps.n, gaps.min, gaps.max), (2, 0.02, 0.03));
    }
}

#[tokio::test]
async fn the_history_lists_only_ended_benchmarks() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        assert!(fixture.store.history(&fixture.anna, None, 9).await.unwrap().is_empty());
        assert_eq!(fixture.store.running(&fixture.anna).await.unwrap().len(), 1);
        let row = summary::row(head(0), None, vec![run(1, 10.0), run(2, 20.0), failed(3)]);
        fixture.store.finish(&fixture.anna, ID, &[row], Some(&health())).await.unwrap();
        assert!(fixture.store.running(&fixture.anna).await.unwrap().is_empty());
        let history = fixture.store.history(&fixture.anna, None, 9).await.unwrap();
        assert_eq!((history.len(), history[0].status), (1, BenchmarkStatus::Complete));
        assert_eq!((&*history[0].context_tiers, history[0].headline.model_count), (&[0][..], 1));
        let results = results(&fixture, &history).await;
        let figures = &results[0][0].figures;
        assert_eq!((figures.success_count, figures.error_count), (2, 1));
        assert_eq!((figures.avg_ttft_ms, figures.std_dev_tps), (Some(15.0), Some(0.0)));
        assert_eq!(figures.error.as_deref(), Some("[rate_limited] slow down"));
        let found = fixture.store.find(&fixture.anna, ID).await.unwrap().unwrap();
        assert_eq!((found.client, found.finished_at.is_some()), (Some(health()), true));
    }
}

#[tokio::test]
async fn failed_benchmarks_keep_their_runs_and_complete_ones_cannot_fail() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        fixture.store.save_run(&fixture.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        fail(&fixture, &fixture.anna, "It broke.", 77).await;
        let found = fixture.store.find(&fixture.anna, ID).await.unwrap().unwrap();
        assert_eq!((found.status, found.error.as_deref()), (BenchmarkStatus::Failed, Some("It broke.")));
        assert_eq!(found.finished_at, Some(77));
        assert_eq!(fixture.store.runs(&fixture.anna, ID).await.unwrap().len(), 1);
        fixture.store.finish(&fixture.anna, ID, &[], Some(&health())).await.unwrap();
        fail(&fixture, &fixture.anna, "It broke.", 78).await;
        let found = fixture.store.find(&fixture.anna, ID).await.unwrap().unwrap();
        assert_eq!((found.status, found.error), (BenchmarkStatus::Complete, None));
    }
}

#[tokio::test]
async fn paginates_the_history() {
    for fixture in fixtures().await {
        let ids: Vec<String> = (0..5).map(|n| format!("0198a000-0000-7000-8000-00000000000{n}")).collect();
        for id in &ids {
            begin(&fixture, &fixture.anna, id, &[0, 5]).await;
            fixture.store.finish(&fixture.anna, id, &[], Some(&health())).await.unwrap();
        }
        let mut seen: Vec<String> = Vec::new();
        loop {
            let before = seen.last().map(String::as_str);
            let items = fixture.store.history(&fixture.anna, before, 2).await.unwrap();
            assert!(results(&fixture, &items).await.iter().all(|results| results.len() == 2));
            if items.is_empty() {
                break;
            }
            seen.extend(items.into_iter().map(|item| item.id));
        }
        assert_eq!(seen, ids.into_iter().rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn delete_removes_rows_and_runs() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        fixture.store.save_run(&fixture.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        assert!(fixture.store.delete(&fixture.anna, ID).await.unwrap());
        assert!(!fixture.store.delete(&fixture.anna, ID).await.unwrap());
        assert_eq!(count(&fixture, "select count(*) from benchmark_rows").await, 0);
        assert_eq!(count(&fixture, "select count(*) from benchmark_runs").await, 0);
        let late = fixture.store.save_run(&fixture.anna, ID, &key(0), &run(2, 10.0)).await;
        assert!(late.is_err(), "a run of a deleted benchmark was stored");
    }
}

#[tokio::test]
async fn deletes_a_large_benchmark_and_the_rest_of_an_earlier_deletion() {
    const OTHER: &str = "0198a000-0000-7000-8000-000000000002";
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        begin(&fixture, &fixture.anna, OTHER, &[0]).await;
        for number in 1..=1_001 {
            fixture.store.save_run(&fixture.anna, ID, &key(0), &run(number, 10.0)).await.unwrap();
        }
        sqlx::query("update benchmarks set status = 'deleted' where id = $1")
            .bind(ID)
            .execute(fixture.database.writer())
            .await
            .unwrap();
        assert_eq!(fixture.store.find(&fixture.anna, ID).await.unwrap(), None);
        assert!(fixture.store.history(&fixture.anna, None, 9).await.unwrap().is_empty());
        fixture.store.finish(&fixture.anna, ID, &[], None).await.unwrap();
        assert_eq!(fixture.store.find(&fixture.anna, ID).await.unwrap(), None, "the benchmark still exists");
        assert!(fixture.store.delete(&fixture.anna, OTHER).await.unwrap());
        assert_eq!(count(&fixture, "select count(*) from benchmark_runs").await, 0);
        assert_eq!(count(&fixture, "select count(*) from benchmarks").await, 0);
    }
}

#[tokio::test]
async fn deletes_all_benchmarks_of_one_user_in_batches() {
    for fixture in fixtures().await {
        for n in 0..103 {
            let id = format!("0198a000-0000-7000-8000-{n:012}");
            begin(&fixture, &fixture.anna, &id, &[0]).await;
            fixture.store.save_run(&fixture.anna, &id, &key(0), &run(1, 10.0)).await.unwrap();
        }
        let (large, bens) = ("0198a000-0000-7000-8000-aaaaaaaaaaaa", "0198a000-0000-7000-8000-bbbbbbbbbbbb");
        begin(&fixture, &fixture.anna, large, &[0]).await;
        for number in 1..=501 {
            fixture.store.save_run(&fixture.anna, large, &key(0), &run(number, 10.0)).await.unwrap();
        }
        begin(&fixture, &fixture.ben, bens, &[0]).await;
        fixture.store.save_run(&fixture.ben, bens, &key(0), &run(1, 10.0)).await.unwrap();
        fixture.store.delete_all(&fixture.anna).await.unwrap();
        fixture.store.delete_all(&fixture.anna).await.unwrap();
        assert_eq!(count(&fixture, "select count(*) from benchmarks").await, 1);
        assert_eq!(count(&fixture, "select count(*) from benchmark_rows").await, 1);
        assert_eq!(count(&fixture, "select count(*) from benchmark_runs").await, 1);
        assert!(fixture.store.find(&fixture.ben, bens).await.unwrap().is_some());
    }
}

/// Stores a job in this state, with the id of the benchmark.
async fn insert_job(fixture: &Fixture, status: &str, error: Option<&str>, finished_at: Option<i64>) {
    sqlx::query(
        "insert into jobs (id, user_id, job_type, status, progress_pct, progress_detail, error, created_at,
                           finished_at)
         values ($1, $2, 'benchmark', $3, 0, '', $4, 0, $5)",
    )
    .bind(ID)
    .bind(fixture.anna.as_str())
    .bind(status)
    .bind(error)
    .bind(finished_at)
    .execute(fixture.database.writer())
    .await
    .unwrap();
}

#[tokio::test]
async fn records_missing_ends_from_jobs() {
    for (status, error, finished_at, expected) in [
        ("failed", Some("It broke."), Some(55), Some(("It broke.", 55))),
        ("done", None, Some(56), Some((ENDED_EARLY, 56))),
        ("none", None, None, Some((ENDED_EARLY, 77))),
        ("interrupted", None, None, None),
        ("running", None, None, None),
    ] {
        for fixture in fixtures().await {
            begin(&fixture, &fixture.anna, ID, &[0]).await;
            if status != "none" {
                insert_job(&fixture, status, error, finished_at).await;
            }
            let recorded = fixture.store.record_missing_ends(77).await.unwrap();
            assert_eq!(recorded, u64::from(expected.is_some()), "{status}");
            let found = fixture.store.find(&fixture.anna, ID).await.unwrap().unwrap();
            let Some((error, finished_at)) = expected else {
                assert_eq!((found.status, found.finished_at), (BenchmarkStatus::Running, None), "{status}");
                continue;
            };
            assert_eq!(found.status, BenchmarkStatus::Failed, "{status}");
            assert_eq!((found.error.as_deref(), found.finished_at), (Some(error), Some(finished_at)));
            assert_eq!(fixture.store.record_missing_ends(78).await.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn rolls_back_a_reported_benchmark_on_errors() {
    for fixture in fixtures().await {
        let parameters = Parameters::default();
        let whole = summary::row(head(0), None, vec![run(1, 10.0)]);
        sqlx::query("drop table benchmark_runs").execute(fixture.database.writer()).await.unwrap();
        let stored =
            fixture.store.insert_complete(&fixture.anna, ID, &parameters, &[target()], &[whole]).await;
        assert!(stored.is_err());
        assert_eq!(count(&fixture, "select count(*) from benchmarks").await, 0);
        assert_eq!(count(&fixture, "select count(*) from benchmark_rows").await, 0);
    }
}

#[tokio::test]
async fn users_cannot_access_each_others_benchmarks() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        fixture.store.save_run(&fixture.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        let (store, ben) = (&fixture.store, &fixture.ben);
        assert_eq!(store.find(ben, ID).await.unwrap(), None);
        assert!(store.rows(ben, ID).await.unwrap().is_empty());
        assert!(store.runs(ben, ID).await.unwrap().is_empty());
        assert!(store.finished(ben, ID).await.unwrap().is_empty());
        assert_eq!(store.timeline(ben, ID, &key(0), 1).await.unwrap(), None);
        assert!(!store.delete(ben, ID).await.unwrap());
        fail(&fixture, ben, "Ha.", 77).await;
        store.finish(ben, ID, &[], Some(&health())).await.unwrap();
        let found = store.find(&fixture.anna, ID).await.unwrap().unwrap();
        assert_eq!(found.status, BenchmarkStatus::Running);
        assert!(store.history(ben, None, 9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn deleting_an_account_deletes_its_results() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0]).await;
        sqlx::query("delete from users where id = $1")
            .bind(fixture.anna.as_str())
            .execute(fixture.database.writer())
            .await
            .unwrap();
        assert_eq!(count(&fixture, "select count(*) from benchmarks").await, 0);
        assert_eq!(count(&fixture, "select count(*) from benchmark_rows").await, 0);
    }
}

#[tokio::test]
async fn fills_in_list_columns_of_older_benchmarks_once() {
    for fixture in fixtures().await {
        let ids: Vec<String> = (0..45).map(|n| format!("0198a000-0000-7000-8000-0000000000{n:02}")).collect();
        for id in &ids {
            begin(&fixture, &fixture.anna, id, &[0, 5]).await;
            fixture
                .store
                .finish(&fixture.anna, id, &[summary::row(head(0), None, vec![run(1, 10.0)])], None)
                .await
                .unwrap();
        }
        let running = "0198a000-0000-7000-8000-000000000099";
        begin(&fixture, &fixture.anna, running, &[0]).await;
        let before = fixture.store.history(&fixture.anna, None, 99).await.unwrap();
        let results_before = results(&fixture, &before).await;
        // The state after an older version and an interrupted start.
        let older = [
            "update benchmarks set context_tiers = null, runs = null, max_tokens = null, temperature = null,
                 warmup = null where id > '0198a000-0000-7000-8000-000000000010'",
            "update benchmarks set headline = null where id > '0198a000-0000-7000-8000-000000000010'",
            "delete from benchmark_results where benchmark_id > '0198a000-0000-7000-8000-000000000010'",
            "update benchmark_inputs set parameters = '{' where benchmark_id = '0198a000-0000-7000-8000-000000000044'",
        ];
        for sql in older {
            sqlx::query(sql).execute(fixture.database.writer()).await.unwrap();
        }
        fixture.store.fill_in_lists().await.unwrap();
        fixture.store.fill_in_lists().await.unwrap();
        let after = fixture.store.history(&fixture.anna, None, 99).await.unwrap();
        assert_eq!((after.len(), after[0].runs), (45, 0), "one that cannot be read does not stop the list");
        assert_eq!(after[1..], before[1..]);
        assert_eq!(results(&fixture, &after).await, results_before);
        let (runs,): (i64,) = sqlx::query_as("select runs from benchmarks where id = $1")
            .bind(running)
            .fetch_one(fixture.database.reader())
            .await
            .unwrap();
        assert_eq!(runs, i64::from(Parameters::default().runs));
    }
}

#[tokio::test]
async fn reads_run_times_of_the_latest_benchmarks() {
    for fixture in fixtures().await {
        let of = |name: String| RowHead { model_id: name, ..head(0) };
        let names = |count: u64| (0..count).map(|n| format!("model-{n}"));
        // The older benchmark measured all models, and one at another tier; the newer one all but the first
        // two.
        for (number, skipped, seconds) in [(1, 0, 2.0), (2, 2, 3.0)] {
            let id = format!("0198a000-0000-7000-8000-00000000000{number}");
            let mut heads: Vec<_> = names(20).skip(skipped).map(of).collect();
            if number == 1 {
                heads.push(RowHead { context_tokens: 5_000, ..of("model-1".into()) });
            }
            fixture.store.begin(&fixture.anna, &id, &Parameters::default(), &[]).await.unwrap();
            fixture.store.add_rows(&fixture.anna, &id, &heads).await.unwrap();
            let took = |number| Run { total_time_s: Some(seconds), ..run(number, 10.0) };
            let rows: Vec<_> =
                heads.into_iter().map(|head| summary::row(head, None, vec![took(1)])).collect();
            fixture.store.finish(&fixture.anna, &id, &rows, None).await.unwrap();
        }
        let model = |name: String| ModelRef { model_id: name, ..key(0).model };
        let first = |times: &[(ModelRef, u64, f64)], name: &str, tier: u64| {
            let own = times.iter().find(|time| time.0.model_id == name && time.1 == tier);
            own.map(|(.., seconds)| *seconds)
        };
        // With few models and with many.
        for count in [3, 20] {
            let wanted = names(count).map(|name| (model(name), 0));
            let times = fixture.store.recent_times(&fixture.anna, wanted).await.unwrap();
            assert_eq!((first(&times, "model-0", 0), first(&times, "model-2", 0)), (Some(2.0), Some(3.0)));
        }
        let wanted = [(model("model-1".into()), 9_000), (model("new".into()), 0)];
        let times = fixture.store.recent_times(&fixture.anna, wanted).await.unwrap();
        assert_eq!((first(&times, "model-1", 5_000), first(&times, "new", 0)), (Some(2.0), None));
        let others = fixture.store.recent_times(&fixture.ben, [(model("model-2".into()), 0)]).await.unwrap();
        assert!(others.is_empty());
    }
}

#[tokio::test]
async fn reads_the_stored_runs_of_a_row() {
    for fixture in fixtures().await {
        begin(&fixture, &fixture.anna, ID, &[0, 5]).await;
        let (store, anna) = (&fixture.store, &fixture.anna);
        for run in [run(3, 30.0), failed(1), run(2, 20.0)] {
            store.save_run(anna, ID, &key(0), &run).await.unwrap();
        }
        let runs = store.runs_of_row(anna, ID, &key(0)).await.unwrap().unwrap();
        assert_eq!(runs, store.runs(anna, ID).await.unwrap()[&key(0)]);
        assert_eq!(runs.iter().map(|run| run.run_number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(runs.iter().all(|run| run.chunk_deltas_us.is_empty()));
        assert_eq!(store.runs_of_row(anna, ID, &key(5)).await.unwrap(), Some(Vec::new()));
        assert_eq!(store.runs_of_row(anna, ID, &key(7)).await.unwrap(), None);
        assert_eq!(store.runs_of_row(&fixture.ben, ID, &key(0)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn rows_without_runs_are_equal_with_and_without_stored_summaries() {
    for fixture in fixtures().await {
        let (store, anna) = (&fixture.store, &fixture.anna);
        let runs = [run(1, 10.0), failed(2), failed(3)];
        let without_chunks = |run: &Run| Run { chunk_deltas_us: Vec::new(), ..run.clone() };
        let rows: Vec<ResultRow> = [0, 5, 7]
            .map(|tier| summary::row(head(tier), None, runs.iter().map(without_chunks).collect()))
            .into();
        let expected: Vec<PageRow> =
            rows.iter().cloned().map(|row| PageRow::with_runs(row).without_runs()).collect();
        assert_eq!(expected[0].notes.failures.values().copied().collect::<Vec<_>>(), [2]);
        store.insert_complete(anna, ID, &Parameters::default(), &[target()], &rows).await.unwrap();
        assert_eq!(store.rows_without_runs(anna, ID).await.unwrap(), expected);
        // The benchmark failed before the first row was finished; an older version wrote the second.
        for sql in [
            "update benchmark_rows set summary = null, run_notes = null where context_tokens = 0",
            "update benchmark_rows set run_notes = null where context_tokens = 5",
        ] {
            sqlx::query(sql).execute(fixture.database.writer()).await.unwrap();
        }
        assert_eq!(store.rows_without_runs(anna, ID).await.unwrap(), expected);
        // No run of a row with a summary is read.
        let sql = "update benchmark_runs set run = 'not to be read' where context_tokens = 7";
        sqlx::query(sql).execute(fixture.database.writer()).await.unwrap();
        assert_eq!(store.rows_without_runs(anna, ID).await.unwrap(), expected);
        assert!(store.rows_without_runs(&fixture.ben, ID).await.unwrap().is_empty());
    }
}
