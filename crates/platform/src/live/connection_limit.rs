//! Limits the number of a user's tabs over all processes.
//!
//! Each open tab holds a PostgreSQL advisory lock. Locks of a crashed process are released automatically. When
//! the database does not answer, each process counts its own tabs only, as with SQLite, where there is only one
//! process.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::hub::TABS_PER_USER;
use crate::accounts::UserId;
use crate::database::Database;

/// Time limit of the database for one tab.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Pause before a second try: the old socket of a reloaded tab may still be open in another process.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// With these, PostgreSQL notices within 30 seconds that a machine is gone, and releases its locks.
pub(super) const TCP_KEEPALIVE: &str = "set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5; \
                          set tcp_keepalives_count = 3";

/// Gives permits to tabs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ConnectionLimiter {
    commands: Option<mpsc::UnboundedSender<Command>>,
}

/// Permission for one tab; released when this is dropped.
#[derive(Debug)]
pub struct Permit {
    /// The lock and the task that holds it; `None` when the process counts alone.
    lock: Option<(i64, mpsc::UnboundedSender<Command>)>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((key, commands)) = &self.lock {
            // Fails when the task has ended, which releases all locks.
            let _ = commands.send(Command::Release(*key));
        }
    }
}

#[derive(Debug)]
enum Command {
    Acquire { user: UserId, answer: oneshot::Sender<Answer> },
    Release(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Acquired(i64),
    Full,
    /// The database does not answer.
    Unknown,
}

impl ConnectionLimiter {
    /// A limiter for all processes that use this database.
    pub fn shared(database: &Database) -> Self {
        let (sender, commands) = mpsc::unbounded_channel();
        let task = LockTask { database: database.clone(), connection: None, held: HashSet::new() };
        tokio::spawn(task.run(commands));
        Self { commands: Some(sender) }
    }

    /// A permit for one more tab of `user`; `None` when the user has as many as allowed.
    pub async fn acquire(&self, user: &UserId) -> Option<Permit> {
        match self.try_acquire(user).await {
            Some(permit) => Some(permit),
            None => {
                tokio::time::sleep(RETRY_AFTER).await;
                self.try_acquire(user).await
            }
        }
    }

    async fn try_acquire(&self, user: &UserId) -> Option<Permit> {
        let Some(commands) = &self.commands else { return Some(Permit { lock: None }) };
        let (sender, answer) = oneshot::channel();
        let _ = commands.send(Command::Acquire { user: user.clone(), answer: sender });
        match answer.await.unwrap_or(Answer::Unknown) {
            Answer::Acquired(key) => Some(Permit { lock: Some((key, commands.clone())) }),
            Answer::Full => None,
            Answer::Unknown => Some(Permit { lock: None }),
        }
    }
}

/// Owns the connection that holds the locks of this process.
struct LockTask {
    database: Database,
    connection: Option<AnyConnection>,
    /// The locks of this process: its session could acquire the same one again.
    held: HashSet<i64>,
}

impl LockTask {
    /// Runs until all senders of commands are dropped.
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Acquire { user, answer } => {
                    let acquired = self.acquire(&user).await;
                    if let Err(Answer::Acquired(key)) = answer.send(acquired) {
                        self.release(key).await;
                    }
                }
                Command::Release(key) => self.release(key).await,
            }
        }
    }

    async fn acquire(&mut self, user: &UserId) -> Answer {
        let free: Vec<i64> = keys(user).filter(|key| !self.held.contains(key)).collect();
        match self.with_connection(async |connection| first_free(connection, &free).await).await {
            Ok(Some(key)) => {
                self.held.insert(key);
                Answer::Acquired(key)
            }
            Ok(None) => Answer::Full,
            Err(error) => {
                tracing::warn!("tabs are counted by each process alone for now: {error:#}");
                Answer::Unknown
            }
        }
    }

    async fn release(&mut self, key: i64) {
        self.held.remove(&key);
        // Without a connection there is no lock.
        if self.connection.is_none() {
            return;
        }
        let released = self.with_connection(async |connection| {
            sqlx::query("select pg_advisory_unlock($1)").bind(key).execute(connection).await.map(drop)
        });
        if let Err(error) = released.await {
            tracing::warn!("the locks of this process's tabs are gone: {error:#}");
        }
    }

    /// Runs statements. A connection on which that fails is dropped, and its locks with it.
    async fn with_connection<T>(
        &mut self,
        run: impl AsyncFnOnce(&mut AnyConnection) -> sqlx::Result<T>,
    ) -> anyhow::Result<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = connect(&self.database, &self.held);
                timeout(TIMEOUT, connecting).await.context("it does not answer")??
            }
        };
        let answer = timeout(TIMEOUT, run(&mut connection)).await.context("it does not answer")??;
        self.connection = Some(connection);
        Ok(answer)
    }
}

