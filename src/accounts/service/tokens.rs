//! Personal access tokens.

use std::ops::RangeInclusive;

use secrecy::{ExposeSecret, SecretString};

use super::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::store::NewToken;
use crate::accounts::token::{fingerprint, random_personal};
use crate::accounts::types::{AccessToken, UserId};
use crate::database::now_ms;

const MOST_TOKENS: i64 = 50;
const LONGEST_NAME: usize = 100;
const DAYS: RangeInclusive<i64> = 1..=365;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const HINT_CHARS: usize = 4;

impl Accounts {
    /// Makes a token that is good for `days`. The token itself is told this once.
    ///
    /// # Errors
    /// When name or days are out of bounds, or the user has too many tokens.
    pub async fn create_token(
        &self,
        user: &UserId,
        name: &str,
        days: i64,
    ) -> Result<(SecretString, AccessToken), AccountError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(AccountError::Invalid(format!(
                "Give the token a name of 1 to {LONGEST_NAME} characters."
            )));
        }
        if !DAYS.contains(&days) {
            let (least, most) = (DAYS.start(), DAYS.end());
            return Err(AccountError::Invalid(format!("A token is good for {least} to {most} days.")));
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
        let listed = self.store.insert_token(user, &new, MOST_TOKENS).await?;
        let listed = listed.ok_or(AccountError::TooManyTokens(MOST_TOKENS))?;
        Ok((token, listed))
    }

    /// The user's tokens, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_tokens(&self, user: &UserId) -> Result<Vec<AccessToken>, AccountError> {
        Ok(self.store.list_tokens(user).await?)
    }

    /// # Errors
    /// When the user has no such token.
    pub async fn revoke_token(&self, user: &UserId, id: &str) -> Result<(), AccountError> {
        let revoked = self.store.delete_token(user, id).await?;
        if revoked { Ok(()) } else { Err(AccountError::NoSuchToken) }
    }
}
