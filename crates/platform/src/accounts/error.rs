//! Errors of accounts, as sentences for the user and as HTTP responses.

use super::login_limit::Locked;
use super::password::PasswordError;
use super::service::TICKET_WINDOW_SECONDS;
use crate::http::AppError;

/// `Retry-After` in seconds when too many passwords are being hashed.
const BUSY_RETRY_S: u64 = 5;

/// An error of the accounts service.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("Enter a valid email address, for example name@example.org.")]
    Email,
    #[error("Choose a password of 8 to 256 characters.")]
    PasswordLength,
    #[error("An account with this email address already exists. Sign in instead.")]
    EmailTaken,
    #[error("Registration is closed. Ask an admin for an account.")]
    RegistrationClosed,
    #[error("Registration is by invitation. Ask an admin for an invitation link.")]
    InvitationNeeded,
    #[error(
        "This invitation has been used, has expired, or is for another email address. Ask for a new one."
    )]
    InvitationUnusable,
    #[error(
        "This server isn’t set up yet. To create its admin account, enter the setup token: the server’s log has it, \
         and `llm-studio user setup-token` prints it."
    )]
    SetupTokenNeeded,
    #[error(
        "This isn’t the setup token of this server. Its log has it, and `llm-studio user setup-token` prints it."
    )]
    WrongSetupToken,
    #[error("The setup token has been used: this server has an admin. Create your account without it.")]
    SetupTokenUsed,
    #[error("The admin of this server is to have another email address, that of ADMIN_EMAIL.")]
    OtherAdmin,
    #[error("This link has been used, has expired, or was replaced by a newer one. Request a new one.")]
    ResetUnusable,
    #[error("Wrong email or password.")]
    WrongCredentials,
    #[error("The current password is wrong.")]
    WrongPassword,
    #[error("Too many attempts. Try again in {} minutes.", .0.retry_after_s.div_ceil(60))]
    Locked(Locked),
    #[error("Too many WebSocket tickets. Keep the connection open, or try again in a minute.")]
    TooManyTickets,
    #[error("Too many people are signing in. Try again in a few seconds.")]
    Busy,
    #[error("Your session has ended. Sign in again.")]
    SessionEnded,
    #[error("An API token can’t do this. Sign in with your password.")]
    NotWithToken,
    #[error("Enter your password again first, on your account page, or sign in again.")]
    ConfirmFirst,
    #[error("Sign out and sign in again first.")]
    SignInAgain,
    #[error("You’re the only admin. Promote someone else first.")]
    LastAdmin,
    #[error("Only admins can do this.")]
    NotAdmin,
    #[error("You can’t do this to your own account. Ask another admin.")]
    OwnAccount,
    #[error("The provider didn’t return a verified email address.")]
    NoVerifiedEmail,
    #[error("This identity is already linked to another account.")]
    IdentityTaken,
    #[error("This is your only way to sign in: you have no password. Reset your password to set one first.")]
    NoPassword,
    #[error("Change your own password on your account page.")]
    OwnPassword,
    #[error("There is no account with this email address.")]
    NoSuchAccount,
    #[error("There is no such user.")]
    NoSuchUser,
    #[error("You have no such token.")]
    NoSuchToken,
    #[error("There is no such invitation.")]
    NoSuchInvitation,
    #[error("You’ve reached the limit of {0} tokens. Revoke one first.")]
    TooManyTokens(i64),
    /// A field is out of bounds. The message says which and what is allowed.
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
            E::SetupTokenNeeded | E::WrongSetupToken => Self::Forbidden(text),
            E::SetupTokenUsed | E::OtherAdmin => Self::BadRequest(text),
            E::NotWithToken | E::ConfirmFirst | E::SignInAgain => Self::Forbidden(text),
            E::WrongCredentials | E::SessionEnded => Self::SignInFailed(text),
            E::Locked(Locked { retry_after_s }) => Self::TooMany { detail: text, retry_after_s },
            E::Busy => Self::TooMany { detail: text, retry_after_s: BUSY_RETRY_S },
            E::TooManyTickets => Self::TooMany { detail: text, retry_after_s: TICKET_WINDOW_SECONDS },
            E::NotAdmin => Self::AdminsOnly,
            E::NoSuchUser | E::NoSuchAccount | E::NoSuchToken | E::NoSuchInvitation => Self::NotFound(text),
            E::Invalid(_) => Self::Invalid(text),
            E::Internal(cause) => Self::Internal(cause),
        }
    }
}
