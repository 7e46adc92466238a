//! The table of links to a new password.

use sqlx::{Any, Transaction};

use super::AccountStore;
use crate::accounts::types::UserId;

/// A link to keep. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct NewReset<'a> {
    pub fingerprint: &'a str,
    /// The admin who made it; `None` if the user requested it, or the server's operator made it.
    pub created_by: Option<&'a UserId>,
    pub now: i64,
    pub expires_at: i64,
}

impl AccountStore {
    /// Keeps a link for `user` in place of the one before. False when there is no such user.
    pub async fn insert_reset(&self, user: &UserId, new: &NewReset<'_>) -> sqlx::Result<bool> {
        let kept = sqlx::query(
            "insert into password_resets (user_id, token_hash, created_at, expires_at, created_by)
             select u.id, $2, $3, $4, $5 from users u where u.id = $1 and u.deleted_at is null
             on conflict (user_id) do update set
                 token_hash = excluded.token_hash,
                 created_at = excluded.created_at,
                 expires_at = excluded.expires_at,
                 created_by = excluded.created_by",
        )
        .bind(user.as_str())
        .bind(new.fingerprint)
        .bind(new.now)
        .bind(new.expires_at)
        .bind(new.created_by.map(UserId::as_str))
        .execute(self.database.writer())
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Whether the link with this fingerprint can be used at `now`.
    pub async fn reset_is_open(&self, fingerprint: &str, now: i64) -> sqlx::Result<bool> {
        let open: Option<String> = sqlx::query_scalar(
            "select user_id from password_resets where token_hash = $1 and expires_at > $2",
        )
        .bind(fingerprint)
        .bind(now)
        .fetch_optional(self.database.reader())
        .await?;
        Ok(open.is_some())
    }

    /// Uses a link up: sets its user's password and ends everything that the old one let in. Whoever has a link that
    /// no admin has made owns the address. `None` when the link cannot be used.
    pub async fn reset_password(
        &self,
        fingerprint: &str,
        password_hash: &str,
        now: i64,
    ) -> sqlx::Result<Option<UserId>> {
        let mut tx = self.database.begin().await?;
        let used: Option<(String, Option<String>)> = sqlx::query_as(
            "delete from password_resets where token_hash = $1 and expires_at > $2
             returning user_id, created_by",
        )
        .bind(fingerprint)
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((user, created_by)) = used else { return Ok(None) };
        let user = UserId::new(user);
        let proven_at = created_by.is_none().then_some(now);
        sqlx::query(
            "update users set password_hash = $1, email_proven_at = coalesce(email_proven_at, $2) where id = $3",
        )
        .bind(password_hash)
        .bind(proven_at)
        .bind(user.as_str())
        .execute(&mut *tx)
        .await?;
        end_what_was_let_in(&mut tx, &user).await?;
        tx.commit().await?;
        Ok(Some(user))
    }
}

/// After another password nothing is good any more that came with the old one.
pub(super) async fn end_what_was_let_in(
    tx: &mut Transaction<'static, Any>,
    user: &UserId,
) -> sqlx::Result<()> {
    for sql in [
        "delete from sessions where user_id = $1",
        "delete from access_tokens where user_id = $1",
        "delete from password_resets where user_id = $1",
        "delete from identities where user_id = $1",
    ] {
        sqlx::query(sql).bind(user.as_str()).execute(&mut **tx).await?;
    }
    Ok(())
}
