//! Sign-in with an identity provider.

use secrecy::{ExposeSecret, SecretString};

use super::confirmation::check_no_token;
use super::{Accounts, SignedIn, admission, normalised};
use crate::accounts::error::AccountError;
use crate::accounts::login_limit::Key;
use crate::accounts::oidc::{Identity, LoginFlow, OidcClient};
use crate::accounts::session::Session;
use crate::accounts::store::NewUser;
use crate::accounts::token::fingerprint;
use crate::accounts::types::IdentityConnection;
use crate::accounts::types::{User, UserId};
use crate::database::now_ms;
use crate::http::client_ip::ClientInfo;

/// No password has this hash: it marks users without a password.
pub(super) const NO_PASSWORD: &str = "";

impl Accounts {
    /// Enables sign-in with an identity provider.
    #[must_use]
    pub fn with_oidc(self, oidc: Option<OidcClient>) -> Self {
        Self { oidc, ..self }
    }

    /// Returns the identity provider.
    pub fn oidc(&self) -> Option<&OidcClient> {
        self.oidc.as_ref()
    }

    /// Signs in the user connected with the identity, or creates an account for a new user.
    ///
    /// An existing account with the identity's email address is not used: its creator may not own the address
    /// and would then share the account.
    ///
    /// # Errors
    /// If there is such an account, or registration is not open to this user.
    pub async fn sign_in_as(
        &self,
        identity: &Identity,
        invitation: Option<&SecretString>,
        from: ClientInfo,
    ) -> Result<SignedIn, AccountError> {
        let Identity { issuer, subject, email } = identity;
        if let Some(user) = self.store.user_by_identity(issuer, subject).await? {
            let user = self.note_identity(user, identity).await?;
            self.store.note_sign_in(&user.id, now_ms()).await?;
            return self.begin_session(user).await;
        }
        let email = normalised(email.as_deref().ok_or(AccountError::NoVerifiedEmail)?)?;
        let attempts = Key::registration(from.address);
        self.login_limiter.begin(&attempts, now_ms()).await??;
        let rank = self.rank_of_identity(&email, from.local).await?;
        let invitation = invitation.map(|token| fingerprint(token.expose_secret()));
        let registration = self.settings.registration().await?;
        let new = NewUser {
            email: &email,
            password_hash: NO_PASSWORD,
            rank,
            email_proven: true,
            admission: admission(registration, invitation.as_deref()),
            identity: Some((issuer, subject)),
        };
        self.create_and_sign_in(&new, registration).await
    }

    /// Starts connecting an identity with the session's account. Returns the state that the callback needs.
    ///
    /// # Errors
    /// If the user has not signed in recently, or this is an API token.
    pub async fn begin_connection(&self, session: &Session, next: &str) -> Result<LoginFlow, AccountError> {
        self.check_confirmed(session).await?;
        Ok(LoginFlow::new(next, None, Some(session.id.clone())))
    }

    /// Connects the identity with `user`, whose session has started it.
    ///
    /// # Errors
    /// If it is already connected with an account.
    pub async fn connect(&self, user: &UserId, identity: &Identity) -> Result<(), AccountError> {
        let Identity { issuer, subject, .. } = identity;
        if self.store.connect(user, issuer, subject).await? {
            if let Some(user) = self.store.user(user).await? {
                self.note_identity(user, identity).await?;
            }
            return Ok(());
        }
        let whose = self.store.user_by_identity(issuer, subject).await?;
        if whose.is_some_and(|whose| whose.id == *user) { Ok(()) } else { Err(AccountError::IdentityTaken) }
    }

    /// Records that the provider has verified the user's email address, if it is the identity's. Returns the user, who
    /// may be admin now.
    async fn note_identity(&self, user: User, identity: &Identity) -> Result<User, AccountError> {
        let verified = identity.email.as_deref().and_then(|email| normalised(email).ok());
        if verified.as_deref() == Some(&user.email) { self.note_proven_email(user).await } else { Ok(user) }
    }

    /// Disconnects the identity provider from the session's user.
    ///
    /// # Errors
    /// If the user has no password, or this is an API token.
    pub async fn disconnect(&self, session: &Session) -> Result<(), AccountError> {
        let user = session.user_id();
        check_no_token(session)?;
        let Some(oidc) = &self.oidc else { return Ok(()) };
        if !self.has_password(user).await? {
            return Err(AccountError::NoPassword);
        }
        Ok(self.store.disconnect(user, oidc.issuer()).await?)
    }

    /// Returns how the session's user can sign in with the provider; `None` without a provider.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn connection(&self, session: &Session) -> Result<Option<IdentityConnection>, AccountError> {
        let user = session.user_id();
        let Some(oidc) = &self.oidc else { return Ok(None) };
        Ok(Some(IdentityConnection {
            provider: oidc.name().to_owned(),
            connected: self.store.is_connected(user, oidc.issuer()).await?,
            has_password: self.has_password(user).await?,
            confirmation: self.confirmation(session).await?,
        }))
    }

    pub(super) async fn has_password(&self, user: &UserId) -> Result<bool, AccountError> {
        let known = self.store.credentials(user).await?.ok_or(AccountError::SessionEnded)?;
        Ok(known.password_hash != NO_PASSWORD)
    }
}
