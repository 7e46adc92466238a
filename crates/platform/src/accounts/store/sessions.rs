//! The table of sessions.

use sqlx::Row;

use super::{AccountStore, user_columns};
use crate::accounts::types::{User, UserId};

/// Two tabs may refresh at the same moment: the token of the one that comes second is the previous
/// one by then, and not stolen.
const GRACE_MS: i64 = 10 * 1000;

pub(super) const USER: &str = concat!(
    "select ",
    user_columns!(),
    " from sessions s join users u on u.id = s.user_id
     where s.id = $1 and s.user_id = $2 and s.expires_at > $3 and u.deleted_at is null"
);

/// A session to keep. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    pub id: &'a str,
    pub user: &'a UserId,
    pub refresh_fingerprint: &'a str,
    pub now: i64,
    pub expires_at: i64,
}

/// What came of showing a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It was good and has been replaced.
    Rotated(UserId),
    /// It has been replaced just now, by another tab: the session lives and nothing was changed.
    InGrace(UserId),
    /// It was good once, so somebody has a copy: the session of this user has been ended.
    Reused(UserId),
    /// No such session, or not any more.
    Gone,
}

impl AccountStore {
    /// Keeps a session, and forgets the user's expired ones.
    pub async fn insert_session(&self, new: &NewSession<'_>) -> sqlx::Result<()> {
        sqlx::query("delete from sessions where user_id = $1 and expires_at <= $2")
            .bind(new.user.as_str())
            .bind(new.now)
            .execute(self.database.writer())
            .await?;
        sqlx::query(
            "insert into sessions (id, user_id, refresh_hash, rotated_at, created_at, proven_at, expires_at)
             values ($1, $2, $3, $4, $4, $4, $5)",
        )
        .bind(new.id)
        .bind(new.user.as_str())
        .bind(new.refresh_fingerprint)
        .bind(new.now)
        .bind(new.expires_at)
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// Whose session this is, if it still lives.
    pub async fn user_of_session(&self, id: &str, user: &UserId, now: i64) -> sqlx::Result<Option<User>> {
        sqlx::query_as(USER)
            .bind(id)
            .bind(user.as_str())
            .bind(now)
            .fetch_optional(self.database.reader())
            .await
    }

    /// When the session's user signed in or last entered the password since; `None` without such a session.
    pub async fn proven_at(&self, user: &UserId, id: &str) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar("select proven_at from sessions where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .fetch_optional(self.database.reader())
            .await
    }

    /// Records that the session's user has entered the password.
    pub async fn note_proof(&self, user: &UserId, id: &str, now: i64) -> sqlx::Result<()> {
        sqlx::query("update sessions set proven_at = $1 where user_id = $2 and id = $3")
            .bind(now)
            .bind(user.as_str())
            .bind(id)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Replaces the session's refresh token `old` by `new`, good until `expires_at`.
    pub async fn rotate(
        &self,
        id: &str,
        old: &str,
        new: &str,
        now: i64,
        expires_at: i64,
    ) -> sqlx::Result<Rotation> {
        let rotated: Option<String> = sqlx::query_scalar(
            "update sessions set refresh_hash = $1, previous_hash = $2, rotated_at = $3, expires_at = $4
             where id = $5 and refresh_hash = $2 and expires_at > $3
             returning user_id",
        )
        .bind(new)
        .bind(old)
        .bind(now)
        .bind(expires_at)
        .bind(id)
        .fetch_optional(self.database.writer())
        .await?;
        match rotated {
            Some(user) => Ok(Rotation::Rotated(UserId::new(user))),
            None => self.judge_old_token(id, old, now).await,
        }
    }

    async fn judge_old_token(&self, id: &str, old: &str, now: i64) -> sqlx::Result<Rotation> {
        let row =
            sqlx::query("select user_id, previous_hash, rotated_at, expires_at from sessions where id = $1")
                .bind(id)
                .fetch_optional(self.database.reader())
                .await?;
        let Some(row) = row else { return Ok(Rotation::Gone) };
        if row.try_get::<i64, _>("expires_at")? <= now {
            return Ok(Rotation::Gone);
        }
        let user = UserId::new(row.try_get::<String, _>("user_id")?);
        let previous: Option<String> = row.try_get("previous_hash")?;
        if previous.as_deref() == Some(old) && now - row.try_get::<i64, _>("rotated_at")? <= GRACE_MS {
            return Ok(Rotation::InGrace(user));
        }
        sqlx::query("delete from sessions where id = $1").bind(id).execute(self.database.writer()).await?;
        Ok(Rotation::Reused(user))
    }

    pub async fn delete_session(&self, user: &UserId, id: &str) -> sqlx::Result<()> {
        sqlx::query("delete from sessions where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Deletes a session whose refresh token this is, or has just been. Returns its user.
    pub async fn delete_session_with(&self, id: &str, fingerprint: &str) -> sqlx::Result<Option<UserId>> {
        let user: Option<String> = sqlx::query_scalar(
            "delete from sessions where id = $1 and (refresh_hash = $2 or previous_hash = $2) returning user_id",
        )
        .bind(id)
        .bind(fingerprint)
        .fetch_optional(self.database.writer())
        .await?;
        Ok(user.map(UserId::new))
    }
}
