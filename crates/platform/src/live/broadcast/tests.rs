//! Two processes on PostgreSQL. Without PostgreSQL there is only one process.

use super::*;
use crate::database::Location;
use crate::database::testing::{postgres_schema, sqlite};
use crate::live::closing::Closing;
use crate::live::hub::Subscription;

/// Broadcaster and database of two processes that share a schema.
async fn two_processes() -> Option<[(Broadcaster, Database); 2]> {
    let schema = postgres_schema().await?;
    let process = || async {
        let database = Database::open(Location::Postgres(schema.clone())).await.unwrap();
        (Broadcaster::connect(&database, Hub::default()).await.unwrap(), database)
    };
    Some([process().await, process().await])
}

fn message(number: usize, length: usize) -> ServerMessage {
    ServerMessage::JobProgress {
        job_id: "job".into(),
        progress_pct: number as f64,
        progress_detail: "ä".repeat(length),
    }
}

async fn next(tab: &mut Subscription) -> ServerMessage {
    ServerMessage::from_json(&tab.frames.recv().await.unwrap()).unwrap()
}

#[tokio::test]
async fn short_and_long_messages_arrive_once_and_in_order() {
    let Some([(one, database), (two, _)]) = two_processes().await else { return };
    let anna = UserId::new("anna");
    let (mut here, mut there) = (one.hub().join(&anna).unwrap(), two.hub().join(&anna).unwrap());
    let mut elsewhere = two.hub().join(&UserId::new("ben")).unwrap();
    let messages: Vec<_> =
        (0..200).map(|number| message(number, if number % 7 == 3 { 9000 } else { number })).collect();
    for message in &messages {
        one.send(&anna, message);
        // The tabs of the sending process do not wait.
        assert_eq!(ServerMessage::from_json(&here.frames.try_recv().unwrap()).unwrap(), *message);
    }
    for message in &messages {
        assert_eq!(next(&mut there).await, *message);
    }
    two.send(&anna, &message(999, 0));
    // Whatever came twice would come before this.
    assert_eq!(next(&mut here).await, message(999, 0));
    assert_eq!(next(&mut there).await, message(999, 0));
    assert!(elsewhere.frames.try_recv().is_err());
    let (kept,): (i64,) = sqlx::query_as("select cast(count(*) as bigint) from live_frames")
        .fetch_one(database.reader())
        .await
        .unwrap();
    assert_eq!(kept, 29);
}

#[tokio::test]
async fn equal_messages_all_arrive() {
    let Some([(one, _), (two, _)]) = two_processes().await else { return };
    let anna = UserId::new("anna");
    let mut there = two.hub().join(&anna).unwrap();
    // Each fills a notification.
    for _ in 0..5 {
        one.send(&anna, &message(1, 3000));
    }
    for _ in 0..5 {
        assert_eq!(next(&mut there).await, message(1, 3000));
    }
}

