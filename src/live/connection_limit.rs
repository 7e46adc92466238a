//! Counts the tabs of a user over all processes, so that five are five wherever they are connected.
//!
//! A seat is an advisory lock of PostgreSQL: nobody has to give back what a dead process had, and a tab
//! that comes back finds its seat free. Where the database cannot be asked each process counts for
//! itself, as it does with SQLite, where there is but one.

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

/// How long the database may take for one tab.
const TIMEOUT: Duration = Duration::from_secs(2);
/// A tab that is loaded again may be here before its old socket is gone elsewhere.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(500);
/// PostgreSQL then knows within half a minute that a machine is gone, and frees its seats.
pub(super) const TCP_KEEPALIVE: &str = "set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5; \
                          set tcp_keepalives_count = 3";

/// Gives seats to tabs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ConnectionLimiter {
    clerk: Option<mpsc::UnboundedSender<Command>>,
}

/// A tab's place among its user's tabs, free again when this is dropped.
#[derive(Debug)]
pub struct Permit {
    key: Option<i64>,
    clerk: Option<mpsc::UnboundedSender<Command>>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let (Some(key), Some(clerk)) = (self.key, &self.clerk) {
            // Without a clerk the locks are gone as well.
            let _ = clerk.send(Command::Leave(key));
        }
    }
}

#[derive(Debug)]
enum Command {
    Take { user: UserId, answer: oneshot::Sender<Answer> },
    Leave(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Taken(i64),
    Full,
    /// The database cannot be asked.
    Unknown,
}

impl ConnectionLimiter {
    /// ConnectionLimiter that all processes share which use this database.
    pub fn shared(database: &Database) -> Self {
        let (sender, wishes) = mpsc::unbounded_channel();
        let clerk = LockTask { database: database.clone(), connection: None, taken: HashSet::new() };
        tokio::spawn(clerk.serve(wishes));
        Self { clerk: Some(sender) }
    }

    /// A seat for one more tab of `user`; `None` when all are taken.
    pub async fn take(&self, user: &UserId) -> Option<Permit> {
        match self.try_take(user).await {
            Some(seat) => Some(seat),
            None => {
                tokio::time::sleep(SECOND_LOOK_AFTER).await;
                self.try_take(user).await
            }
        }
    }

    async fn try_take(&self, user: &UserId) -> Option<Permit> {
        let Some(clerk) = &self.clerk else { return Some(Permit { key: None, clerk: None }) };
        let (sender, answer) = oneshot::channel();
        let _ = clerk.send(Command::Take { user: user.clone(), answer: sender });
        match answer.await.unwrap_or(Answer::Unknown) {
            Answer::Taken(key) => Some(Permit { key: Some(key), clerk: Some(clerk.clone()) }),
            Answer::Full => None,
            Answer::Unknown => Some(Permit { key: None, clerk: None }),
        }
    }
}

/// Has the connection whose locks are the seats of this process.
struct LockTask {
    database: Database,
    connection: Option<AnyConnection>,
    /// One session could take the same lock twice.
    taken: HashSet<i64>,
}

impl LockTask {
    /// Until nobody can wish anything any more.
    async fn serve(mut self, mut wishes: mpsc::UnboundedReceiver<Command>) {
        while let Some(wish) = wishes.recv().await {
            match wish {
                Command::Take { user, answer } => {
                    let found = self.find(&user).await;
                    if let Err(Answer::Taken(key)) = answer.send(found) {
                        self.leave(key).await;
                    }
                }
                Command::Leave(key) => self.leave(key).await,
            }
        }
    }

    async fn find(&mut self, user: &UserId) -> Answer {
        let free: Vec<i64> = keys(user).filter(|key| !self.taken.contains(key)).collect();
        match self.with_connection(async |connection| first_free(connection, &free).await).await {
            Ok(Some(key)) => {
                self.taken.insert(key);
                Answer::Taken(key)
            }
            Ok(None) => Answer::Full,
            Err(error) => {
                tracing::warn!("tabs are counted by each process alone for now: {error:#}");
                Answer::Unknown
            }
        }
    }

