//! Signing in with an identity at another provider.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};

use super::{Accounts, SignedIn, admission, normalised};
use crate::accounts::error::AccountError;
use crate::accounts::login_limit::Key;
use crate::accounts::oidc::{Identity, OidcClient};
use crate::accounts::store::NewUser;
use crate::accounts::token::fingerprint;
use crate::accounts::types::IdentityConnection;
use crate::accounts::types::UserId;
use crate::database::now_ms;

/// Nothing hashes to this: whoever has it as their hash has no password.
pub(super) const NO_PASSWORD: &str = "";

impl Accounts {
    /// Lets a provider sign users in.
    #[must_use]
    pub fn with_oidc(self, oidc: Option<OidcClient>) -> Self {
        Self { oidc, ..self }
    }

    /// The provider that signs users in.
    pub fn federation(&self) -> Option<&OidcClient> {
        self.oidc.as_ref()
    }

    /// Signs in whom the identity was connected with, or opens an account for who is new.
    ///
    /// An account with the identity's e-mail address is not taken for theirs: whoever opened it need not
    /// have had the address, and would share it from then on.
    ///
    /// # Errors
    /// When there is such an account, or registration is not open to this person.
    pub async fn sign_in_as(
        &self,
        identity: &Identity,
        invitation: Option<&SecretString>,
        from: IpAddr,
    ) -> Result<SignedIn, AccountError> {
        let Identity { issuer, subject, email } = identity;
        if let Some(user) = self.store.user_by_identity(issuer, subject).await? {
            self.store.note_sign_in(&user.id, now_ms()).await?;
            return self.begin_session(user).await;
        }
        let email = normalised(email.as_deref().ok_or(AccountError::NoVerifiedEmail)?)?;
        let attempts = Key::registration(from);
        self.login_limiter.begin(&attempts, now_ms()).await??;
        let invitation = invitation.map(|token| fingerprint(token.expose_secret()));
        let registration = self.settings.registration().await?;
        let new = NewUser {
            email: &email,
            password_hash: NO_PASSWORD,
            promoted: self.admin_email.as_deref() == Some(&email),
            admission: admission(registration, invitation.as_deref()),
            identity: Some((issuer, subject)),
        };
        self.admit(&new, registration).await
    }

    /// Lets the identity sign `user` in from now on.
    ///
    /// # Errors
    /// When it signs somebody in already.
    pub async fn connect(&self, user: &UserId, identity: &Identity) -> Result<(), AccountError> {
        let Identity { issuer, subject, .. } = identity;
        if self.store.connect(user, issuer, subject).await? {
            return Ok(());
        }
        let whose = self.store.user_by_identity(issuer, subject).await?;
        if whose.is_some_and(|whose| whose.id == *user) { Ok(()) } else { Err(AccountError::IdentityTaken) }
    }

    /// Takes that away again.
    ///
    /// # Errors
    /// When the user has no password to sign in with instead.
    pub async fn disconnect(&self, user: &UserId) -> Result<(), AccountError> {
        let Some(federation) = &self.oidc else { return Ok(()) };
        if !self.has_password(user).await? {
            return Err(AccountError::NoPassword);
        }
        Ok(self.store.disconnect(user, federation.issuer()).await?)
    }

    /// Whether and how a provider signs `user` in; `None` without a provider.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connection(&self, user: &UserId) -> Result<Option<IdentityConnection>, AccountError> {
        let Some(federation) = &self.oidc else { return Ok(None) };
        Ok(Some(IdentityConnection {
            provider: federation.name().to_owned(),
            connected: self.store.is_connected(user, federation.issuer()).await?,
            has_password: self.has_password(user).await?,
        }))
    }

    async fn has_password(&self, user: &UserId) -> Result<bool, AccountError> {
        let known = self.store.credentials(user).await?.ok_or(AccountError::SessionEnded)?;
        Ok(known.password_hash != NO_PASSWORD)
    }
}
