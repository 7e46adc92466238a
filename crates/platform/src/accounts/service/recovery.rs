//! Password reset with a link, sent by mail or passed on by an admin.

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
/// Validity of a link in a mail.
const MAILED_LINK_MS: i64 = HOUR_MS;
/// Validity of a link that an admin passes on.
const ADMIN_LINK_MS: i64 = 24 * HOUR_MS;

const SUBJECT: &str = "Reset your LLM Benchmark Studio password";

/// Settings for mailing reset links. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MailSettings {
    pub mailer: Mailer,
    /// The public URL of this server. Links never use the request's `Host`, which an attacker could set to
    /// their own server.
    pub public_address: Url,
}

/// A password reset link.
#[derive(Debug, Clone)]
pub struct PasswordLink {
    /// Shown only once.
    pub token: SecretString,
    /// Unix milliseconds.
    pub expires_at: i64,
}

impl PasswordLink {
    /// Returns the page for the token, as a path on this server.
    pub fn path(&self) -> String {
        password_link_path(self.token.expose_secret())
    }
}

impl Accounts {
    /// Enables mailing reset links.
    #[must_use]
    pub fn with_mail(self, mail: Option<MailSettings>) -> Self {
        Self { mail, ..self }
    }

    /// Returns whether reset links can be mailed.
    pub fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Mails a reset link if there is an account with this address. The response and its duration do not
    /// disclose that: the work is done after the response.
    ///
    /// # Errors
    /// If it is not an email address, or there were too many requests for it or from `from`.
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
                    tracing::error!("could not mail a password reset link: {error:#}");
                }
            });
        }
        Ok(())
    }

    /// Sets a new password with a reset link. Ends all sessions and revokes all API tokens. There is no rate
    /// limit, because a token cannot be guessed and nothing is hashed for an invalid one.
    ///
    /// # Errors
    /// If the link has been used or has expired, or the password is invalid.
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
        // Failed attempts with the old password do not matter any more.
        if let Some(user) = self.store.user(&user).await? {
            self.login_limiter.reset(&Key::account(&user.email)).await?;
            self.promote_proven(user).await?;
        }
        Ok(())
    }

    /// Creates a reset link for another user, which the admin passes on.
    ///
    /// # Errors
    /// If there is no such user, or it is the admin's own account: a stolen session must not be enough to
    /// change the password.
    pub async fn password_link(&self, admin: &UserId, user: &UserId) -> Result<PasswordLink, AccountError> {
        if admin == user {
            return Err(AccountError::OwnPassword);
        }
        let made = make_link(&self.store, user, Some(admin), ADMIN_LINK_MS).await?;
        tracing::info!(%admin, %user, "an admin created a password reset link");
        Ok(made)
    }
}

/// Creates a reset link for the account with this address. For the server's operator, because the only admin
/// may have forgotten their password.
///
/// # Errors
/// If there is no such account.
pub async fn password_link_for(database: Database, email: &str) -> Result<PasswordLink, AccountError> {
    let store = AccountStore::new(database);
    let user = user_with(&store, &normalised(email)?).await?.ok_or(AccountError::NoSuchAccount)?;
    make_link(&store, &user.id, None, ADMIN_LINK_MS).await
}

/// Returns the page for the token of a link, as a path on this server.
pub fn password_link_path(token: &str) -> String {
    format!("/reset-password?token={token}")
}

async fn user_with(store: &AccountStore, email: &str) -> sqlx::Result<Option<User>> {
    Ok(store.credentials_by_email(email).await?.map(|known| known.user))
}

async fn make_link(
    store: &AccountStore,
    user: &UserId,
    created_by: Option<&UserId>,
    good_for_ms: i64,
) -> Result<PasswordLink, AccountError> {
    let (token, now) = (random(), now_ms());
    let expires_at = now + good_for_ms;
    let new = NewReset { fingerprint: &fingerprint(token.expose_secret()), created_by, now, expires_at };
    let kept = store.insert_reset(user, &new).await?;
    if kept { Ok(PasswordLink { token, expires_at }) } else { Err(AccountError::NoSuchUser) }
}

async fn mail_link(store: &AccountStore, mail: &MailSettings, email: &str) -> anyhow::Result<()> {
    let Some(user) = user_with(store, email).await? else { return Ok(()) };
    let link = make_link(store, &user.id, None, MAILED_LINK_MS).await?;
    let link = mail.public_address.join(&link.path())?;
    let text = format!(
        "Someone, probably you, requested a password reset for {email} at LLM Benchmark Studio.\n\n\
         Set a new password within one hour:\n\n{link}\n\n\
         If this wasn’t you, ignore this email. Your password stays unchanged.\n"
    );
    mail.mailer.send(email, SUBJECT, text).await
}
