//! What goes wrong with accounts, as sentences for the user and as answers to requests.

use super::login_limit::Locked;
use super::password::PasswordError;
use crate::http::AppError;

/// Seconds after which it is worth to try again when hashes are waiting for each other.
const BUSY_RETRY_S: u64 = 5;

/// Why the accounts service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("Enter an e-mail address such as name@example.org, of at most 254 characters.")]
    Email,
    #[error("Choose a password of 8 to 256 characters.")]
    PasswordLength,
    #[error("There is an account with this e-mail address already. Sign in instead.")]
    EmailTaken,
    #[error("Registration is closed. Ask an admin for an account.")]
    RegistrationClosed,
    #[error("Registration is by invitation. Ask an admin for an invitation link.")]
    InvitationNeeded,
    #[error("This invitation is used up, expired or for another e-mail address. Ask for a new one.")]
    InvitationUnusable,
    #[error("This link is used up, replaced by a newer one, or expired. Ask for a new one.")]
    ResetUnusable,
    #[error("The e-mail address or the password is wrong.")]
    WrongCredentials,
    #[error("The current password is wrong.")]
    WrongPassword,
    #[error("Too many attempts. Try again in {} minutes.", .0.retry_after_s.div_ceil(60))]
    Locked(Locked),
    #[error("Too many people are signing in at this moment. Try again in a few seconds.")]
    Busy,
    #[error("Your session has ended. Sign in again.")]
    SessionEnded,
    #[error("You are the only admin. Make somebody else admin first.")]
    LastAdmin,
    #[error("Only admins may do this.")]
    NotAdmin,
    #[error("You cannot do this to your own account. Ask another admin.")]
    OwnAccount,
    #[error("The provider names no e-mail address that it has made sure of.")]
    NoVerifiedEmail,
    #[error("This identity signs in another account already.")]
    IdentityTaken,
    #[error("You have no password yet. Get a link to one first, or nothing would sign you in any more.")]
    NoPassword,
    #[error("Change your own password on your account's page.")]
    OwnPassword,
    #[error("There is no account with this e-mail address.")]
    NoSuchAccount,
    #[error("There is no such user.")]
    NoSuchUser,
    #[error("You have no such token.")]
    NoSuchToken,
    #[error("There is no such invitation.")]
    NoSuchInvitation,
    #[error("You have as many tokens as one can have ({0}). Revoke one first.")]
    TooManyTokens(i64),
    /// A field out of bounds; says which and what it takes.
    #[error("{0}")]
    Invalid(String),
    #[error("Something went wrong on the server. It has been logged; try again.")]
    Internal(#[source] anyhow::Error),
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<jsonwebtoken::errors::Error> for AccountError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<PasswordError> for AccountError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            other => Self::Internal(other.into()),
        }
    }
}

impl From<Locked> for AccountError {
    fn from(locked: Locked) -> Self {
        Self::Locked(locked)
    }
}

impl From<AccountError> for AppError {
    fn from(error: AccountError) -> Self {
        use AccountError as E;
        let text = error.to_string();
        match error {
            E::Email | E::PasswordLength | E::WrongPassword => Self::BadRequest(text),
            E::InvitationUnusable | E::ResetUnusable => Self::BadRequest(text),
            E::NoVerifiedEmail | E::NoPassword => Self::BadRequest(text),
            E::LastAdmin | E::OwnAccount | E::OwnPassword | E::TooManyTokens(_) => Self::BadRequest(text),
            E::EmailTaken | E::IdentityTaken => Self::Conflict(text),
            E::RegistrationClosed | E::InvitationNeeded => Self::Forbidden(text),
            E::WrongCredentials | E::SessionEnded => Self::SignInFailed(text),
            E::Locked(Locked { retry_after_s }) => Self::TooMany { detail: text, retry_after_s },
            E::Busy => Self::TooMany { detail: text, retry_after_s: BUSY_RETRY_S },
            E::NotAdmin => Self::AdminsOnly,
            E::NoSuchUser | E::NoSuchAccount | E::NoSuchToken | E::NoSuchInvitation => Self::NotFound(text),
            E::Invalid(_) => Self::Invalid(text),
            E::Internal(cause) => Self::Internal(cause),
        }
    }
}
