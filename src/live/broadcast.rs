//! Carries what is said in one server process to the tabs and runners of all others, through
//! PostgreSQL's `listen` and `notify`. With SQLite there is only this process, and nothing to carry.
//!
//! Tabs of this process hear a frame at once. For the others it goes through a queue, so that nobody
//! who speaks ever waits for the database. What could not be carried is made up for: their tabs are
//! disconnected, and get the whole present state when they come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::hub::Hub;
use super::types::Frame;
use crate::accounts::UserId;
use crate::database::{Database, new_id, now_ms};

/// Items that may wait to be carried. A benchmark says some hundred things a second at most.
const QUEUE: usize = 8192;
/// Items that go into one transaction.
const BATCH: usize = 256;
/// PostgreSQL refuses notifications of 8000 bytes; some are for origin and number.
const ROOM: usize = 7800;
/// How long a long frame is kept for those who have just been told of it.
const KEEP_MS: i64 = 60_000;
const BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);

/// A short message from one process to all others, by topic; what it means is the business of the room
/// it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    pub topic: String,
    pub body: String,
}

/// Speaks to all tabs of a user, whichever process they are connected to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Broadcaster {
    hub: Hub,
    signals: broadcast::Sender<Signal>,
    others: Option<Arc<Others>>,
}

/// The way to the other processes.
#[derive(Debug)]
struct Others {
    queue: mpsc::Sender<Item>,
    /// Set when something could not be carried.
    gap: Arc<AtomicBool>,
    _stop_with_the_last_relay: DropGuard,
}

/// One line of a notification.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Item {
    Frame {
        user: UserId,
        frame: Frame,
    },
    /// A frame too long to be sent; it is in the table `live_frames`.
    Kept {
        user: UserId,
        id: String,
    },
    Signal(Signal),
    /// Something before this was lost.
    Gap,
}

impl Broadcaster {
    /// A relay for the only process.
    pub fn local(hub: Hub) -> Self {
        Self { hub, signals: broadcast::channel(256).0, others: None }
    }

    /// A relay to all processes that use this database. Stops when its last clone is dropped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(database: &Database, hub: Hub) -> anyhow::Result<Self> {
        let relay = Self::local(hub);
        let Some(mut listener) = database.listener().await.context("cannot listen to the database")? else {
            return Ok(relay);
        };
        let channel = channel_of(database).await?;
        listener.listen(&channel).await?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let gap = Arc::new(AtomicBool::new(false));
        let origin = new_id();
        let stop = CancellationToken::new();
        let ear = NotifyListener { database: database.clone(), relay: relay.clone(), channel, origin };
        let mouth = NotifySender {
            database: database.clone(),
            channel: ear.channel.clone(),
            origin: ear.origin.clone(),
            queue,
            gap: Arc::clone(&gap),
            number: 0,
        };
        tokio::spawn(mouth.speak());
        tokio::spawn(stop.clone().run_until_cancelled_owned(ear.hear(listener)));
        let others = Others { queue: sender, gap, _stop_with_the_last_relay: stop.drop_guard() };
        Ok(Self { others: Some(Arc::new(others)), ..relay })
    }

    /// The tabs of this process.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Tells every tab of `user`. Never waits.
    pub fn send(&self, user: &UserId, frame: Frame) {
        self.hub.send(user, &frame);
        self.carry(Item::Frame { user: user.clone(), frame });
    }

    /// Tells every other process. Never waits; may be lost when the database cannot be reached.
    pub fn signal(&self, topic: &str, body: &str) {
        self.carry(Item::Signal(Signal { topic: topic.into(), body: body.into() }));
    }

    /// What other processes signal from now on.
    pub fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    fn carry(&self, item: Item) {
        let Some(others) = &self.others else { return };
        if others.queue.try_send(item).is_err() {
            others.gap.store(true, Ordering::Relaxed);
        }
    }
}

/// The channel's name. Channels belong to a database, tables to a schema: installations that share a
/// database must not hear each other.
async fn channel_of(database: &Database) -> sqlx::Result<String> {
    let (schema,): (String,) =
        sqlx::query_as("select cast(current_schema() as text)").fetch_one(database.pool()).await?;
    Ok(format!("studio_{schema}"))
}

/// Carries the queue's items to the database, in their order.
struct NotifySender {
    database: Database,
    channel: String,
    origin: String,
    queue: mpsc::Receiver<Item>,
    gap: Arc<AtomicBool>,
    /// Counts notifications: PostgreSQL swallows one that equals another of its transaction.
    number: u64,
}

