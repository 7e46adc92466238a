//! The way back for who has forgotten the password: a link to a new one, by mail or by hand.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Accounts, check_password, normalised};
use crate::accounts::error::AccountError;
use crate::accounts::login_limit::Key;
use crate::accounts::store::{AccountStore, NewReset};
use crate::accounts::token::{fingerprint, random};
use crate::accounts::types::{User, UserId};
use crate::database::{Database, now_ms};
use crate::mail::Mailer;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long a link in a mail is good for.
const MAILED_FOR_MS: i64 = HOUR_MS;
/// How long a link is good for that somebody passes on.
const PASSED_ON_FOR_MS: i64 = 24 * HOUR_MS;

const SUBJECT: &str = "A new password for LLM Benchmark Studio";

/// How links reach those who have forgotten their password. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MailSettings {
    pub mailer: Mailer,
    /// Where browsers reach this studio. Links never begin with what a request says its host was:
    /// whoever asks for a link could have it lead to a server of their own.
    pub public_address: Url,
}

/// A link to a new password.
#[derive(Debug, Clone)]
pub struct PasswordLink {
    /// ErrorBody this once.
    pub token: SecretString,
    /// Unix milliseconds.
    pub expires_at: i64,
}

impl PasswordLink {
    /// The page that takes the token, as a path on this server.
    pub fn path(&self) -> String {
        password_link_path(self.token.expose_secret())
    }
}

impl Accounts {
    /// Sends links to a new password by mail.
    #[must_use]
    pub fn with_mail(self, mail: Option<MailSettings>) -> Self {
        Self { mail, ..self }
    }

    /// Whether links to a new password are sent by mail.
    pub fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Mails a link to a new password to whoever has an account with this address. That nobody has is
    /// not told, and takes as long: what there is to do is done after the answer.
    ///
    /// # Errors
    /// When it is no e-mail address, or somebody asks too often for it or from `from`.
    pub async fn forgot_password(&self, email: &str, from: IpAddr) -> Result<(), AccountError> {
        let email = normalised(email)?;
        let (to, place) = (Key::mail_to(&email), Key::mail_from(from));
        let asked = self.login_limiter.begin(&place, now_ms()).await??;
        if let Err(locked) = self.login_limiter.begin(&to, now_ms()).await? {
            self.login_limiter.withdraw(asked).await?;
            return Err(locked.into());
        }
        if let Some(mail) = self.mail.clone() {
            let store = self.store.clone();
            tokio::spawn(async move {
                if let Err(error) = mail_link(&store, &mail, &email).await {
                    tracing::error!("a link to a new password could not be mailed: {error:#}");
                }
            });
        }
        Ok(())
    }

    /// Sets the password of whom the link was for. Everything that was signed in ends, personal access
    /// tokens too. Nobody needs to be slowed down: a token cannot be guessed, and nothing is hashed
    /// for one that is not good.
    ///
    /// # Errors
    /// When the link is used up or expired, or the password cannot be used.
    pub async fn reset_password(&self, token: &str, password: &SecretString) -> Result<(), AccountError> {
        check_password(password)?;
        let link = fingerprint(token);
        if !self.store.reset_is_open(&link, now_ms()).await? {
            return Err(AccountError::ResetUnusable);
        }
        let hash = self.passwords.hash(password).await?;
        let user = self.store.reset_password(&link, &hash, now_ms()).await?;
        let user = user.ok_or(AccountError::ResetUnusable)?;
        self.sessions_ended.sessions_ended(&user);
        // Whoever guessed at the old password is no concern of who has a new one.
        if let Some(user) = self.store.user(&user).await? {
            self.login_limiter.reset(&Key::account(&user.email)).await?;
        }
        Ok(())
    }

    /// A link with which another user sets a new password, for an admin to pass on.
    ///
    /// # Errors
    /// When there is no such user, or it is the admin's own account: whoever holds a session must not
    /// get the password with it.
    pub async fn password_link(&self, admin: &UserId, user: &UserId) -> Result<PasswordLink, AccountError> {
        if admin == user {
            return Err(AccountError::OwnPassword);
        }
        let made = make_link(&self.store, user, PASSED_ON_FOR_MS).await?;
        tracing::info!(%admin, %user, "an admin made a link to a new password");
        Ok(made)
    }
}

/// A link to a new password for the account with this address, made by who runs the server: the only
/// admin may have forgotten theirs.
///
/// # Errors
/// When there is no such account.
pub async fn password_link_for(database: Database, email: &str) -> Result<PasswordLink, AccountError> {
    let store = AccountStore::new(database);
    let user = user_with(&store, &normalised(email)?).await?.ok_or(AccountError::NoSuchAccount)?;
    make_link(&store, &user.id, PASSED_ON_FOR_MS).await
}

/// The page that takes the token of a link, as a path on this server.
pub fn password_link_path(token: &str) -> String {
    format!("/reset-password?token={token}")
}

async fn user_with(store: &AccountStore, email: &str) -> sqlx::Result<Option<User>> {
    Ok(store.credentials_by_email(email).await?.map(|known| known.user))
}

async fn make_link(
    store: &AccountStore,
    user: &UserId,
    good_for_ms: i64,
) -> Result<PasswordLink, AccountError> {
    let (token, now) = (random(), now_ms());
    let expires_at = now + good_for_ms;
    let new = NewReset { fingerprint: &fingerprint(token.expose_secret()), now, expires_at };
    let kept = store.insert_reset(user, &new).await?;
    if kept { Ok(PasswordLink { token, expires_at }) } else { Err(AccountError::NoSuchUser) }
}

async fn mail_link(store: &AccountStore, mail: &MailSettings, email: &str) -> anyhow::Result<()> {
    let Some(user) = user_with(store, email).await? else { return Ok(()) };
    let link = make_link(store, &user.id, MAILED_FOR_MS).await?;
    let link = mail.public_address.join(&link.path())?;
    let text = format!(
        "Somebody, probably you, has asked for a new password for {email} at LLM Benchmark Studio.\n\n\
         Choose one here within an hour:\n\n{link}\n\n\
         If it was not you, do nothing: your password stays as it is.\n"
    );
    mail.mailer.send(email, SUBJECT, text).await
}
