//! The accounts service: registration, sign-in, password change, deletion.

mod confirmation;
mod deletion;
mod device;
mod manage;
mod oidc;
mod recovery;
mod sessions;
mod set_up;
mod tickets;
mod tokens;

#[cfg(test)]
mod deletion_tests;
#[cfg(test)]
mod set_up_tests;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use super::cookies::CookieSealer;
use super::error::AccountError;
use super::login_limit::{Key, LoginLimiter};
use super::oidc::OidcClient;
use super::password::{PasswordError, Passwords, Verdict};
use super::secret::Secret;
use super::session::{Session, SessionsEnded};
use super::settings::Settings;
use super::store::{AccountStore, Admission, Credentials, NewUser, Rank, Refusal};
use super::token::{Signer, fingerprint};
use super::types::RegistrationInfo;
use super::types::{Registration, UserId};
use crate::database::{Database, now_ms};
use confirmation::check_no_token;
use set_up::SetupToken;

pub use deletion::UserData;
pub use device::Devices;
pub use manage::NewInvitationRequest;
pub use recovery::{MailSettings, PasswordLink, password_link_for, password_link_path};
pub use sessions::SignedIn;
pub use set_up::{FirstAccount, setup_token_for};
pub use tickets::{TICKET_SECONDS, TICKET_WINDOW_SECONDS};

pub const MAX_EMAIL_CHARS: usize = 254;
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;

/// A hook that runs after registration, for example to add the default providers.
pub trait OnRegistration: Send + Sync + 'static {
    /// Called after the account was created. A failure is logged and does not undo the registration.
    fn registered<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// A registration request.
#[derive(Debug)]
pub struct NewAccount {
    pub email: String,
    pub password: SecretString,
    /// The token of an invitation link.
    pub invitation: Option<SecretString>,
    /// The token that the server printed, for the first admin.
    pub setup_token: Option<SecretString>,
    /// Whether the request comes from this machine, without a proxy.
    pub local: bool,
}

/// The accounts of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    store: AccountStore,
    settings: Settings,
    passwords: Passwords,
    signer: Signer,
    login_limiter: LoginLimiter,
    cookies: CookieSealer,
    sessions_ended: Arc<dyn SessionsEnded>,
    admin_email: Option<Arc<str>>,
    first_account: FirstAccount,
    setup_token: SetupToken,
    mail: Option<MailSettings>,
    oidc: Option<OidcClient>,
    registration_hooks: Arc<Vec<Box<dyn OnRegistration>>>,
    /// There is a user whose data are to be deleted.
    user_marked: Arc<Notify>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("admin_email", &self.admin_email).finish_non_exhaustive()
    }
}

impl Accounts {
    /// # Errors
    /// If passwords cannot be hashed.
    pub fn new(
        database: Database,
        secret: &Secret,
        sessions_ended: Arc<dyn SessionsEnded>,
    ) -> Result<Self, PasswordError> {
        Ok(Self {
            store: AccountStore::new(database.clone()),
            settings: Settings::new(database.clone()),
            passwords: Passwords::new()?,
            signer: Signer::new(secret),
            login_limiter: LoginLimiter::new(database.clone()),
            cookies: CookieSealer::new(secret),
            sessions_ended,
            admin_email: None,
            first_account: FirstAccount::default(),
            setup_token: SetupToken::new(secret, database),
            mail: None,
            oidc: None,
            registration_hooks: Arc::default(),
            user_marked: Arc::default(),
        })
    }

    /// Adds hooks that run after each registration.
    #[must_use]
    pub fn with_registration_hooks(self, registration_hooks: Vec<Box<dyn OnRegistration>>) -> Self {
        Self { registration_hooks: Arc::new(registration_hooks), ..self }
    }

    /// Returns what seals and opens this installation's cookies.
    pub fn cookies(&self) -> &CookieSealer {
        &self.cookies
    }

