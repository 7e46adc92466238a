//! The table of personal access tokens.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{AccountStore, user_columns};
use crate::accounts::types::{AccessToken, User, UserId};
use crate::database::new_id;

/// How exactly the last use is kept: not each request has to write.
const LAST_USE_STEP_MS: i64 = 60 * 1000;

pub(super) const LIST: &str = "
    select id, name, hint, created_at, expires_at, last_used_at
    from access_tokens where user_id = $1 order by id desc";

pub(super) const BY_FINGERPRINT: &str = concat!(
    "select ",
    user_columns!(),
    ", t.id as token_id, t.last_used_at from access_tokens t join users u on u.id = t.user_id
     where t.token_hash = $1 and t.expires_at > $2 and u.deleted_at is null"
);

/// A token to keep. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    pub name: &'a str,
    pub fingerprint: &'a str,
    pub hint: &'a str,
    pub now: i64,
    pub expires_at: i64,
}

/// A token that was shown, and whose it is.
#[derive(Debug, Clone)]
pub struct StoredToken {
    pub id: String,
    pub user: User,
}

impl FromRow<'_, AnyRow> for AccessToken {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            hint: row.try_get("hint")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            last_used_at: row.try_get("last_used_at")?,
        })
    }
}

impl AccountStore {
    /// Keeps a token unless the user has `most` of them already, and forgets the expired ones.
    pub async fn insert_token(
        &self,
        user: &UserId,
        new: &NewToken<'_>,
        most: i64,
    ) -> sqlx::Result<Option<AccessToken>> {
        sqlx::query("delete from access_tokens where user_id = $1 and expires_at <= $2")
            .bind(user.as_str())
            .bind(new.now)
            .execute(self.database.writer())
            .await?;
        sqlx::query_as(
            "insert into access_tokens (id, user_id, name, token_hash, hint, created_at, expires_at)
             select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as text),
                    cast($6 as bigint), cast($7 as bigint)
             where (select count(*) from access_tokens where user_id = $2) < $8
             returning id, name, hint, created_at, expires_at, last_used_at",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(new.name)
        .bind(new.fingerprint)
        .bind(new.hint)
        .bind(new.now)
        .bind(new.expires_at)
        .bind(most)
        .fetch_optional(self.database.writer())
        .await
    }

    /// The user's tokens, newest first.
    pub async fn list_tokens(&self, user: &UserId) -> sqlx::Result<Vec<AccessToken>> {
        sqlx::query_as(LIST).bind(user.as_str()).fetch_all(self.database.reader()).await
    }

    /// False when the user has no such token.
    pub async fn delete_token(&self, user: &UserId, id: &str) -> sqlx::Result<bool> {
        let deleted = sqlx::query("delete from access_tokens where user_id = $1 and id = $2")
            .bind(user.as_str())
            .bind(id)
            .execute(self.database.writer())
            .await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Whose token this is, if it is still good; notes that it was used.
    pub async fn use_token(&self, fingerprint: &str, now: i64) -> sqlx::Result<Option<StoredToken>> {
        let row = sqlx::query(BY_FINGERPRINT)
            .bind(fingerprint)
            .bind(now)
            .fetch_optional(self.database.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let token = StoredToken { id: row.try_get("token_id")?, user: User::from_row(&row)? };
        let last_used: Option<i64> = row.try_get("last_used_at")?;
        if last_used.is_none_or(|at| at < now - LAST_USE_STEP_MS) {
            sqlx::query("update access_tokens set last_used_at = $1 where id = $2")
                .bind(now)
                .bind(&token.id)
                .execute(self.database.writer())
                .await?;
        }
        Ok(Some(token))
    }

    /// Whose token this is, if it is still good.
    pub async fn user_of_token(&self, id: &str, user: &UserId, now: i64) -> sqlx::Result<Option<User>> {
        sqlx::query_as(concat!(
            "select ",
            user_columns!(),
            " from access_tokens t join users u on u.id = t.user_id
             where t.id = $1 and t.user_id = $2 and t.expires_at > $3 and u.deleted_at is null"
        ))
        .bind(id)
        .bind(user.as_str())
        .bind(now)
        .fetch_optional(self.database.reader())
        .await
    }
}
