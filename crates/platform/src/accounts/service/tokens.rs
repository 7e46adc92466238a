//! API tokens (personal access tokens).

use std::ops::RangeInclusive;

use secrecy::{ExposeSecret, SecretString};

use super::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::session::Session;
use crate::accounts::store::NewToken;
use crate::accounts::token::{fingerprint, random_personal};
use crate::accounts::types::{AccessToken, UserId};
use crate::database::now_ms;

const MAX_TOKENS: i64 = 50;
const MAX_NAME_CHARS: usize = 100;
const DAYS: RangeInclusive<i64> = 1..=365;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const HINT_CHARS: usize = 4;

impl Accounts {
    /// Creates a token that expires in `days`. The token itself cannot be read again.
    ///
    /// # Errors
    /// If name or days are out of bounds, the user has too many tokens, or has not signed in recently; or if this is
    /// an API token itself.
    pub async fn create_token(
        &self,
        session: &Session,
        name: &str,
        days: i64,
    ) -> Result<(SecretString, AccessToken), AccountError> {
        self.check_confirmed(session).await?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            return Err(AccountError::Invalid(format!("Name must be 1–{MAX_NAME_CHARS} characters.")));
        }
        if !DAYS.contains(&days) {
            let (least, most) = (DAYS.start(), DAYS.end());
            return Err(AccountError::Invalid(format!("Expiry must be {least} to {most} days.")));
        }
        let (token, now) = (random_personal(), now_ms());
        let text = token.expose_secret();
        let new = NewToken {
            name,
            fingerprint: &fingerprint(text),
            hint: text.get(text.len() - HINT_CHARS..).unwrap_or_default(),
            now,
            expires_at: now + days * DAY_MS,
        };
        let listed = self.store.insert_token(session.user_id(), &new, MAX_TOKENS).await?;
        let listed = listed.ok_or(AccountError::TooManyTokens(MAX_TOKENS))?;
        Ok((token, listed))
    }

    /// Returns the user's tokens, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list_tokens(&self, user: &UserId) -> Result<Vec<AccessToken>, AccountError> {
        Ok(self.store.list_tokens(user).await?)
    }

    /// Revokes a token and closes the sockets that it opened.
    ///
    /// # Errors
    /// If the user has no such token.
    pub async fn revoke_token(&self, user: &UserId, id: &str) -> Result<(), AccountError> {
        if !self.store.delete_token(user, id).await? {
            return Err(AccountError::NoSuchToken);
        }
        self.sessions_ended.session_ended(user, id);
        Ok(())
    }
}