    /// Returns the installation's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the registration status for a client on this machine (`local`) or elsewhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn registration_info(&self, local: bool) -> Result<RegistrationInfo, AccountError> {
        let (registration, set_up) = (self.settings.registration().await?, self.set_up(local).await?);
        Ok(RegistrationInfo { registration, set_up, sends_mail: self.sends_mail() })
    }

    /// Creates an account and signs it in.
    ///
    /// # Errors
    /// If the email address or the password is invalid, the address is in use, registration is not open to this
    /// user, or there were too many attempts from `from`.
    pub async fn register(&self, new: NewAccount, from: IpAddr) -> Result<SignedIn, AccountError> {
        let email = normalised(&new.email)?;
        check_password(&new.password)?;
        let attempts = Key::registration(from);
        self.login_limiter.begin(&attempts, now_ms()).await??;
        let rank = self.rank(&email, &new).await?;
        let hash = self.passwords.hash(&new.password).await?;
        let invitation = new.invitation.as_ref().map(|token| fingerprint(token.expose_secret()));
        let registration = self.settings.registration().await?;
        let new = NewUser {
            email: &email,
            password_hash: &hash,
            rank,
            // The operator, who has the token, vouches for it.
            email_proven: rank == Rank::WithSetupToken,
            admission: admission(registration, invitation.as_deref()),
            identity: None,
        };
        let claimant = match rank {
            Rank::WithSetupToken => self.store.credentials_by_email(&email).await?,
            _ => None,
        };
        let signed_in = self.create_and_sign_in(&new, registration).await?;
        if let Some(claimant) = claimant {
            self.user_marked.notify_one();
            self.sessions_ended.sessions_ended(&claimant.user.id);
        }
        Ok(signed_in)
    }

    async fn create_and_sign_in(
        &self,
        new: &NewUser<'_>,
        registration: Registration,
    ) -> Result<SignedIn, AccountError> {
        let user = match self.store.insert_user(new).await? {
            Ok(user) => user,
            Err(Refusal::EmailTaken) => return Err(AccountError::EmailTaken),
            Err(Refusal::SetUp) => return Err(AccountError::SetupTokenUsed),
            Err(_) => return Err(not_admitted(&new.admission, registration)),
        };
        self.registered(&user.id).await;
        self.begin_session(user).await
    }

    /// Signs in. On one of the user's known devices wrong passwords are counted for that device alone.
    ///
    /// # Errors
    /// If the email address or the password is wrong (the error does not say which), or after too many failures
    /// for this account or from `from`.
    pub async fn sign_in_on(
        &self,
        devices: &Devices,
        email: &str,
        password: &SecretString,
        from: IpAddr,
    ) -> Result<SignedIn, AccountError> {
        // No account has such an address, and failures are stored with it.
        let Ok(email) = normalised(email) else { return Err(AccountError::WrongCredentials) };
        let (known, verdict) = match self.verify_on_device(&email, password, devices).await? {
            Some(proven) => proven,
            None => self.verify_from(&email, password, from).await?,
        };
        if verdict == Verdict::RightButOutdated {
            let hash = self.passwords.hash(password).await?;
            self.store.rehash(&known.user.id, &known.password_hash, &hash).await?;
        }
        self.store.note_sign_in(&known.user.id, now_ms()).await?;
        self.begin_session(known.user).await
    }

    /// Returns the user with this email address and password. Wrong passwords are counted for the account and for
    /// the address.
    async fn verify_from(
        &self,
        email: &str,
        password: &SecretString,
        from: IpAddr,
    ) -> Result<(Credentials, Verdict), AccountError> {
        let attempt = self.login_limiter.begin(&Key::address(from), now_ms()).await??;
        let proven = self.verify_credentials(email, password).await;
        if !matches!(proven, Err(AccountError::WrongCredentials)) {
            self.login_limiter.withdraw(attempt).await?;
        }
        proven
    }

    /// Returns the user with this email address and password. Wrong passwords are counted for the account.
    async fn verify_credentials(
        &self,
        email: &str,
        password: &SecretString,
    ) -> Result<(Credentials, Verdict), AccountError> {
        let account = Key::account(email);
        let _lock = self.login_limiter.lock(&account).await;
        self.login_limiter.check(&account, now_ms()).await??;
        let known = self.store.credentials_by_email(email).await?;
        let hash = known.as_ref().and_then(Credentials::hash);
        let verdict = self.passwords.verify(password, hash).await?;
        let Some(known) = known.filter(|_| verdict != Verdict::Wrong) else {
            self.login_limiter.count(&account, now_ms()).await?;
            return Err(AccountError::WrongCredentials);
        };
        self.login_limiter.reset(&account).await?;
        Ok((known, verdict))
    }

    /// Changes the password. Ends all sessions, revokes all API tokens and starts a new session for the caller.
    ///
    /// # Errors
    /// If the current password is wrong or the new one is invalid, or this is an API token.
    pub async fn change_password(
        &self,
        session: &Session,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<SignedIn, AccountError> {
        check_password(new)?;
        let (user, hash) = (session.user_id(), self.verify_password(session, current).await?);
        let replacement = self.passwords.hash(new).await?;
        if !self.store.change_password(user, &hash, &replacement).await? {
            return Err(AccountError::WrongPassword);
        }
        self.sessions_ended.sessions_ended(user);
        let user = self.store.user(user).await?.ok_or(AccountError::SessionEnded)?;
        self.begin_session(user).await
    }

    /// Closes the user's own account; [`Self::deletion_loop`] then deletes all its data.
    ///
    /// # Errors
    /// If the password is wrong, this is an API token, or the user is the only admin and there are others.
    pub async fn delete_own(&self, session: &Session, password: &SecretString) -> Result<(), AccountError> {
        let user = session.user_id();
        self.verify_password(session, password).await?;
        self.store.delete_self(user).await?.map_err(refused)?;
        self.user_marked.notify_one();
        self.sessions_ended.sessions_ended(user);
        if self.setup_token_to_print().await?.is_some() {
            tracing::warn!(
                "there is no admin any more; `llm-studio user setup-token` prints the token for the next"
            );
        }
        Ok(())
    }

    /// Returns the hash of the password if it is right. Wrong passwords are counted for the session alone, so that
    /// nobody else can keep the user from entering it.
    async fn verify_password(
        &self,
        session: &Session,
        password: &SecretString,
    ) -> Result<String, AccountError> {
        check_no_token(session)?;
        let known = self.store.credentials(session.user_id()).await?.ok_or(AccountError::SessionEnded)?;
        let guesses = Key::session(&session.id);
        self.login_limiter.begin(&guesses, now_ms()).await??;
        if self.passwords.verify(password, known.hash()).await? == Verdict::Wrong {
            return Err(AccountError::WrongPassword);
        }
        self.login_limiter.reset(&guesses).await?;
        Ok(known.password_hash)
    }

    /// Marks the user's onboarding as done.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_onboarding(&self, user: &UserId) -> Result<(), AccountError> {
        Ok(self.store.complete_onboarding(user).await?)
    }

    async fn registered(&self, user: &UserId) {
        for hook in self.registration_hooks.iter() {
            if let Err(error) = hook.registered(user).await {
                tracing::error!("a registration hook failed: {error:#}");
            }
        }
    }
}

