//! Periodic database maintenance: WAL checkpoints, statistics and releasing unused pages.

use std::time::Duration;

use super::Database;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Interval of WAL checkpoints. The data written between two checkpoints is the usual size of the WAL file.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Pages released in one step (2 MB), so that no write waits long.
const PAGES_PER_STEP: u32 = 500;

/// Maintains the database until the future is dropped. Logs failures and retries at the next interval.
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
    // The first tick is immediate, and opening the database has already updated the statistics.
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
