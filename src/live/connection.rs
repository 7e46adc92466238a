//! One socket from its opening to its end.

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::SinkExt;
use tokio::time::{self, Duration, Instant, Interval, MissedTickBehavior};

use super::closing::Closing;
use super::connection_limit::Permit;
use super::hub::Subscription;
use super::message_text::MessageText;
use super::socket::{LONGEST_MESSAGE, Live};
use crate::accounts::Session;
use crate::http::AppError;
use crate::messages::{ClientMessage, ServerMessage};

/// Frames that go out together when several wait.
const FRAMES_AT_ONCE: usize = 32;

/// How long the peer may take to agree to a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The peer has left.
    Gone,
    /// The server ends it.
    Close(Closing),
}

impl From<Closing> for End {
    fn from(closing: Closing) -> Self {
        Self::Close(closing)
    }
}

/// A tab that is being served.
pub struct Connection {
    socket: WebSocket,
    tab: Subscription,
    seat: Permit,
    session: Session,
    live: Live,
    /// When the tab last said something.
    heard: Instant,
}

impl Connection {
    /// `tab` has joined already, so that nothing is lost between the snapshot and what comes after.
    pub fn new(socket: WebSocket, tab: Subscription, seat: Permit, session: Session, live: Live) -> Self {
        Self { socket, tab, seat, session, live, heard: Instant::now() }
    }

    /// Tells the present state and then what happens, until one side ends it.
    pub async fn serve(mut self) {
        let end = match self.tell_present_state().await {
            Ok(()) => self.talk().await,
            Err(end) => end,
        };
        let Self { socket, tab, seat, .. } = self;
        // Until the close has been sent.
        let _open = tab.open();
        // Makes room for another tab at once.
        drop((tab, seat));
        if let End::Close(closing) = end {
            refuse(socket, closing).await;
        }
    }

    async fn tell_present_state(&mut self) -> Result<(), End> {
        for snapshot in self.live.snapshots.clone() {
            for message in snapshot.messages(self.session.user_id()).await.map_err(failed)? {
                self.send_message(&message).await?;
            }
        }
        Ok(())
    }

    /// Returns when it ends. What guards the socket comes first, so that no flood of messages or frames
    /// keeps it from its turn.
    async fn talk(&mut self) -> End {
        let mut ping = every(self.live.pace.ping);
        let mut session_check = every(self.live.pace.session_check);
        let mut frames = Vec::with_capacity(FRAMES_AT_ONCE);
        loop {
            let silent_at = self.heard + self.live.pace.silence;
            let step = tokio::select! {
                biased;
                closing = &mut self.tab.ending => Err(closing.unwrap_or(Closing::StartAgain).into()),
                _ = session_check.tick() => self.check_session().await,
                () = time::sleep_until(silent_at) => Err(Closing::Silent.into()),
                _ = ping.tick() => self.send(Message::Ping(Bytes::new())).await,
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) | None => Err(End::Gone),
                },
                _ = self.tab.frames.recv_many(&mut frames, FRAMES_AT_ONCE) => self.pass_on(&mut frames).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Answers one message of the tab. Pings and pongs of the protocol are answered below and do not
    /// count as a word: they say that a computer is there, not that a tab listens.
    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) if text.len() <= LONGEST_MESSAGE => text,
            Message::Binary(bytes) if bytes.len() <= LONGEST_MESSAGE => Utf8Bytes::default(),
            Message::Text(_) | Message::Binary(_) => return Err(Closing::TooLong.into()),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        self.heard = Instant::now();
        let answer = match serde_json::from_str(&text) {
            Ok(ClientMessage::Ping) => Some(ServerMessage::Pong),
            Ok(ClientMessage::Cancel { job_id }) => self.cancel(job_id).await,
            Err(_) => Some(ServerMessage::Error { job_id: None, error: NOT_UNDERSTOOD.to_owned() }),
        };
        match answer {
            Some(answer) => self.send_message(&answer).await,
            None => Ok(()),
        }
    }

    /// Nothing when it could be asked for: an event will tell.
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

    async fn pass_on(&mut self, frames: &mut Vec<MessageText>) -> Result<(), End> {
        let socket = &mut self.socket;
        let sending = async {
            for frame in frames.drain(..) {
                socket.feed(frame.into()).await?;
            }
            socket.flush().await
        };
        within(self.live.pace.send, &mut self.tab, sending).await
    }

    async fn send_message(&mut self, message: &ServerMessage) -> Result<(), End> {
        let text = MessageText::of(message).map_err(|error| failed(error.into()))?;
        self.send(text.into()).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        within(self.live.pace.send, &mut self.tab, self.socket.send(message)).await
    }
}

/// Waits for a peer that takes what it is sent, until it is too slow or the hub lets go of it.
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

/// Says why, and waits for the peer to have read it: a socket that is simply dropped takes the
/// reason with it.
pub async fn refuse(mut socket: WebSocket, closing: Closing) {
    let close = CloseFrame { code: closing.code(), reason: Utf8Bytes::from_static(closing.reason()) };
    let farewell = async {
        socket.send(Message::Close(Some(close))).await?;
        while socket.recv().await.transpose()?.is_some() {}
        Ok::<(), axum::Error>(())
    };
    // A peer that does not answer is let go all the same.
    let _ = time::timeout(CLOSE_TIMEOUT, farewell).await;
}

const NOT_UNDERSTOOD: &str =
    r#"This was not understood. Send {"type":"ping"} or {"type":"cancel","job_id":"…"} as text."#;

fn failed(error: anyhow::Error) -> End {
    tracing::error!("a tab is not served any more: {error:#}");
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
