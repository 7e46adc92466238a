//! Broadcasts messages and signals to the tabs and workers of all server processes, through PostgreSQL's
//! `listen` and `notify`. With SQLite there is only one process.
//!
//! Tabs of this process get a message directly. For other processes it goes through a queue, so that no sender
//! waits for the database. When messages are lost, the tabs of the other processes are disconnected; they get
//! the current state when they reconnect. A user who fills the queue loses only their own messages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection_limit::TCP_KEEPALIVE;
use super::hub::Hub;
use super::message_text::MessageText;
use super::queue_shares::{QueueShares, Taken};
use crate::accounts::{SessionsEnded, UserId};
use crate::database::{Backend, Database, new_id};
use crate::messages::ServerMessage;

/// Capacity of the queue. A benchmark sends a few hundred items a second at most.
const QUEUE: usize = 8192;
/// Maximum number of items in one transaction.
const BATCH: usize = 256;
/// PostgreSQL limits notifications to 8000 bytes; origin and number need some of them.
const MAX_NOTIFY_BYTES: usize = 7800;
/// How long a message that is too long for a notification is stored.
const KEEP_MS: i64 = 60_000;
const BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);

/// Detects a listener that receives nothing: a connection that a NAT or load balancer has dropped reports no
/// error.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    /// Interval of the pings that a process sends itself through the channel.
    ping: Duration,
    /// Time without any notification after which the listener reconnects.
    timeout: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { ping: Duration::from_secs(10), timeout: Duration::from_secs(30) }
    }
}

/// A short message from one process to all others; the module that sends it gives its topic a meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    pub topic: String,
    pub body: String,
}

/// Sends messages to all tabs of a user, whichever process they are connected to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Broadcaster {
    hub: Hub,
    signals: broadcast::Sender<Signal>,
    others: Option<Arc<Others>>,
}

/// The queue to the other processes.
#[derive(Debug)]
struct Others {
    queue: mpsc::Sender<Item>,
    /// Set when an item could not be sent.
    gap: Arc<AtomicBool>,
    shares: Arc<Mutex<QueueShares>>,
    _stop_with_the_last_clone: DropGuard,
}

/// One line of a notification.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Item {
    Frame {
        user: UserId,
        frame: MessageText,
    },
    /// A message too long to be sent; it is in the table `live_frames`.
    Stored {
        user: UserId,
        id: String,
    },
    Signal(Signal),
    /// Items before this one were lost.
    Gap,
    /// Messages of this user were lost.
    UserGap {
        user: UserId,
    },
    /// Shows its sender that its own notifications arrive.
    Ping,
    /// The user's sessions have ended.
    SessionsEnded {
        user: UserId,
    },
    /// One session of the user has ended.
    SessionEnded {
        user: UserId,
        session: String,
    },
}

impl Broadcaster {
    /// A broadcaster for the only process.
    pub fn local(hub: Hub) -> Self {
        Self { hub, signals: broadcast::channel(256).0, others: None }
    }

    /// A broadcaster to all processes that use this database. Stops when its last clone is dropped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(database: &Database, hub: Hub) -> anyhow::Result<Self> {
        Self::connect_with(database, hub, Heartbeat::default()).await
    }

    async fn connect_with(database: &Database, hub: Hub, heartbeat: Heartbeat) -> anyhow::Result<Self> {
        let local = Self::local(hub);
        if database.backend() != Backend::Postgres {
            return Ok(local);
        }
        let channel = channel_of(database).await?;
        let listener = listen(database, &channel).await.context("cannot listen to the database")?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let gap = Arc::new(AtomicBool::new(false));
        let shares = Arc::<Mutex<QueueShares>>::default();
        let origin = new_id();
        let stop = CancellationToken::new();
        let notify_listener = NotifyListener {
            database: database.clone(),
            local: local.clone(),
            queue: sender.clone(),
            heartbeat,
            channel,
            origin,
        };
        let notify_sender = NotifySender {
            database: database.clone(),
            channel: notify_listener.channel.clone(),
            origin: notify_listener.origin.clone(),
            queue,
            gap: Arc::clone(&gap),
            shares: Arc::clone(&shares),
            number: 0,
        };
        tokio::spawn(notify_sender.run());
        tokio::spawn(stop.clone().run_until_cancelled_owned(notify_listener.run(listener)));
        let others = Others { queue: sender, gap, shares, _stop_with_the_last_clone: stop.drop_guard() };
        Ok(Self { others: Some(Arc::new(others)), ..local })
    }

    /// The tabs of this process.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Sends the message to every tab of `user`, whichever process it is connected to. Never waits.
    pub fn send(&self, user: &UserId, message: &ServerMessage) {
        if self.others.is_none() && !self.hub.has_tabs(user) {
            return;
        }
        match MessageText::of(message) {
            Ok(frame) => {
                self.hub.send(user, &frame);
                self.enqueue(Item::Frame { user: user.clone(), frame });
            }
            Err(error) => tracing::error!("cannot serialise a message: {error}"),
        }
    }

    /// Sends a signal to every other process. Never waits; may be lost when the database cannot be reached.
    pub fn signal(&self, topic: &str, body: &str) {
        self.enqueue(Item::Signal(Signal { topic: topic.into(), body: body.into() }));
    }

    /// The signals of other processes from now on.
    pub fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    fn enqueue(&self, item: Item) {
        let Some(others) = &self.others else { return };
        if let Item::Frame { user, .. } = &item
            && !lock(&others.shares).put(user)
        {
            return;
        }
        if let Err(refused) = others.queue.try_send(item) {
            if let Item::Frame { user, .. } = refused.into_inner() {
                lock(&others.shares).take(&user);
            }
            others.gap.store(true, Ordering::Relaxed);
        }
    }
}

