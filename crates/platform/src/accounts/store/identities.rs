//! The table of identities at other providers.

use sqlx::{Any, Transaction};

use super::{AccountStore, user_columns};
use crate::accounts::types::{User, UserId};
use crate::database::now_ms;

impl AccountStore {
    /// Whom this identity signs in.
    pub async fn user_by_identity(&self, issuer: &str, subject: &str) -> sqlx::Result<Option<User>> {
        sqlx::query_as(concat!(
            "select ",
            user_columns!(),
            " from users u join identities i on i.user_id = u.id
             where i.issuer = $1 and i.subject = $2 and u.deleted_at is null"
        ))
        .bind(issuer)
        .bind(subject)
        .fetch_optional(self.database.reader())
        .await
    }

    /// Lets this identity sign `user` in. False when it signs somebody in already.
    pub async fn connect(&self, user: &UserId, issuer: &str, subject: &str) -> sqlx::Result<bool> {
        let mut tx = self.database.begin().await?;
        let connected = insert_identity(&mut tx, user, issuer, subject).await?;
        tx.commit().await?;
        Ok(connected)
    }

    /// Whether an identity of this issuer signs `user` in.
    pub async fn is_connected(&self, user: &UserId, issuer: &str) -> sqlx::Result<bool> {
        let identities: i64 =
            sqlx::query_scalar("select count(*) from identities where user_id = $1 and issuer = $2")
                .bind(user.as_str())
                .bind(issuer)
                .fetch_one(self.database.reader())
                .await?;
        Ok(identities > 0)
    }

    /// Takes away that identities of this issuer sign `user` in.
    pub async fn disconnect(&self, user: &UserId, issuer: &str) -> sqlx::Result<()> {
        sqlx::query("delete from identities where user_id = $1 and issuer = $2")
            .bind(user.as_str())
            .bind(issuer)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }
}

/// False when the identity signs somebody in already.
pub(super) async fn insert_identity(
    tx: &mut Transaction<'static, Any>,
    user: &UserId,
    issuer: &str,
    subject: &str,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "insert into identities (issuer, subject, user_id, created_at) values ($1, $2, $3, $4)
         on conflict (issuer, subject) do nothing",
    )
    .bind(issuer)
    .bind(subject)
    .bind(user.as_str())
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