/// A new connection that acquires the locks of the open tabs again. Locks that other processes have acquired
/// meanwhile stay theirs.
async fn connect(database: &Database, held: &HashSet<i64>) -> anyhow::Result<AnyConnection> {
    let mut connection = database.connect().await?.context("SQLite has no locks for this")?;
    connection.execute(TCP_KEEPALIVE).await?;
    for key in held {
        try_lock(&mut connection, *key).await?;
    }
    Ok(connection)
}

async fn first_free(connection: &mut AnyConnection, keys: &[i64]) -> sqlx::Result<Option<i64>> {
    for key in keys {
        if try_lock(connection, *key).await? {
            return Ok(Some(*key));
        }
    }
    Ok(None)
}

async fn try_lock(connection: &mut AnyConnection, key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(key).fetch_one(connection).await
}

/// The locks of a user's tabs: a hash of the user, and the tab's number in the last byte.
fn keys(user: &UserId) -> impl Iterator<Item = i64> {
    let hash: [u8; 32] = Sha256::digest(user.as_str()).into();
    let [a, b, c, d, e, f, g, ..] = hash;
    (0..TABS_PER_USER)
        .filter_map(move |tab| Some(i64::from_be_bytes([a, b, c, d, e, f, g, u8::try_from(tab).ok()?])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Backend, testing};

    async fn on_postgres() -> Option<Database> {
        let databases = testing::databases().await;
        databases.into_iter().find(|database| database.backend() == Backend::Postgres)
    }

    /// Terminates the PostgreSQL sessions that hold this lock; returns how many did.
    async fn end_sessions_with(database: &Database, key: i64) -> i64 {
        sqlx::query_scalar(
            "select count(pg_terminate_backend(pid)) from pg_locks
             where locktype = 'advisory' and objsubid = 1
                 and (cast(classid as bigint) << 32 | cast(objid as bigint)) = $1",
        )
        .bind(key)
        .fetch_one(database.reader())
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn tabs_of_all_processes_are_counted() {
        let Some(database) = on_postgres().await else { return };
        let (here, there) = (ConnectionLimiter::shared(&database), ConnectionLimiter::shared(&database));
        let (anna, ben) = (UserId::new(crate::database::new_id()), UserId::new(crate::database::new_id()));
        let mut held = Vec::new();
        for limiter in [&here, &there, &here, &there, &here] {
            held.push(limiter.acquire(&anna).await.unwrap());
        }
        assert!(here.acquire(&anna).await.is_none() && there.acquire(&anna).await.is_none());
        let _bens = there.acquire(&ben).await.unwrap();
        drop(held.remove(0));
        held.push(there.acquire(&anna).await.unwrap());
        assert!(here.acquire(&anna).await.is_none());
    }

    #[tokio::test]
    async fn locks_of_a_lost_connection_are_acquired_again() {
        let Some(database) = on_postgres().await else { return };
        let (here, there) = (ConnectionLimiter::shared(&database), ConnectionLimiter::shared(&database));
        let anna = UserId::new(crate::database::new_id());
        let _four = [
            here.acquire(&anna).await.unwrap(),
            here.acquire(&anna).await.unwrap(),
            here.acquire(&anna).await.unwrap(),
            here.acquire(&anna).await.unwrap(),
        ];
        let mut ended = 0;
        while end_sessions_with(&database, keys(&anna).next().unwrap()).await > 0 {
            ended += 1;
        }
        assert!(ended > 0);
        // The first call finds the connection lost and counts for this process alone.
        let _unknown = here.acquire(&anna).await.unwrap();
        let _fifth = here.acquire(&anna).await.unwrap();
        assert!(there.acquire(&anna).await.is_none());
    }

    #[tokio::test]
    async fn without_a_database_there_is_no_limit() {
        let (limiter, anna) = (ConnectionLimiter::default(), UserId::new("anna"));
        for _ in 0..=TABS_PER_USER {
            assert!(limiter.acquire(&anna).await.is_some());
        }
    }
}