impl Credentials {
    /// Returns the hash of the password; `None` for users without one.
    fn hash(&self) -> Option<String> {
        Some(self.password_hash.clone()).filter(|hash| hash != oidc::NO_PASSWORD)
    }
}

/// Returns the email address in lower case, if it is valid.
fn normalised(email: &str) -> Result<String, AccountError> {
    let email = email.trim().to_lowercase();
    let looks_right = email.len() <= MAX_EMAIL_CHARS
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && host.split('.').all(|part| !part.is_empty())
        });
    if looks_right { Ok(email) } else { Err(AccountError::Email) }
}

fn check_password(password: &SecretString) -> Result<(), AccountError> {
    let chars = password.expose_secret().chars().count();
    if PASSWORD_CHARS.contains(&chars) { Ok(()) } else { Err(AccountError::PasswordLength) }
}

fn admission(registration: Registration, invitation: Option<&str>) -> Admission<'_> {
    match (registration, invitation) {
        (Registration::Open, _) => Admission::Anybody,
        (Registration::Invitation, Some(invitation)) => Admission::Invitation(invitation),
        (Registration::Invitation, None) | (Registration::Closed, _) => Admission::Nobody,
    }
}

fn not_admitted(admission: &Admission<'_>, registration: Registration) -> AccountError {
    match (admission, registration) {
        (Admission::Invitation(_), _) => AccountError::InvitationUnusable,
        (_, Registration::Invitation) => AccountError::InvitationNeeded,
        _ => AccountError::RegistrationClosed,
    }
}

fn refused(refusal: Refusal) -> AccountError {
    match refusal {
        Refusal::EmailTaken => AccountError::EmailTaken,
        Refusal::NotAdmitted => AccountError::RegistrationClosed,
        Refusal::LastAdmin => AccountError::LastAdmin,
        Refusal::NoSuchUser => AccountError::NoSuchUser,
        Refusal::NotAdmin => AccountError::NotAdmin,
        Refusal::SetUp => AccountError::SetupTokenUsed,
    }
}
