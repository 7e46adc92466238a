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

struct World {
    database: Database,
    store: BenchmarkStore,
    anna: UserId,
    ben: UserId,
}

async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for database in testing::databases().await {
        let (anna, ben) =
            (testing::add_user(&database, "anna").await, testing::add_user(&database, "ben").await);
        worlds.push(World { store: BenchmarkStore::new(database.clone()), database, anna, ben });
    }
    worlds
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

async fn begin(world: &World, user: &UserId, id: &str, tiers: &[u64]) -> StoredBenchmark {
    let parameters = Parameters { context_tiers: tiers.to_vec(), ..Parameters::default() };
    let began = world.store.begin(user, id, &parameters, &[target()]).await.unwrap();
    let heads: Vec<_> = tiers.iter().map(|tier| head(*tier)).collect();
    world.store.lay_out(user, id, &heads).await.unwrap();
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

/// The results of each item, in their order.
async fn results(world: &World, items: &[HistoryItem]) -> Vec<Vec<HistoryResult>> {
    let stored = world.store.history_results(&world.anna, items).await.unwrap();
    items.iter().map(|item| serde_json::from_str(stored[&item.id].get()).unwrap()).collect()
}

async fn fail(world: &World, user: &UserId, error: &str, finished_at: i64) {
    let mut connection = world.database.writer().acquire().await.unwrap();
    super::fail(&mut connection, user, ID, error, finished_at).await.unwrap();
}

async fn count(world: &World, sql: &'static str) -> i64 {
    let (count,): (i64,) = sqlx::query_as(sql).fetch_one(world.database.reader()).await.unwrap();
    count
}

#[tokio::test]
async fn beginning_again_changes_nothing() {
    for world in worlds().await {
        let began = begin(&world, &world.anna, ID, &[0, 5]).await;
        assert_eq!(world.store.find(&world.anna, ID).await.unwrap().as_ref(), Some(&began));
        let other = Parameters { runs: 9, ..Parameters::default() };
        let again = world.store.begin(&world.anna, ID, &other, &[]).await.unwrap();
        assert_eq!(again.as_ref(), Some(&began));
        assert_eq!(world.store.begin(&world.ben, ID, &other, &[]).await.unwrap(), None);
        world.store.lay_out(&world.anna, ID, &[head(5), head(0)]).await.unwrap();
        assert_eq!(world.store.find(&world.anna, ID).await.unwrap().unwrap(), began);
        assert_eq!((began.status, began.targets), (BenchmarkStatus::Running, vec![target()]));
        let rows = world.store.rows(&world.anna, ID).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.key.context_tokens).collect::<Vec<_>>(), [0, 5]);
    }
}

#[tokio::test]
async fn a_run_is_kept_once() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        let (store, anna) = (&world.store, &world.anna);
        let save = async |run: Run| store.save_run(anna, ID, &key(0), &run).await.unwrap();
        assert!(save(run(2, 20.0)).await);
        assert!(save(run(1, 10.0)).await);
        assert!(!save(run(2, 99.0)).await);
        assert!(save(run(2, 20.0)).await, "a repeated write");
        let runs = world.store.runs(&world.anna, ID).await.unwrap();
        let ttfts: Vec<_> = runs[&key(0)].iter().map(|run| run.ttft_ms.unwrap()).collect();
        assert_eq!(ttfts, [10.0, 20.0]);
    }
}

#[tokio::test]
async fn chunks_are_read_only_when_asked_for() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        world.store.save_run(&world.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        let runs = world.store.runs(&world.anna, ID).await.unwrap();
        assert!(runs[&key(0)][0].chunk_deltas_us.is_empty());
        let timeline = world.store.timeline(&world.anna, ID, &key(0), 1).await.unwrap();
        assert_eq!(timeline, Some(vec![1000, 20, 30]));
        assert_eq!(world.store.timeline(&world.anna, ID, &key(0), 2).await.unwrap(), None);
    }
}

#[tokio::test]
async fn finished_runs_are_loaded_with_their_gaps() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0, 5]).await;
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
        world.store.save_warmup(&world.anna, ID, &warmup).await.unwrap();
        world.store.save_run(&world.anna, ID, &key(5), &run(2, 20.0)).await.unwrap();
        let [first, second] = &world.store.finished(&world.anna, ID).await.unwrap()[..] else { panic!() };
        assert_eq!((&first.model, first.context_tokens, &first.warmup), (&key(0).model, 0, &None));
        assert!(first.runs.is_empty() && first.gaps_ms.is_empty());
        assert_eq!((second.context_tokens, &second.warmup), (5, &Some(outcome)));
        assert_eq!(second.runs, [Run { chunk_deltas_us: Vec::new(), ..run(2, 20.0) }]);
        let gaps = second.gaps_ms.summary().unwrap();
        assert_eq!((gaps.n, gaps.min, gaps.max), (2, 0.02, 0.03));
    }
}

