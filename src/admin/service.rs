//! Administration of users, limits and settings. [`Accounts`] changes the accounts.

use std::ops::RangeInclusive;

use super::store::AdminStore;
use super::types::{InstallationSettings, UserPage, UserRow};
use crate::accounts::{AccountError, Accounts, UserId};
use crate::database::Database;
use crate::limits::types::{DEFAULT_MAX_CONCURRENT, DEFAULT_MAX_RUNS};
use crate::limits::{RateLimit, RateLimits};

/// Allowed page sizes of the list of users.
pub const PAGE_SIZES: RangeInclusive<i64> = 1..=200;

/// The administration service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AdminService {
    store: AdminStore,
    limits: RateLimits,
    accounts: Accounts,
    benchmarks_per_hour: i64,
}

impl AdminService {
    /// Creates a service. `benchmarks_per_hour` is the default for users without a limit of their own.
    pub fn new(database: Database, accounts: Accounts, benchmarks_per_hour: i64) -> Self {
        let limits = RateLimits::new(database.clone());
        Self { store: AdminStore::new(database), limits, accounts, benchmarks_per_hour }
    }

    /// Returns one page of users, oldest first.
    ///
    /// # Errors
    /// If `limit` is out of bounds.
    pub async fn users(&self, after: Option<&UserId>, limit: i64) -> Result<UserPage, AccountError> {
        if !PAGE_SIZES.contains(&limit) {
            let (least, most) = (PAGE_SIZES.start(), PAGE_SIZES.end());
            return Err(AccountError::Invalid(format!("limit is {least} to {most}, not {limit}.")));
        }
        let users = self.store.users(after, limit).await?;
        let is_full = i64::try_from(users.len()) == Ok(limit);
        let next = users.last().filter(|_| is_full).map(|user| user.id.clone());
        Ok(UserPage { users, next })
    }

    /// Returns one user.
    ///
    /// # Errors
    /// If there is no such user.
    pub async fn user(&self, user: &UserId) -> Result<UserRow, AccountError> {
        self.store.user(user).await?.ok_or(AccountError::NoSuchUser)
    }

    /// Returns a user's limits.
    ///
    /// # Errors
    /// If there is no such user.
    pub async fn rate_limit(&self, user: &UserId) -> Result<RateLimit, AccountError> {
        self.user(user).await?;
        Ok(self.limits.get(user).await?.unwrap_or_else(|| self.default_rate_limit()))
    }

    /// Returns the limits of users for whom no admin has set others.
    pub fn default_rate_limit(&self) -> RateLimit {
        RateLimit {
            benchmarks_per_hour: self.benchmarks_per_hour,
            max_concurrent: DEFAULT_MAX_CONCURRENT,
            max_runs_per_benchmark: DEFAULT_MAX_RUNS,
        }
    }

    /// # Errors
    /// If a number is out of bounds or there is no such user.
    pub async fn set_rate_limit(&self, user: &UserId, limit: &RateLimit) -> Result<(), AccountError> {
        if let Some(problem) = limit.problem() {
            return Err(AccountError::Invalid(problem));
        }
        let set = self.limits.set(user, limit).await?;
        if set { Ok(()) } else { Err(AccountError::NoSuchUser) }
    }

    /// # Errors
    /// If the database fails.
    pub async fn settings(&self) -> Result<InstallationSettings, AccountError> {
        let settings = self.accounts.settings();
        Ok(InstallationSettings {
            registration: settings.registration().await?,
            local_networks: settings.local_networks().await?,
        })
    }

    /// # Errors
    /// If the database fails.
    pub async fn set_settings(&self, new: InstallationSettings) -> Result<(), AccountError> {
        let settings = self.accounts.settings();
        settings.set_registration(new.registration).await?;
        settings.set_local_networks(new.local_networks).await?;
        Ok(())
    }

    /// Returns the accounts service, for roles, deletions and invitations.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

/// Returns the page for an invitation's token, as a path on this server.
pub fn invitation_path(token: &str) -> String {
    format!("/register?invitation={token}")
}
