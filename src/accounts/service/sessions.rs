//! Sessions: begun by signing in, carried by tokens, ended by signing out.

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use super::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::session::{Proof, Session, SessionCheck};
use crate::accounts::store::{NewSession, Rotation};
use crate::accounts::token::{PERSONAL_PREFIX, REFRESH_SECONDS, RefreshToken, fingerprint};
use crate::accounts::types::User;
use crate::database::{new_id, now_ms};

/// What somebody who has signed in gets to prove it from now on.
#[derive(Debug)]
pub struct SignedIn {
    pub user: User,
    pub access_token: SecretString,
    /// None when the one that was shown stays.
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

    /// A new access token for a refresh token, which is replaced.
    ///
    /// # Errors
    /// When the session has ended. Showing a token that was replaced before ends it.
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
            Rotation::Reused => {
                tracing::warn!("a refresh token was used twice; its session has been ended");
                return Err(AccountError::SessionEnded);
            }
            Rotation::Gone => return Err(AccountError::SessionEnded),
        };
        let access_token = self.signer.sign(&user, &shown.session_id, now)?;
        let user = self.store.user(&user).await?.ok_or(AccountError::SessionEnded)?;
        Ok(SignedIn { user, access_token, refresh_token })
    }

    /// Signs out: ends the session of a request, or that of its refresh token, which outlives access
    /// tokens. Others of the same user go on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(
        &self,
        session: Option<&Session>,
        refresh_token: Option<&SecretString>,
    ) -> Result<(), AccountError> {
        if let Some(session) = session {
            self.store.delete_session(session.user_id(), &session.id).await?;
        }
        if let Some(token) = refresh_token.and_then(|token| RefreshToken::parse(token.expose_secret())) {
            self.store.delete_session_with(&token.session_id, &token.fingerprint()).await?;
        }
        Ok(())
    }

    /// Whose request it is that carries this access token. Looked up each time, so that a session
    /// that was ended anywhere has ended everywhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_of(&self, token: &str, carried: Proof) -> Result<Option<Session>, AccountError> {
        let Some(claims) = self.signer.read(token) else { return Ok(None) };
        let user = self.store.user_of_session(&claims.session_id, &claims.user, now_ms()).await?;
        Ok(user.map(|user| Session { user, id: claims.session_id, proof: carried }))
    }

    /// The same for what stands in `Authorization: Bearer`: an access token or a personal one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_of_bearer(&self, token: &str) -> Result<Option<Session>, AccountError> {
        if !token.starts_with(PERSONAL_PREFIX) {
            return self.session_of(token, Proof::Bearer).await;
        }
        let token = self.store.use_token(&fingerprint(token), now_ms()).await?;
        Ok(token.map(|token| Session { user: token.user, id: token.id, proof: Proof::PersonalToken }))
    }
}

impl SessionCheck for Accounts {
    fn still_signed_in<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>> {
        Box::pin(async move { Ok(self.lives(session).await?) })
    }
}

impl Accounts {
    /// Whether what proved a session is still good. A role that has changed ends it too.
    async fn lives(&self, session: &Session) -> sqlx::Result<bool> {
        let (user, now) = (session.user_id(), now_ms());
        let found = match session.proof {
            Proof::Cookie | Proof::Bearer => self.store.user_of_session(&session.id, user, now).await?,
            Proof::PersonalToken => self.store.user_of_token(&session.id, user, now).await?,
        };
        Ok(found.is_some_and(|found| found.role == session.user.role))
    }
}