#[tokio::test]
async fn only_what_has_ended_is_history() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        assert!(world.store.history(&world.anna, None, 9).await.unwrap().is_empty());
        assert_eq!(world.store.running(&world.anna).await.unwrap().len(), 1);
        let row = summary::row(head(0), None, vec![run(1, 10.0), run(2, 20.0), failed(3)]);
        world.store.finish(&world.anna, ID, &[row], Some(&health())).await.unwrap();
        assert!(world.store.running(&world.anna).await.unwrap().is_empty());
        let history = world.store.history(&world.anna, None, 9).await.unwrap();
        assert_eq!((history.len(), history[0].status), (1, BenchmarkStatus::Complete));
        assert_eq!((&*history[0].context_tiers, history[0].headline.model_count), (&[0][..], 1));
        let results = results(&world, &history).await;
        let figures = &results[0][0].figures;
        assert_eq!((figures.success_count, figures.error_count), (2, 1));
        assert_eq!((figures.avg_ttft_ms, figures.std_dev_tps), (Some(15.0), Some(0.0)));
        assert_eq!(figures.error.as_deref(), Some("[rate_limited] slow down"));
        let found = world.store.find(&world.anna, ID).await.unwrap().unwrap();
        assert_eq!((found.client, found.finished_at.is_some()), (Some(health()), true));
    }
}

#[tokio::test]
async fn what_failed_keeps_its_runs_and_what_is_complete_cannot_fail() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        world.store.save_run(&world.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        fail(&world, &world.anna, "It broke.", 77).await;
        let found = world.store.find(&world.anna, ID).await.unwrap().unwrap();
        assert_eq!((found.status, found.error.as_deref()), (BenchmarkStatus::Failed, Some("It broke.")));
        assert_eq!(found.finished_at, Some(77));
        assert_eq!(world.store.runs(&world.anna, ID).await.unwrap().len(), 1);
        world.store.finish(&world.anna, ID, &[], Some(&health())).await.unwrap();
        fail(&world, &world.anna, "It broke.", 78).await;
        let found = world.store.find(&world.anna, ID).await.unwrap().unwrap();
        assert_eq!((found.status, found.error), (BenchmarkStatus::Complete, None));
    }
}

