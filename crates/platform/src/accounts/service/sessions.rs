//! Sessions: started by signing in, identified by tokens, ended by signing out.

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use super::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::session::{Proof, Session, SessionCheck};
use crate::accounts::store::{NewSession, Rotation};
use crate::accounts::token::{PERSONAL_PREFIX, REFRESH_SECONDS, RefreshToken, fingerprint};
use crate::accounts::types::User;
use crate::database::{new_id, now_ms};

/// The tokens of a new session.
#[derive(Debug)]
pub struct SignedIn {
    pub user: User,
    pub access_token: SecretString,
    /// `None` if the current one stays valid.
    pub refresh_token: Option<SecretString>,
}

impl Accounts {
    pub(super) async fn begin_session(&self, user: User) -> Result<SignedIn, AccountError> {
        let (now, refresh) = (now_ms(), RefreshToken::random(new_id()));
        self.store
            .insert_session(&NewSession {
                id: &refresh.session_id,
                user: &user.id,
                refresh_fingerprint: &refresh.fingerprint(),
                now,
                expires_at: now + REFRESH_SECONDS * 1000,
            })
            .await?;
        let access_token = self.signer.sign(&user.id, &refresh.session_id, now)?;
        Ok(SignedIn { user, access_token, refresh_token: Some(refresh.text()) })
    }

    /// Exchanges a refresh token for a new access token and a new refresh token.
    ///
    /// # Errors
    /// If the session has ended. Using a replaced token ends the session.
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, AccountError> {
        let shown = RefreshToken::parse(token).ok_or(AccountError::SessionEnded)?;
        let next = RefreshToken::random(shown.session_id.clone());
        let now = now_ms();
        let expires_at = now + REFRESH_SECONDS * 1000;
        let rotation = self
            .store
            .rotate(&shown.session_id, &shown.fingerprint(), &next.fingerprint(), now, expires_at)
            .await?;
        let (user, refresh_token) = match rotation {
            Rotation::Rotated(user) => (user, Some(next.text())),
            Rotation::InGrace(user) => (user, None),
            Rotation::Reused(user) => {
                tracing::warn!("a refresh token was used twice; ended its session");
                self.sessions_ended.session_ended(&user, &shown.session_id);
                return Err(AccountError::SessionEnded);
            }
            Rotation::Gone => return Err(AccountError::SessionEnded),
        };
        let access_token = self.signer.sign(&user, &shown.session_id, now)?;
        let user = self.store.user(&user).await?.ok_or(AccountError::SessionEnded)?;
        Ok(SignedIn { user, access_token, refresh_token })
    }

    /// Signs out: ends the session of a request, or that of its refresh token, which is valid longer than
    /// access tokens, and closes its sockets. Other sessions of the user are kept.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sign_out(
        &self,
        session: Option<&Session>,
        refresh_token: Option<&SecretString>,
    ) -> Result<(), AccountError> {
        if let Some(session) = session {
            self.store.delete_session(session.user_id(), &session.id).await?;
            if session.proof != Proof::PersonalToken {
                self.sessions_ended.session_ended(session.user_id(), &session.id);
            }
        }
        if let Some(token) = refresh_token.and_then(|token| RefreshToken::parse(token.expose_secret())) {
            let user = self.store.delete_session_with(&token.session_id, &token.fingerprint()).await?;
            if let Some(user) = user {
                self.sessions_ended.session_ended(&user, &token.session_id);
            }
        }
        Ok(())
    }

    /// Returns the session of an access token. It is looked up each time, so that ending a session takes effect
    /// in all processes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session_of(&self, token: &str, carried: Proof) -> Result<Option<Session>, AccountError> {
        let Some(claims) = self.signer.read(token) else { return Ok(None) };
        let user = self.store.user_of_session(&claims.session_id, &claims.user, now_ms()).await?;
        Ok(user.map(|user| Session { user, id: claims.session_id, proof: carried }))
    }

    /// Returns the session of an `Authorization: Bearer` token: an access token or an API token.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session_of_bearer(&self, token: &str) -> Result<Option<Session>, AccountError> {
        if !token.starts_with(PERSONAL_PREFIX) {
            return self.session_of(token, Proof::Bearer).await;
        }
        let token = self.store.use_token(&fingerprint(token), now_ms()).await?;
        Ok(token.map(|token| Session { user: token.user, id: token.id, proof: Proof::PersonalToken }))
    }
}

impl SessionCheck for Accounts {
    fn session_of_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>> {
        Box::pin(async move { Ok(self.session_of_bearer(token).await?) })
    }

    fn session_of_ticket<'a>(&'a self, ticket: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>> {
        Box::pin(async move { Ok(Self::session_of_ticket(self, ticket).await?) })
    }

    fn still_signed_in<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>> {
        Box::pin(async move { Ok(self.is_valid(session).await?) })
    }
}

impl Accounts {
    /// Returns whether a session is still valid. A changed role ends it too.
    async fn is_valid(&self, session: &Session) -> sqlx::Result<bool> {
        let (user, now) = (session.user_id(), now_ms());
        let found = match session.proof {
            Proof::Cookie | Proof::Bearer => self.store.user_of_session(&session.id, user, now).await?,
            Proof::PersonalToken => self.store.user_of_token(&session.id, user, now).await?,
        };
        Ok(found.is_some_and(|found| found.role == session.user.role))
    }
}