impl NotifySender {
    async fn speak(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut backoff = BACKOFF;
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            if self.gap.swap(false, Ordering::Relaxed) {
                batch.push(Item::Gap);
            }
            let Err(error) = self.notify(&mut batch).await else {
                backoff = BACKOFF;
                continue;
            };
            tracing::warn!("cannot tell other processes what happens here: {error}");
            self.gap.store(true, Ordering::Relaxed);
            batch.clear();
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }

    async fn notify(&mut self, batch: &mut Vec<Item>) -> anyhow::Result<()> {
        let mut transaction = self.database.begin().await?;
        let mut lines = Vec::with_capacity(batch.len());
        let mut keeps = false;
        for item in batch.drain(..) {
            let line = serde_json::to_string(&item)?;
            match item {
                Item::Frame { user, frame } if line.len() > ROOM => {
                    keeps = true;
                    let id = keep(&mut transaction, &user, &frame).await?;
                    lines.push(serde_json::to_string(&Item::Kept { user, id })?);
                }
                _ => lines.push(line),
            }
        }
        for lines in packs(&lines) {
            self.number += 1;
            sqlx::query("select cast(pg_notify($1, $2) as text)")
                .bind(&self.channel)
                .bind(format!("{} {}\n{lines}", self.origin, self.number))
                .execute(&mut *transaction)
                .await?;
        }
        if keeps {
            sqlx::query("delete from live_frames where created_at < $1")
                .bind(now_ms() - KEEP_MS)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn keep(connection: &mut sqlx::AnyConnection, user: &UserId, frame: &Frame) -> anyhow::Result<String> {
    let id = new_id();
    sqlx::query("insert into live_frames (id, user_id, frame, created_at) values ($1, $2, $3, $4)")
        .bind(&id)
        .bind(user.as_str())
        .bind(serde_json::to_string(frame)?)
        .bind(now_ms())
        .execute(connection)
        .await?;
    Ok(id)
}

/// Lines put together, as many as one notification holds.
fn packs(lines: &[String]) -> Vec<String> {
    let mut packs: Vec<String> = Vec::new();
    for line in lines {
        match packs.last_mut() {
            Some(pack) if pack.len() + 1 + line.len() <= ROOM => {
                pack.push('\n');
                pack.push_str(line);
            }
            _ => packs.push(line.clone()),
        }
    }
    packs
}

/// Hears what other processes say.
struct NotifyListener {
    database: Database,
    /// Without the way to others: what is heard goes no further.
    relay: Broadcaster,
    channel: String,
    origin: String,
}

impl NotifyListener {
    async fn hear(self, mut listener: PgListener) {
        loop {
            self.hear_until_broken(&mut listener).await;
            listener = self.reconnect().await;
            // What was said meanwhile is lost; tabs that come back get the whole present state.
            self.relay.hub.disconnect_all();
        }
    }

    async fn hear_until_broken(&self, listener: &mut PgListener) {
        listener.eager_reconnect(false);
        while let Ok(Some(notification)) = listener.try_recv().await {
            let Some((header, lines)) = notification.payload().split_once('\n') else { continue };
            if header.split(' ').next() == Some(&*self.origin) {
                continue;
            }
            for line in lines.lines() {
                match serde_json::from_str(line) {
                    Ok(item) => self.pass_on(item).await,
                    Err(error) => tracing::warn!("another process says what this one does not know: {error}"),
                }
            }
        }
    }

    async fn pass_on(&self, item: Item) {
        match item {
            Item::Frame { user, frame } => self.relay.hub.send(&user, &frame),
            Item::Kept { user, id } => match self.fetch(&user, &id).await {
                Ok(frame) => self.relay.hub.send(&user, &frame),
                Err(error) => {
                    tracing::warn!("cannot read a frame of another process: {error}");
                    self.relay.hub.disconnect_all();
                }
            },
            // Nobody needs to listen.
            Item::Signal(signal) => drop(self.relay.signals.send(signal)),
            Item::Gap => self.relay.hub.disconnect_all(),
        }
    }

    async fn fetch(&self, user: &UserId, id: &str) -> anyhow::Result<Frame> {
        let (frame,): (String,) =
            sqlx::query_as("select frame from live_frames where user_id = $1 and id = $2")
                .bind(user.as_str())
                .bind(id)
                .fetch_one(self.database.pool())
                .await?;
        Ok(serde_json::from_str(&frame)?)
    }

    async fn reconnect(&self) -> PgListener {
        let mut backoff = BACKOFF;
        loop {
            match self.listen().await {
                Ok(listener) => return listener,
                Err(error) => tracing::warn!("cannot hear what happens in other processes: {error:#}"),
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }

    async fn listen(&self) -> anyhow::Result<PgListener> {
        let mut listener = self.database.listener().await?.context("SQLite has no notifications")?;
        listener.listen(&self.channel).await?;
        Ok(listener)
    }
}

#[cfg(test)]
mod tests;
