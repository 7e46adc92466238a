//! One WebSocket from its opening to its end.

use std::mem;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::SinkExt;
use futures::stream::{BoxStream, ReadyChunks, StreamExt};
use tokio::time::{self, Duration, Instant, Interval, MissedTickBehavior};

use super::closing::Closing;
use super::connection_limit::Permit;
use super::hub::{Subscription, WAITING_FRAMES};
use super::message_text::MessageText;
use super::socket::{LONGEST_MESSAGE, Live};
use crate::accounts::Session;
use crate::http::AppError;
use crate::messages::{ClientMessage, ServerMessage};

/// Frames that are written together when several wait.
const FRAMES_AT_ONCE: usize = 32;

/// Time limit for the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The peer has sent a close frame, which has to be answered.
    ClosedByPeer,
    /// The connection is broken.
    Gone,
    /// The server closes it.
    Close(Closing),
}

impl From<Closing> for End {
    fn from(closing: Closing) -> Self {
        Self::Close(closing)
    }
}

/// The connection to one tab.
pub struct Connection {
    socket: WebSocket,
    tab: Subscription,
    permit: Permit,
    session: Session,
    live: Live,
    /// When the last message of the tab arrived.
    last_message_at: Instant,
    state: ReadyChunks<BoxStream<'static, anyhow::Result<ServerMessage>>>,
    progress: StateProgress,
    /// The ends of jobs that happened while the state was sent. They follow it: a script may stop reading
    /// when its job ends.
    ends_of_jobs: Vec<MessageText>,
}

/// How much of the initial state has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StateProgress {
    Nothing,
    Some,
    All,
}

impl Connection {
    /// `tab` is subscribed already, so that no event is lost between the initial state and the first event.
    pub fn new(socket: WebSocket, tab: Subscription, permit: Permit, session: Session, live: Live) -> Self {
        let state = live.initial_messages(session.user_id()).ready_chunks(FRAMES_AT_ONCE);
        Self {
            socket,
            tab,
            permit,
            session,
            live,
            last_message_at: Instant::now(),
            state,
            progress: StateProgress::Nothing,
            ends_of_jobs: Vec::new(),
        }
    }

    /// Sends the initial state and the events of the user until one side closes the connection.
    pub async fn serve(mut self) {
        let end = self.run().await;
        let Self { socket, tab, permit, .. } = self;
        // Until the close frame has been sent.
        let _open = tab.open();
        // Another tab may connect at once.
        drop((tab, permit));
        match end {
            End::Close(closing) => refuse(socket, closing).await,
            End::ClosedByPeer => finish(socket).await,
            End::Gone => {}
        }
    }

    /// Returns why the connection ends. What ends it is checked first, so that no flood of messages or events
    /// delays it. Events come before the rest of the state, so that their queue does not fill up meanwhile.
    async fn run(&mut self) -> End {
        // The session may have ended between the request and the subscription.
        if let Err(end) = self.check_session().await {
            return end;
        }
        let mut ping = every(self.live.pace.ping);
        let mut session_check = every(self.live.pace.session_check);
        let mut frames = Vec::with_capacity(FRAMES_AT_ONCE);
        loop {
            let silent_at = self.last_message_at + self.live.pace.silence;
            let step = tokio::select! {
                biased;
                closing = &mut self.tab.ending => Err(closing.unwrap_or(Closing::StartAgain).into()),
                _ = session_check.tick() => self.check_session().await,
                () = time::sleep_until(silent_at) => Err(Closing::Silent.into()),
                _ = ping.tick() => self.send(Message::Ping(Bytes::new())).await,
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.on_message(message).await,
                    Some(Err(_)) | None => Err(End::Gone),
                },
                _ = self.tab.frames.recv_many(&mut frames, FRAMES_AT_ONCE),
                    if self.progress != StateProgress::Nothing => self.send_events(&mut frames).await,
                messages = self.state.next(), if self.progress != StateProgress::All => {
                    self.send_state(messages).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Sends the next messages of the initial state, which ends with `None`.
    async fn send_state(&mut self, messages: Option<Vec<anyhow::Result<ServerMessage>>>) -> Result<(), End> {
        let Some(messages) = messages else {
            self.progress = StateProgress::All;
            let ends_of_jobs = mem::take(&mut self.ends_of_jobs);
            return self.send_all(ends_of_jobs).await;
        };
        self.progress = StateProgress::Some;
        let serialise = |message: anyhow::Result<_>| anyhow::Ok(MessageText::of(&message?)?);
        let texts: anyhow::Result<Vec<_>> = messages.into_iter().map(serialise).collect();
        self.send_all(texts.map_err(failed)?).await
    }

    async fn send_events(&mut self, frames: &mut Vec<MessageText>) -> Result<(), End> {
        if self.progress != StateProgress::All {
            self.ends_of_jobs.extend(frames.extract_if(.., |text| ServerMessage::ends_job(text)));
            if self.ends_of_jobs.len() > WAITING_FRAMES {
                return Err(Closing::TooSlow.into());
            }
        }
        self.send_all(frames.drain(..)).await
    }

    /// Handles one message of the tab. Pings and pongs of the protocol do not count as messages: the network
    /// stack answers them, whether the tab still listens or not.
    async fn on_message(&mut self, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) if text.len() <= LONGEST_MESSAGE => text,
            Message::Binary(bytes) if bytes.len() <= LONGEST_MESSAGE => Utf8Bytes::default(),
            Message::Text(_) | Message::Binary(_) => return Err(Closing::TooLong.into()),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::ClosedByPeer),
        };
        self.last_message_at = Instant::now();
        let answer = match serde_json::from_str(&text) {
            Ok(ClientMessage::Ping) => Some(ServerMessage::Pong),
            Ok(ClientMessage::Cancel { job_id }) => self.cancel(job_id).await,
            Err(_) => Some(ServerMessage::Error { job_id: None, error: NOT_UNDERSTOOD.to_owned() }),
        };
        match answer {
            Some(answer) => {
                let text = MessageText::of(&answer).map_err(|error| failed(error.into()))?;
                self.send(text.into()).await
            }
            None => Ok(()),
        }
    }