    async fn leave(&mut self, key: i64) {
        self.taken.remove(&key);
        // Without a connection there is no lock.
        if self.connection.is_none() {
            return;
        }
        let left = self.with_connection(async |connection| {
            sqlx::query("select pg_advisory_unlock($1)").bind(key).execute(connection).await.map(drop)
        });
        if let Err(error) = left.await {
            tracing::warn!("the locks of this process's tabs are gone: {error:#}");
        }
    }

    /// Asks the database; a connection on which that fails is given up, and its locks with it.
    async fn with_connection<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut AnyConnection) -> sqlx::Result<T>,
    ) -> anyhow::Result<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = connect(&self.database, &self.taken);
                timeout(TIMEOUT, connecting).await.context("it does not answer")??
            }
        };
        let answer = timeout(TIMEOUT, ask(&mut connection)).await.context("it does not answer")??;
        self.connection = Some(connection);
        Ok(answer)
    }
}

/// A new connection that has taken again what tabs have that are still here. Whatever has gone to others
/// meanwhile is theirs.
async fn connect(database: &Database, taken: &HashSet<i64>) -> anyhow::Result<AnyConnection> {
    let mut connection = database.connect().await?.context("SQLite has no locks for this")?;
    connection.execute(TCP_KEEPALIVE).await?;
    for key in taken {
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

/// The locks of a user's seats: the user, hashed, and the seat's number in the last byte.
fn keys(user: &UserId) -> impl Iterator<Item = i64> {
    let hash: [u8; 32] = Sha256::digest(user.as_str()).into();
    let [a, b, c, d, e, f, g, ..] = hash;
    (0..TABS_PER_USER)
        .filter_map(move |seat| Some(i64::from_be_bytes([a, b, c, d, e, f, g, u8::try_from(seat).ok()?])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Backend, testing};

    async fn on_postgres() -> Option<Database> {
        let databases = testing::databases().await;
        databases.into_iter().find(|database| database.backend() == Backend::Postgres)
    }

    /// Has PostgreSQL end the sessions that have this lock; how many still had it.
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
    async fn five_are_five_wherever_they_are() {
        let Some(database) = on_postgres().await else { return };
        let (here, there) = (ConnectionLimiter::shared(&database), ConnectionLimiter::shared(&database));
        let (anna, ben) = (UserId::new(crate::database::new_id()), UserId::new(crate::database::new_id()));
        let mut taken = Vec::new();
        for seats in [&here, &there, &here, &there, &here] {
            taken.push(seats.take(&anna).await.unwrap());
        }
        assert!(here.take(&anna).await.is_none() && there.take(&anna).await.is_none());
        let _bens = there.take(&ben).await.unwrap();
        drop(taken.remove(0));
        taken.push(there.take(&anna).await.unwrap());
        assert!(here.take(&anna).await.is_none());
    }

    #[tokio::test]
    async fn seats_of_a_lost_connection_are_taken_again() {
        let Some(database) = on_postgres().await else { return };
        let (here, there) = (ConnectionLimiter::shared(&database), ConnectionLimiter::shared(&database));
        let anna = UserId::new(crate::database::new_id());
        let _four = [
            here.take(&anna).await.unwrap(),
            here.take(&anna).await.unwrap(),
            here.take(&anna).await.unwrap(),
            here.take(&anna).await.unwrap(),
        ];
        let mut ended = 0;
        while end_sessions_with(&database, keys(&anna).next().unwrap()).await > 0 {
            ended += 1;
        }
        assert!(ended > 0);
        // Counted by this process alone while it finds the connection gone, and together again after.
        let _unknown = here.take(&anna).await.unwrap();
        let _fifth = here.take(&anna).await.unwrap();
        assert!(there.take(&anna).await.is_none());
    }

    #[tokio::test]
    async fn alone_each_process_counts_for_itself() {
        let (seats, anna) = (ConnectionLimiter::default(), UserId::new("anna"));
        for _ in 0..=TABS_PER_USER {
            assert!(seats.take(&anna).await.is_some());
        }
    }
}