#[tokio::test]
async fn history_is_read_page_by_page() {
    for world in worlds().await {
        let ids: Vec<String> = (0..5).map(|n| format!("0198a000-0000-7000-8000-00000000000{n}")).collect();
        for id in &ids {
            begin(&world, &world.anna, id, &[0, 5]).await;
            world.store.finish(&world.anna, id, &[], Some(&health())).await.unwrap();
        }
        let mut seen: Vec<String> = Vec::new();
        loop {
            let before = seen.last().map(String::as_str);
            let items = world.store.history(&world.anna, before, 2).await.unwrap();
            assert!(results(&world, &items).await.iter().all(|results| results.len() == 2));
            if items.is_empty() {
                break;
            }
            seen.extend(items.into_iter().map(|item| item.id));
        }
        assert_eq!(seen, ids.into_iter().rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn deleting_leaves_nothing() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        world.store.save_run(&world.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        assert!(world.store.delete(&world.anna, ID).await.unwrap());
        assert!(!world.store.delete(&world.anna, ID).await.unwrap());
        assert_eq!(count(&world, "select count(*) from benchmark_rows").await, 0);
        assert_eq!(count(&world, "select count(*) from benchmark_runs").await, 0);
        let late = world.store.save_run(&world.anna, ID, &key(0), &run(2, 10.0)).await;
        assert!(late.is_err(), "a run of nothing was kept");
    }
}

#[tokio::test]
async fn a_large_benchmark_is_deleted_whole_and_what_an_earlier_deletion_left_with_it() {
    const OTHER: &str = "0198a000-0000-7000-8000-000000000002";
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        begin(&world, &world.anna, OTHER, &[0]).await;
        for number in 1..=1_001 {
            world.store.save_run(&world.anna, ID, &key(0), &run(number, 10.0)).await.unwrap();
        }
        sqlx::query("update benchmarks set status = 'deleted' where id = $1")
            .bind(ID)
            .execute(world.database.writer())
            .await
            .unwrap();
        assert_eq!(world.store.find(&world.anna, ID).await.unwrap(), None);
        assert!(world.store.history(&world.anna, None, 9).await.unwrap().is_empty());
        world.store.finish(&world.anna, ID, &[], None).await.unwrap();
        assert_eq!(world.store.find(&world.anna, ID).await.unwrap(), None, "it came back");
        assert!(world.store.delete(&world.anna, OTHER).await.unwrap());
        assert_eq!(count(&world, "select count(*) from benchmark_runs").await, 0);
        assert_eq!(count(&world, "select count(*) from benchmarks").await, 0);
    }
}

#[tokio::test]
async fn all_of_a_user_is_deleted_in_batches_and_nothing_of_others() {
    for world in worlds().await {
        for n in 0..103 {
            let id = format!("0198a000-0000-7000-8000-{n:012}");
            begin(&world, &world.anna, &id, &[0]).await;
            world.store.save_run(&world.anna, &id, &key(0), &run(1, 10.0)).await.unwrap();
        }
        let (large, bens) = ("0198a000-0000-7000-8000-aaaaaaaaaaaa", "0198a000-0000-7000-8000-bbbbbbbbbbbb");
        begin(&world, &world.anna, large, &[0]).await;
        for number in 1..=501 {
            world.store.save_run(&world.anna, large, &key(0), &run(number, 10.0)).await.unwrap();
        }
        begin(&world, &world.ben, bens, &[0]).await;
        world.store.save_run(&world.ben, bens, &key(0), &run(1, 10.0)).await.unwrap();
        world.store.delete_all(&world.anna).await.unwrap();
        world.store.delete_all(&world.anna).await.unwrap();
        assert_eq!(count(&world, "select count(*) from benchmarks").await, 1);
        assert_eq!(count(&world, "select count(*) from benchmark_rows").await, 1);
        assert_eq!(count(&world, "select count(*) from benchmark_runs").await, 1);
        assert!(world.store.find(&world.ben, bens).await.unwrap().is_some());
    }
}

/// A job in this state, with the id of the benchmark.
async fn insert_job(world: &World, status: &str, error: Option<&str>, finished_at: Option<i64>) {
    sqlx::query(
        "insert into jobs (id, user_id, job_type, status, params, progress_pct, progress_detail, error,
                           created_at, finished_at)
         values ($1, $2, 'benchmark', $3, 'null', 0, '', $4, 0, $5)",
    )
    .bind(ID)
    .bind(world.anna.as_str())
    .bind(status)
    .bind(error)
    .bind(finished_at)
    .execute(world.database.writer())
    .await
    .unwrap();
}

