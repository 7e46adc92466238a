//! Deletes what users leave behind. An account ends with one short statement that marks its user as
//! deleted; the data go in the background, in batches, so that nobody waits long for the database. Whatever
//! ends the process in between, the next one to start goes on: the user's row goes last.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::sleep;

use super::Accounts;
use crate::accounts::types::UserId;
use crate::database::retry::{has_transient_cause, retry};

/// How often to look for users that a process which ended, or a fault of the database, left half deleted.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// A module that may have stored more of a user than one statement should delete.
pub trait UserData: Send + Sync + 'static {
    /// Ends what runs for a user whose account is deleted, and deletes what the module has stored of them,
    /// in batches. May be called again: what is gone by then is no error.
    fn delete_all<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>>;
}

impl Accounts {
    /// Deletes the data of users that are marked as deleted, module by module, whenever there are any. Never
    /// returns; dropping it is safe at any time.
    pub async fn deletion_loop(&self, modules: &[Arc<dyn UserData>]) {
        loop {
            self.delete_marked_users(modules).await;
            tokio::select! {
                () = self.user_marked.notified() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// One user whose data cannot be deleted now keeps no other from being deleted.
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
