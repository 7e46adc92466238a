//! The table of invitations.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::AccountStore;
use crate::accounts::types::{Invitation, UserId};
use crate::database::new_id;

pub(super) const OPEN: &str = "
    select id, email, created_at, expires_at from invitations
    where used_at is null and expires_at > $1 order by id desc limit $2";

/// An invitation to keep. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct NewInvitation<'a> {
    pub fingerprint: &'a str,
    /// Who alone may use it.
    pub email: Option<&'a str>,
    pub created_by: &'a UserId,
    pub now: i64,
    pub expires_at: i64,
}

impl FromRow<'_, AnyRow> for Invitation {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
        })
    }
}

impl AccountStore {
    /// Keeps an invitation, and forgets those that are used or expired.
    pub async fn insert_invitation(&self, new: &NewInvitation<'_>) -> sqlx::Result<Invitation> {
        sqlx::query("delete from invitations where used_at is not null or expires_at <= $1")
            .bind(new.now)
            .execute(self.database.writer())
            .await?;
        sqlx::query_as(
            "insert into invitations (id, token_hash, email, created_by, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)
             returning id, email, created_at, expires_at",
        )
        .bind(new_id())
        .bind(new.fingerprint)
        .bind(new.email)
        .bind(new.created_by.as_str())
        .bind(new.now)
        .bind(new.expires_at)
        .fetch_one(self.database.writer())
        .await
    }

    /// The newest invitations that can still be used.
    pub async fn open_invitations(&self, now: i64, most: i64) -> sqlx::Result<Vec<Invitation>> {
        sqlx::query_as(OPEN).bind(now).bind(most).fetch_all(self.database.reader()).await
    }

    /// False when there is no such invitation.
    pub async fn delete_invitation(&self, id: &str) -> sqlx::Result<bool> {
        let deleted = sqlx::query("delete from invitations where id = $1")
            .bind(id)
            .execute(self.database.writer())
            .await?;
        Ok(deleted.rows_affected() == 1)
    }
}