#[tokio::test]
async fn the_missing_end_of_a_benchmark_is_recorded_as_its_job_ended() {
    for (status, error, finished_at, expected) in [
        ("failed", Some("It broke."), Some(55), Some(("It broke.", 55))),
        ("done", None, Some(56), Some((ENDED_EARLY, 56))),
        ("none", None, None, Some((ENDED_EARLY, 77))),
        ("interrupted", None, None, None),
        ("running", None, None, None),
    ] {
        for world in worlds().await {
            begin(&world, &world.anna, ID, &[0]).await;
            if status != "none" {
                insert_job(&world, status, error, finished_at).await;
            }
            let recorded = world.store.record_missing_ends(77).await.unwrap();
            assert_eq!(recorded, u64::from(expected.is_some()), "{status}");
            let found = world.store.find(&world.anna, ID).await.unwrap().unwrap();
            let Some((error, finished_at)) = expected else {
                assert_eq!((found.status, found.finished_at), (BenchmarkStatus::Running, None), "{status}");
                continue;
            };
            assert_eq!(found.status, BenchmarkStatus::Failed, "{status}");
            assert_eq!((found.error.as_deref(), found.finished_at), (Some(error), Some(finished_at)));
            assert_eq!(world.store.record_missing_ends(78).await.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn of_a_reported_benchmark_that_cannot_be_stored_nothing_is() {
    for world in worlds().await {
        let parameters = Parameters::default();
        let whole = summary::row(head(0), None, vec![run(1, 10.0)]);
        sqlx::query("drop table benchmark_runs").execute(world.database.writer()).await.unwrap();
        let stored = world.store.insert_complete(&world.anna, ID, &parameters, &[target()], &[whole]).await;
        assert!(stored.is_err());
        assert_eq!(count(&world, "select count(*) from benchmarks").await, 0);
        assert_eq!(count(&world, "select count(*) from benchmark_rows").await, 0);
    }
}

#[tokio::test]
async fn users_do_not_reach_each_other() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        world.store.save_run(&world.anna, ID, &key(0), &run(1, 10.0)).await.unwrap();
        let (store, ben) = (&world.store, &world.ben);
        assert_eq!(store.find(ben, ID).await.unwrap(), None);
        assert!(store.rows(ben, ID).await.unwrap().is_empty());
        assert!(store.runs(ben, ID).await.unwrap().is_empty());
        assert!(store.finished(ben, ID).await.unwrap().is_empty());
        assert_eq!(store.timeline(ben, ID, &key(0), 1).await.unwrap(), None);
        assert!(!store.delete(ben, ID).await.unwrap());
        fail(&world, ben, "Ha.", 77).await;
        store.finish(ben, ID, &[], Some(&health())).await.unwrap();
        let found = store.find(&world.anna, ID).await.unwrap().unwrap();
        assert_eq!(found.status, BenchmarkStatus::Running);
        assert!(store.history(ben, None, 9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_account_takes_its_results_with_it() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0]).await;
        sqlx::query("delete from users where id = $1")
            .bind(world.anna.as_str())
            .execute(world.database.writer())
            .await
            .unwrap();
        assert_eq!(count(&world, "select count(*) from benchmarks").await, 0);
        assert_eq!(count(&world, "select count(*) from benchmark_rows").await, 0);
    }
}

#[tokio::test]
async fn what_lists_show_of_older_benchmarks_is_filled_in_once() {
    for world in worlds().await {
        let ids: Vec<String> = (0..45).map(|n| format!("0198a000-0000-7000-8000-0000000000{n:02}")).collect();
        for id in &ids {
            begin(&world, &world.anna, id, &[0, 5]).await;
            world
                .store
                .finish(&world.anna, id, &[summary::row(head(0), None, vec![run(1, 10.0)])], None)
                .await
                .unwrap();
        }
        let running = "0198a000-0000-7000-8000-000000000099";
        begin(&world, &world.anna, running, &[0]).await;
        let before = world.store.history(&world.anna, None, 99).await.unwrap();
        let results_before = results(&world, &before).await;
        // As an older version, and a start that was interrupted half-way, leave them.
        let older = [
            "update benchmarks set context_tiers = null, runs = null, max_tokens = null, temperature = null,
                 warmup = null where id > '0198a000-0000-7000-8000-000000000010'",
            "update benchmarks set headline = null where id > '0198a000-0000-7000-8000-000000000010'",
            "delete from benchmark_results where benchmark_id > '0198a000-0000-7000-8000-000000000010'",
            "update benchmark_inputs set parameters = '{' where benchmark_id = '0198a000-0000-7000-8000-000000000044'",
        ];
        for sql in older {
            sqlx::query(sql).execute(world.database.writer()).await.unwrap();
        }
        world.store.fill_in_lists().await.unwrap();
        world.store.fill_in_lists().await.unwrap();
        let after = world.store.history(&world.anna, None, 99).await.unwrap();
        assert_eq!((after.len(), after[0].runs), (45, 0), "one that cannot be read does not stop the list");
        assert_eq!(after[1..], before[1..]);
        assert_eq!(results(&world, &after).await, results_before);
        let (runs,): (i64,) = sqlx::query_as("select runs from benchmarks where id = $1")
            .bind(running)
            .fetch_one(world.database.reader())
            .await
            .unwrap();
        assert_eq!(runs, i64::from(Parameters::default().runs));
    }
}

#[tokio::test]
async fn times_are_those_of_the_latest_benchmarks_that_have_them() {
    for world in worlds().await {
        let of = |name: String| RowHead { model_id: name, ..head(0) };
        let names = |count: u64| (0..count).map(|n| format!("model-{n}"));
        // The older one measured all, and one at another tier; the newer one all but the first two.
        for (number, skipped, seconds) in [(1, 0, 2.0), (2, 2, 3.0)] {
            let id = format!("0198a000-0000-7000-8000-00000000000{number}");
            let mut heads: Vec<_> = names(20).skip(skipped).map(of).collect();
            if number == 1 {
                heads.push(RowHead { context_tokens: 5_000, ..of("model-1".into()) });
            }
            world.store.begin(&world.anna, &id, &Parameters::default(), &[]).await.unwrap();
            world.store.lay_out(&world.anna, &id, &heads).await.unwrap();
            let took = |number| Run { total_time_s: Some(seconds), ..run(number, 10.0) };
            let rows: Vec<_> =
                heads.into_iter().map(|head| summary::row(head, None, vec![took(1)])).collect();
            world.store.finish(&world.anna, &id, &rows, None).await.unwrap();
        }
        let model = |name: String| ModelRef { model_id: name, ..key(0).model };
        let first = |times: &[(ModelRef, u64, f64)], name: &str, tier: u64| {
            let own = times.iter().find(|time| time.0.model_id == name && time.1 == tier);
            own.map(|(.., seconds)| *seconds)
        };
        // Of few models and of many.
        for count in [3, 20] {
            let wanted = names(count).map(|name| (model(name), 0));
            let times = world.store.recent_times(&world.anna, wanted).await.unwrap();
            assert_eq!((first(&times, "model-0", 0), first(&times, "model-2", 0)), (Some(2.0), Some(3.0)));
        }
        let wanted = [(model("model-1".into()), 9_000), (model("new".into()), 0)];
        let times = world.store.recent_times(&world.anna, wanted).await.unwrap();
        assert_eq!((first(&times, "model-1", 5_000), first(&times, "new", 0)), (Some(2.0), None));
        let others = world.store.recent_times(&world.ben, [(model("model-2".into()), 0)]).await.unwrap();
        assert!(others.is_empty());
    }
}

#[tokio::test]
async fn the_runs_of_a_row_are_those_that_are_stored() {
    for world in worlds().await {
        begin(&world, &world.anna, ID, &[0, 5]).await;
        let (store, anna) = (&world.store, &world.anna);
        for run in [run(3, 30.0), failed(1), run(2, 20.0)] {
            store.save_run(anna, ID, &key(0), &run).await.unwrap();
        }
        let runs = store.runs_of_row(anna, ID, &key(0)).await.unwrap().unwrap();
        assert_eq!(runs, store.runs(anna, ID).await.unwrap()[&key(0)]);
        assert_eq!(runs.iter().map(|run| run.run_number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(runs.iter().all(|run| run.chunk_deltas_us.is_empty()));
        assert_eq!(store.runs_of_row(anna, ID, &key(5)).await.unwrap(), Some(Vec::new()));
        assert_eq!(store.runs_of_row(anna, ID, &key(7)).await.unwrap(), None);
        assert_eq!(store.runs_of_row(&world.ben, ID, &key(0)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn rows_without_runs_say_the_same_whether_they_were_summed_up_or_not() {
    for world in worlds().await {
        let (store, anna) = (&world.store, &world.anna);
        let runs = vec![run(1, 10.0), failed(2), failed(3)];
        let without_chunks = |run: &Run| Run { chunk_deltas_us: Vec::new(), ..run.clone() };
        let rows: Vec<ResultRow> = [0, 5, 7]
            .map(|tier| summary::row(head(tier), None, runs.iter().map(without_chunks).collect()))
            .into();
        let expected: Vec<PageRow> =
            rows.iter().cloned().map(|row| PageRow::with_runs(row).without_runs()).collect();
        assert_eq!(expected[0].notes.failures.values().copied().collect::<Vec<_>>(), [2]);
        store.insert_complete(anna, ID, &Parameters::default(), &[target()], &rows).await.unwrap();
        assert_eq!(store.rows_without_runs(anna, ID).await.unwrap(), expected);
        // The benchmark failed before the first row ended; an older version wrote the second.
        for sql in [
            "update benchmark_rows set summary = null, run_notes = null where context_tokens = 0",
            "update benchmark_rows set run_notes = null where context_tokens = 5",
        ] {
            sqlx::query(sql).execute(world.database.writer()).await.unwrap();
        }
        assert_eq!(store.rows_without_runs(anna, ID).await.unwrap(), expected);
        // Of what was summed up no run is read.
        let sql = "update benchmark_runs set run = 'not to be read' where context_tokens = 7";
        sqlx::query(sql).execute(world.database.writer()).await.unwrap();
        assert_eq!(store.rows_without_runs(anna, ID).await.unwrap(), expected);
        assert!(store.rows_without_runs(&world.ben, ID).await.unwrap().is_empty());
    }
}