#[tokio::test]
async fn long_messages_are_stored_for_a_minute_only() {
    let Some([(one, database), (two, _)]) = two_processes().await else { return };
    let anna = UserId::new("anna");
    let mut there = two.hub().join(&anna).unwrap();
    one.send(&anna, &message(1, 9000));
    next(&mut there).await;
    sqlx::query("update live_frames set created_at = 0").execute(database.writer()).await.unwrap();
    one.send(&anna, &message(2, 9000));
    next(&mut there).await;
    let kept: Vec<(String,)> =
        sqlx::query_as("select frame from live_frames").fetch_all(database.reader()).await.unwrap();
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn signals_reach_the_others_and_not_their_sender() {
    let Some([(one, _), (two, _)]) = two_processes().await else { return };
    let (mut here, mut there) = (one.signals(), two.signals());
    one.signal("job_cancel", "7");
    let signal = Signal { topic: "job_cancel".into(), body: "7".into() };
    assert_eq!(there.recv().await.unwrap(), signal);
    two.signal("wake", "");
    assert_eq!(here.recv().await.unwrap().topic, "wake");
}

#[tokio::test]
async fn when_the_connection_breaks_tabs_reconnect_and_the_broadcast_goes_on() {
    let Some([(one, database), (two, _)]) = two_processes().await else { return };
    let anna = UserId::new("anna");
    let mut there = two.hub().join(&anna).unwrap();
    // Those that listen are in this state with their last statement; the tests' own is another.
    sqlx::query(
        "select cast(pg_terminate_backend(pid) as text) from pg_stat_activity
         where query like 'LISTEN%' and query like '%' || current_schema() || '%'",
    )
    .execute(database.reader())
    .await
    .unwrap();
    (&mut there.ending).await.unwrap();
    let mut again = two.hub().join(&anna).unwrap();
    one.send(&anna, &message(5, 0));
    assert_eq!(next(&mut again).await, message(5, 0));
}

#[tokio::test]
async fn tabs_reconnect_after_a_message_was_lost() {
    let Some([(one, database), (two, _)]) = two_processes().await else { return };
    let anna = UserId::new("anna");
    let mut there = two.hub().join(&anna).unwrap();
    sqlx::query("alter table live_frames rename to away").execute(database.writer()).await.unwrap();
    one.send(&anna, &message(1, 9000));
    // Nothing else is sent: the gap is announced all the same.
    (&mut there.ending).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_one_user_disconnects_and_delays_nobody_else() {
    let Some([(one, _), (two, _)]) = two_processes().await else { return };
    let [anna, eve] = ["anna", "eve"].map(UserId::new);
    let (mut annas, mut eves) = (two.hub().join(&anna).unwrap(), two.hub().join(&eve).unwrap());
    // Nothing is sent meanwhile, because nothing here is awaited: more than the queue holds.
    for number in 0..3 * QUEUE {
        one.send(&eve, &message(number, 0));
    }
    one.send(&anna, &message(7, 0));
    assert_eq!(next(&mut annas).await, message(7, 0));
    assert_eq!((&mut eves.ending).await, Ok(Closing::StartAgain));
    assert!(annas.ending.try_recv().is_err());
    let mut again = two.hub().join(&eve).unwrap();
    one.send(&eve, &message(9, 0));
    assert_eq!(next(&mut again).await, message(9, 0));
}

#[tokio::test]
async fn a_listener_that_receives_nothing_connects_anew() {
    let Some(schema) = postgres_schema().await else { return };
    let database = Database::open(Location::Postgres(schema)).await.unwrap();
    let heartbeat = Heartbeat { ping: Duration::from_secs(86_400), timeout: Duration::from_millis(50) };
    let hub = Hub::default();
    let mut tab = hub.join(&UserId::new("anna")).unwrap();
    let _broadcaster = Broadcaster::connect_with(&database, hub, heartbeat).await.unwrap();
    (&mut tab.ending).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_users_sessions_closes_tabs_in_every_process() {
    let Some([(one, _), (two, _)]) = two_processes().await else { return };
    let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
    let mut tabs = [one.hub(), two.hub()].map(|hub| hub.join(&anna).unwrap());
    let mut other = two.hub().join(&ben).unwrap();
    one.sessions_ended(&anna);
    for tab in &mut tabs {
        assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut));
    }
    assert!(other.ending.try_recv().is_err());
}

#[tokio::test]
async fn the_end_of_a_session_closes_its_tabs_in_every_process() {
    let Some([(one, _), (two, _)]) = two_processes().await else { return };
    let anna = UserId::new("anna");
    let mut tabs = [one.hub(), two.hub()].map(|hub| hub.join_session(&anna, "laptop").unwrap());
    let mut other = two.hub().join_session(&anna, "phone").unwrap();
    one.session_ended(&anna, "laptop");
    for tab in &mut tabs {
        assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut));
    }
    assert!(other.ending.try_recv().is_err());
}

#[tokio::test]
async fn a_single_process_sends_to_its_tabs_directly() {
    let broadcaster = Broadcaster::connect(&sqlite().await, Hub::default()).await.unwrap();
    let anna = UserId::new("anna");
    let mut tab = broadcaster.hub().join(&anna).unwrap();
    broadcaster.send(&anna, &message(1, 9000));
    assert_eq!(next(&mut tab).await, message(1, 9000));
    assert!(broadcaster.others.is_none());
}

#[test]
fn lines_are_packed_as_tightly_as_they_fit() {
    let lines: Vec<_> =
        [10, MAX_NOTIFY_BYTES - 11, 1, MAX_NOTIFY_BYTES, 5].map(|length| "x".repeat(length)).into();
    let packs = packs(&lines);
    assert_eq!(packs.iter().map(String::len).collect::<Vec<_>>(), [MAX_NOTIFY_BYTES, 1, MAX_NOTIFY_BYTES, 5]);
    assert_eq!(packs.join("\n"), lines.join("\n"));
}
