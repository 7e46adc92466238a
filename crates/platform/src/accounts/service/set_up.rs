//! Who becomes admin of a new installation.
//!
//! - On a server that only this machine reaches, the first user.
//! - Elsewhere a stranger could be first, so the first account needs the setup token, which the server prints.
//! - With `ADMIN_EMAIL` only the account with that address, once its user has proven to own it: with the setup token, by
//!   the identity provider, or with a link mailed to it or made by the operator.

use std::fmt;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Accounts, NewAccount, normalised};
use crate::accounts::error::AccountError;
use crate::accounts::secret::{Key, Purpose, Secret};
use crate::accounts::settings::SettingsStore;
use crate::accounts::store::{AccountStore, Rank, SETUP_NONCE};
use crate::accounts::token::random;
use crate::accounts::types::{Role, SetUp, User};
use crate::database::Database;

/// Who may create the first account, which becomes admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstAccount {
    /// Whoever comes first.
    #[default]
    Anybody,
    /// Whoever comes first on this machine; others need the setup token.
    OnThisMachine,
    /// Who has the setup token.
    WithToken,
}

/// Derives the setup token of an installation. It is the same in all processes and after a restart, and is not stored.
/// Cheap to clone.
#[derive(Clone)]
pub(super) struct SetupToken {
    key: Arc<Key>,
    settings: SettingsStore,
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupToken").finish_non_exhaustive()
    }
}

impl SetupToken {
    pub(super) fn new(secret: &Secret, database: Database) -> Self {
        Self { key: Arc::new(secret.key(Purpose::SetupToken)), settings: SettingsStore::new(database) }
    }

    async fn code(&self) -> Result<Hmac<Sha256>, AccountError> {
        let nonce = self.settings.get_or_insert(SETUP_NONCE, random().expose_secret()).await?;
        let code = Hmac::<Sha256>::new_from_slice(&**self.key)
            .map_err(|error| AccountError::Internal(error.into()))?;
        Ok(code.chain_update(nonce))
    }

    async fn text(&self) -> Result<SecretString, AccountError> {
        Ok(BASE64_URL_SAFE_NO_PAD.encode(self.code().await?.finalize().into_bytes()).into())
    }

    async fn is(&self, given: &str) -> Result<bool, AccountError> {
        let Ok(given) = BASE64_URL_SAFE_NO_PAD.decode(given.trim()) else { return Ok(false) };
        Ok(self.code().await?.verify_slice(&given).is_ok())
    }
}

impl Accounts {
    /// Sets who may create the first account.
    #[must_use]
    pub fn with_first_account(self, first_account: FirstAccount) -> Self {
        Self { first_account, ..self }
    }

    /// Makes the user with this email address admin, as soon as the user has proven to own it.
    ///
    /// # Errors
    /// If it is not an email address, or the database fails.
    pub async fn with_admin(self, email: &str) -> Result<Self, AccountError> {
        let email = normalised(email)?;
        if self.store.promote(&email).await? {
            tracing::info!("{email} is now admin");
        } else if let Some(known) = self.store.credentials_by_email(&email).await?
            && known.user.role != Role::Admin
        {
            tracing::warn!(
                "{email} becomes admin when its user has proven to own the address: by signing in with the identity \
                 provider, or with a password reset link, which `llm-studio user password-link` creates"
            );
        }
        Ok(Self { admin_email: Some(email.into()), ..self })
    }

    /// Returns the setup token; `None` if there is an admin already, or the first user becomes admin without one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn setup_token_to_print(&self) -> Result<Option<SecretString>, AccountError> {
        let by_being_first = self.admin_email.is_none() && self.first_account != FirstAccount::WithToken;
        if by_being_first || self.store.has_admin().await? {
            return Ok(None);
        }
        self.setup_token.text().await.map(Some)
    }

    /// Returns whether there is an admin, and how a client on this machine (`local`) or elsewhere becomes the first.
    pub(super) async fn set_up(&self, local: bool) -> Result<SetUp, AccountError> {
        Ok(if self.store.has_admin().await? {
            SetUp::Done
        } else if self.admin_email.is_some() {
            SetUp::TokenIfAdmin
        } else if self.first_account == FirstAccount::Anybody
            || (self.first_account == FirstAccount::OnThisMachine && local)
        {
            SetUp::FirstIsAdmin
        } else {
            SetUp::TokenNeeded
        })
    }

    /// Returns whether a new account becomes admin.
    ///
    /// # Errors
    /// If it needs a setup token and has not the right one.
    pub(super) async fn rank(&self, email: &str, new: &NewAccount) -> Result<Rank, AccountError> {
        let set_up = self.set_up(new.local).await?;
        let token = new.setup_token.as_ref().map(|token| token.expose_secret().trim());
        match (set_up, token.filter(|token| !token.is_empty())) {
            (SetUp::Done, _) => Ok(Rank::User),
            (_, Some(token)) if !self.setup_token.is(token).await? => Err(AccountError::WrongSetupToken),
            (_, Some(_)) if !self.may_be_admin(email) => Err(AccountError::OtherAdmin),
            (_, Some(_)) => Ok(Rank::WithSetupToken),
            (SetUp::FirstIsAdmin, None) => Ok(Rank::FirstIsAdmin),
            (SetUp::TokenIfAdmin, None) => Ok(Rank::User),
            (SetUp::TokenNeeded, None) => Err(AccountError::SetupTokenNeeded),
        }
    }

    /// Returns whether a new account becomes admin whose email address the identity provider has verified.
    ///
    /// # Errors
    /// If the first account needs a setup token.
    pub(super) async fn rank_of_identity(&self, email: &str, local: bool) -> Result<Rank, AccountError> {
        if self.admin_email.as_deref() == Some(email) {
            return Ok(Rank::ProvenAdmin);
        }
        match self.set_up(local).await? {
            SetUp::FirstIsAdmin => Ok(Rank::FirstIsAdmin),
            SetUp::TokenNeeded => Err(AccountError::SetupTokenNeeded),
            SetUp::Done | SetUp::TokenIfAdmin => Ok(Rank::User),
        }
    }

    fn may_be_admin(&self, email: &str) -> bool {
        self.admin_email.as_deref().is_none_or(|admin| admin == email)
    }

    /// Records that the user owns their email address. Returns the user, who may be admin now.
    pub(super) async fn note_proven_email(&self, user: User) -> Result<User, AccountError> {
        self.store.note_proven_email(&user.id).await?;
        self.promote_proven(user).await
    }

    /// Makes a user admin whose address is proven and named by `ADMIN_EMAIL`. Returns the user.
    pub(super) async fn promote_proven(&self, user: User) -> Result<User, AccountError> {
        if self.admin_email.as_deref() != Some(&user.email) || !self.store.promote(&user.email).await? {
            return Ok(user);
        }
        tracing::info!("{} has proven to own ADMIN_EMAIL and is now admin", user.email);
        self.store.user(&user.id).await?.ok_or(AccountError::SessionEnded)
    }
}

/// Returns the setup token, for the server's operator; `None` if there is an admin already.
///
/// # Errors
/// If the database fails.
pub async fn setup_token_for(
    database: Database,
    secret: &Secret,
) -> Result<Option<SecretString>, AccountError> {
    if AccountStore::new(database.clone()).has_admin().await? {
        return Ok(None);
    }
    SetupToken::new(secret, database).text().await.map(Some)
}