impl SessionsEnded for Broadcaster {
    /// Closes the user's tabs in every process.
    fn sessions_ended(&self, user: &UserId) {
        self.hub.end(user);
        self.enqueue(Item::SessionsEnded { user: user.clone() });
    }

    /// Closes the tabs of one session in every process.
    fn session_ended(&self, user: &UserId, id: &str) {
        self.hub.end_session(user, id);
        self.enqueue(Item::SessionEnded { user: user.clone(), session: id.to_owned() });
    }
}

/// The channel's name. Channels belong to a database, tables to a schema: installations that share a
/// database must not receive each other's notifications.
async fn channel_of(database: &Database) -> sqlx::Result<String> {
    let (schema,): (String,) =
        sqlx::query_as("select cast(current_schema() as text)").fetch_one(database.reader()).await?;
    Ok(format!("studio_{schema}"))
}

/// Sends the queue's items as notifications, in their order.
struct NotifySender {
    database: Database,
    channel: String,
    origin: String,
    queue: mpsc::Receiver<Item>,
    gap: Arc<AtomicBool>,
    shares: Arc<Mutex<QueueShares>>,
    /// Counts notifications: PostgreSQL swallows one that equals another of its transaction.
    number: u64,
}

impl NotifySender {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut backoff = BACKOFF;
        loop {
            // A gap is announced at once, even when no further item comes.
            if !self.gap.load(Ordering::Relaxed) && self.queue.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            if self.gap.swap(false, Ordering::Relaxed) {
                let room = BATCH.saturating_sub(batch.len());
                batch.extend(std::iter::from_fn(|| self.queue.try_recv().ok()).take(room));
                batch.push(Item::Gap);
            }
            self.drop_useless(&mut batch);
            let Err(error) = self.notify(&mut batch).await else {
                backoff = BACKOFF;
                continue;
            };
            tracing::warn!("cannot notify other processes: {error}");
            self.gap.store(true, Ordering::Relaxed);
            batch.clear();
            if self.queue.is_closed() {
                return;
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }

    /// Takes the messages of users of whom a later one was lost out of the batch, and announces the loss when none of
    /// them is left in the queue.
    fn drop_useless(&self, batch: &mut Vec<Item>) {
        let mut shares = lock(&self.shares);
        let mut announced = Vec::new();
        batch.retain(|item| {
            let Item::Frame { user, .. } = item else { return true };
            let taken = shares.take(user);
            if taken == Taken::LastUseless {
                announced.push(Item::UserGap { user: user.clone() });
            }
            taken == Taken::ToSend
        });
        batch.append(&mut announced);
    }

    async fn notify(&mut self, batch: &mut Vec<Item>) -> anyhow::Result<()> {
        let mut transaction = self.database.begin().await?;
        let mut lines = Vec::with_capacity(batch.len());
        let mut has_stored = false;
        for item in batch.drain(..) {
            let line = serde_json::to_string(&item)?;
            match item {
                Item::Frame { user, frame } if line.len() > MAX_NOTIFY_BYTES => {
                    has_stored = true;
                    let id = store(&mut transaction, &user, &frame).await?;
                    lines.push(serde_json::to_string(&Item::Stored { user, id })?);
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
        if has_stored {
            // By the database's clock, as they were written: the clocks of two processes may differ.
            sqlx::query(
                "delete from live_frames
                 where created_at < cast(extract(epoch from clock_timestamp()) * 1000 as bigint) - $1",
            )
            .bind(KEEP_MS)
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn store(
    connection: &mut sqlx::AnyConnection,
    user: &UserId,
    frame: &MessageText,
) -> sqlx::Result<String> {
    let id = new_id();
    sqlx::query(
        "insert into live_frames (id, user_id, frame, created_at)
         values ($1, $2, $3, cast(extract(epoch from clock_timestamp()) * 1000 as bigint))",
    )
    .bind(&id)
    .bind(user.as_str())
    .bind(&**frame)
    .execute(connection)
    .await?;
    Ok(id)
}

/// Lines put together, as many as one notification holds.
fn packs(lines: &[String]) -> Vec<String> {
    let mut packs: Vec<String> = Vec::new();
    for line in lines {
        match packs.last_mut() {
            Some(pack) if pack.len() + 1 + line.len() <= MAX_NOTIFY_BYTES => {
                pack.push('\n');
                pack.push_str(line);
            }
            _ => packs.push(line.clone()),
        }
    }
    packs
}

/// Receives the notifications of other processes.
struct NotifyListener {
    database: Database,
    /// Has no queue to other processes: passes on to the tabs and signals of this one only.
    local: Broadcaster,
    queue: mpsc::Sender<Item>,
    heartbeat: Heartbeat,
    channel: String,
    origin: String,
}

impl NotifyListener {
    async fn run(self, mut listener: PgListener) {
        loop {
            tokio::select! {
                () = self.receive_until_broken(&mut listener) => {}
                () = self.send_pings() => {}
            }
            listener = self.reconnect().await;
            // Notifications in between are lost; tabs that reconnect get the current state.
            self.local.hub.disconnect_all();
        }
    }

    /// Never returns.
    async fn send_pings(&self) {
        let mut ticks = tokio::time::interval(self.heartbeat.ping);
        loop {
            ticks.tick().await;
            // If the queue is full, there are other notifications to receive.
            let _ = self.queue.try_send(Item::Ping);
        }
    }

    async fn receive_until_broken(&self, listener: &mut PgListener) {
        listener.eager_reconnect(false);
        loop {
            match timeout(self.heartbeat.timeout, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => self.receive(notification.payload()).await,
                Ok(_) => return,
                Err(_) => {
                    tracing::warn!("no notification arrives, not even an own one: reconnecting");
                    return;
                }
            }
        }
    }

    async fn receive(&self, payload: &str) {
        let Some((header, lines)) = payload.split_once('\n') else { return };
        if header.split(' ').next() == Some(&*self.origin) {
            return;
        }
        for line in lines.lines() {
            match serde_json::from_str(line) {
                Ok(item) => self.pass_on(item).await,
                Err(error) => tracing::warn!("another process sent an unknown item: {error}"),
            }
        }
    }

    async fn pass_on(&self, item: Item) {
        match item {
            Item::Frame { user, frame } => self.local.hub.send(&user, &frame),
            // Reading it would delay the messages behind it.
            Item::Stored { user, .. } if !self.local.hub.has_tabs(&user) => {}
            Item::Stored { user, id } => match self.fetch(&user, &id).await {
                Ok(frame) => self.local.hub.send(&user, &frame),
                Err(error) => {
                    tracing::warn!("cannot read a message of another process: {error}");
                    self.local.hub.disconnect_all();
                }
            },
            // Fails when nothing subscribes, which is no fault.
            Item::Signal(signal) => drop(self.local.signals.send(signal)),
            Item::Gap => self.local.hub.disconnect_all(),
            Item::UserGap { user } => self.local.hub.disconnect(&user),
            Item::Ping => {}
            Item::SessionsEnded { user } => self.local.hub.end(&user),
            Item::SessionEnded { user, session } => self.local.hub.end_session(&user, &session),
        }
    }

    async fn fetch(&self, user: &UserId, id: &str) -> sqlx::Result<MessageText> {
        let (frame,): (String,) =
            sqlx::query_as("select frame from live_frames where user_id = $1 and id = $2")
                .bind(user.as_str())
                .bind(id)
                .fetch_one(self.database.reader())
                .await?;
        Ok(MessageText::stored(frame))
    }

    async fn reconnect(&self) -> PgListener {
        let mut backoff = BACKOFF;
        loop {
            match listen(&self.database, &self.channel).await {
                Ok(listener) => return listener,
                Err(error) => tracing::warn!("cannot listen to other processes: {error:#}"),
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }
}

fn lock(shares: &Mutex<QueueShares>) -> MutexGuard<'_, QueueShares> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that receives the channel's notifications.
async fn listen(database: &Database, channel: &str) -> anyhow::Result<PgListener> {
    let mut listener = database.listener().await?.context("SQLite has no notifications")?;
    (&mut listener).execute(TCP_KEEPALIVE).await?;
    listener.listen(channel).await?;
    Ok(listener)
}

#[cfg(test)]
mod tests;