    /// Requests the cancel of a job. Returns why that failed; an event follows when it has succeeded.
    async fn cancel(&mut self, job_id: String) -> Option<ServerMessage> {
        let failure = self.live.jobs.cancel(self.session.user_id(), &job_id).await.err()?;
        if let AppError::Internal(error) = &failure {
            tracing::error!("cannot cancel a job: {error:#}");
        }
        Some(ServerMessage::Error { job_id: Some(job_id), error: failure.to_string() })
    }

    async fn check_session(&mut self) -> Result<(), End> {
        match self.live.sessions.still_signed_in(&self.session).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Closing::SignedOut.into()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn send_all(&mut self, texts: impl IntoIterator<Item = MessageText>) -> Result<(), End> {
        let socket = &mut self.socket;
        let sending = async {
            for text in texts {
                socket.feed(text.into()).await?;
            }
            socket.flush().await
        };
        within(self.live.pace.send, &mut self.tab, sending).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        within(self.live.pace.send, &mut self.tab, self.socket.send(message)).await
    }
}

/// Waits until the peer has taken what is sent, it is too slow, or the hub closes the tab.
async fn within(
    limit: Duration,
    tab: &mut Subscription,
    sending: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), End> {
    tokio::select! {
        biased;
        sent = time::timeout(limit, sending) => match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(Closing::TooSlow.into()),
        },
        closing = &mut tab.ending => Err(closing.unwrap_or(Closing::StartAgain).into()),
    }
}

/// Sends a close frame and waits until the peer has read it: dropping the socket would discard the frame.
pub async fn refuse(mut socket: WebSocket, closing: Closing) {
    let close = CloseFrame { code: closing.code(), reason: Utf8Bytes::from_static(closing.reason()) };
    if let Ok(Ok(())) = time::timeout(CLOSE_TIMEOUT, socket.send(Message::Close(Some(close)))).await {
        finish(socket).await;
    }
}

/// Completes the closing handshake: reading sends the answer to the peer's close frame, or waits for its answer
/// to ours. The connection is dropped even if the peer does nothing.
async fn finish(mut socket: WebSocket) {
    let reading = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = time::timeout(CLOSE_TIMEOUT, reading).await;
}

const NOT_UNDERSTOOD: &str =
    r#"This was not understood. Send {"type":"ping"} or {"type":"cancel","job_id":"…"} as text."#;

fn failed(error: anyhow::Error) -> End {
    tracing::error!("a tab is closed after an error: {error:#}");
    Closing::Failed.into()
}

/// The first tick comes after a period.
fn every(period: Duration) -> Interval {
    let mut interval = time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

#[cfg(test)]
mod tests;
