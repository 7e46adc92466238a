//! Deletes users with all their data, in batches. One short statement marks the user as deleted; a background
//! loop deletes the data in batches, so that other writes do not wait long. The user's row is deleted last,
//! so that after a crash the next process resumes the deletion.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::sleep;

use super::Accounts;
use crate::accounts::types::UserId;
use crate::database::retry::{has_transient_cause, retry};

/// Interval for finding users whose deletion was interrupted by a crash or a database error.
const POLL_INTERVAL: Duration = Duration::from_mins(1);

/// A module that deletes its data of a user in batches.
pub trait UserData: Send + Sync + 'static {
    /// Stops all running work of a deleted user and deletes the module's data of that user, in batches.
    /// Idempotent.
    fn delete_all<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>>;
}

impl Accounts {
    /// Deletes the data of users that are marked as deleted, module by module, when one is marked and at each
    /// interval. Never returns; cancel-safe.
    pub async fn deletion_loop(&self, modules: &[Arc<dyn UserData>]) {
        loop {
            self.delete_marked_users(modules).await;
            tokio::select! {
                () = self.user_marked.notified() => {}
                () = sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Deletes all marked users. An error with one user is logged and does not stop the deletion of the
    /// others.
    pub(super) async fn delete_marked_users(&self, modules: &[Arc<dyn UserData>]) {
        match self.store.marked_as_deleted().await {
            Ok(users) => {
                for user in users {
                    if let Err(error) = self.delete_data(&user, modules).await {
                        tracing::error!(%user, "cannot delete all of a deleted user yet: {error:#}");
                    }
                }
            }
            Err(error) => tracing::warn!("cannot look for deleted users: {error}"),
        }
    }

    async fn delete_data(&self, user: &UserId, modules: &[Arc<dyn UserData>]) -> anyhow::Result<()> {
        let is_transient = |error: &anyhow::Error| has_transient_cause(error.as_ref());
        for module in modules {
            retry(pending(), None, is_transient, || module.delete_all(user)).await?;
        }
        Ok(self.store.delete_marked(user).await?)
    }
}
