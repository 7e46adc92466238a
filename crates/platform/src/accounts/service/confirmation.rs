//! Confirmation that the session's user is at the browser. What outlives a session, such as an API token or an
//! identity at the provider, is only added by a session whose user has signed in or entered the password recently:
//! a stolen session or API token is then of no use after its end.

use secrecy::SecretString;

use super::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::session::{Proof, Session};
use crate::accounts::types::Confirmation;
use crate::database::now_ms;

/// How long a sign-in or a password counts as recent.
const RECENT_MS: i64 = 15 * 60 * 1000;

impl Accounts {
    /// Returns what the session's user has to do before something is added that outlives the session.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn confirmation(&self, session: &Session) -> Result<Confirmation, AccountError> {
        let proven_at = self.store.proven_at(session.user_id(), &session.id).await?;
        Ok(if proven_at.is_some_and(|at| now_ms() - at <= RECENT_MS) {
            Confirmation::Done
        } else if self.has_password(session.user_id()).await? {
            Confirmation::EnterPassword
        } else {
            Confirmation::SignInAgain
        })
    }

    /// Records that the session's user has entered the password.
    ///
    /// # Errors
    /// If it is wrong, there were too many wrong ones, or this is an API token.
    pub async fn confirm(&self, session: &Session, password: &SecretString) -> Result<(), AccountError> {
        self.verify_password(session, password).await?;
        Ok(self.store.note_proof(session.user_id(), &session.id, now_ms()).await?)
    }

    /// Checks that the session's user has signed in or entered the password recently.
    ///
    /// # Errors
    /// If not, or if this is an API token.
    pub(super) async fn check_confirmed(&self, session: &Session) -> Result<(), AccountError> {
        check_no_token(session)?;
        match self.confirmation(session).await? {
            Confirmation::Done => Ok(()),
            Confirmation::EnterPassword => Err(AccountError::ConfirmFirst),
            Confirmation::SignInAgain => Err(AccountError::SignInAgain),
        }
    }
}

/// Checks that the request has a session, not an API token.
///
/// # Errors
/// If it has a token.
pub(super) fn check_no_token(session: &Session) -> Result<(), AccountError> {
    if session.proof == Proof::PersonalToken { Err(AccountError::NotWithToken) } else { Ok(()) }
}
