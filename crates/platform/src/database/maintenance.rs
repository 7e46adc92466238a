//! What keeps the database in shape while the server runs.

use std::time::Duration;

use super::Database;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often the write-ahead log is emptied; what is written in between is its usual size.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Pages given back in one step, so that no write waits long: 2 MB.
const PAGES_PER_STEP: u32 = 500;

/// Maintains the database until the task is dropped. A failure is logged, and tried again next time.
pub async fn run(database: Database) {
    tokio::join!(checkpoint_regularly(&database), maintain_daily(&database));
}

async fn checkpoint_regularly(database: &Database) {
    let mut ticks = tokio::time::interval(CHECKPOINT_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match database.checkpoint().await {
            Ok(true) => {}
            Ok(false) => tracing::debug!("a reader still needs the write-ahead log; it is emptied later"),
            Err(error) => tracing::warn!("the write-ahead log could not be emptied: {error}"),
        }
    }
}

async fn maintain_daily(database: &Database) {
    let mut days = tokio::time::interval(DAY);
    // The first tick is at once, and opening the database has renewed the statistics already.
    days.tick().await;
    loop {
        days.tick().await;
        if let Err(error) = database.update_statistics().await {
            tracing::warn!("the statistics of the database could not be renewed: {error}");
        }
        if let Err(error) = release_all(database).await {
            tracing::warn!("unused space of the database could not be given back: {error}");
        }
    }
}

async fn release_all(database: &Database) -> sqlx::Result<()> {
    while database.release_pages(PAGES_PER_STEP).await? {}
    Ok(())
}
