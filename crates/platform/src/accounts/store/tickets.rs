//! The table of WebSocket tickets.

use sqlx::Row;

use super::AccountStore;
use crate::accounts::types::UserId;

/// A ticket to store. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct NewTicket<'a> {
    pub fingerprint: &'a str,
    pub user: &'a UserId,
    pub holder: TicketHolder,
    pub now: i64,
    pub expires_at: i64,
}

/// What a ticket was given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketHolder {
    /// The session with this id.
    Session(String),
    /// The API token with this id.
    AccessToken(String),
}

impl AccountStore {
    /// Stores a ticket and deletes those of before `since`, which is in Unix milliseconds. Returns false if the
    /// user has been given `limit` tickets since then.
    pub async fn insert_ticket(&self, new: &NewTicket<'_>, since: i64, limit: i64) -> sqlx::Result<bool> {
        sqlx::query("delete from socket_tickets where created_at <= $1")
            .bind(since)
            .execute(self.database.writer())
            .await?;
        let (session, token) = match &new.holder {
            TicketHolder::Session(id) => (Some(id.as_str()), None),
            TicketHolder::AccessToken(id) => (None, Some(id.as_str())),
        };
        let inserted = sqlx::query(
            "insert into socket_tickets (ticket_hash, user_id, session_id, access_token_id, created_at, expires_at)
             select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as bigint),
                    cast($6 as bigint)
             where (select count(*) from socket_tickets where user_id = $2 and created_at > $7) < $8",
        )
        .bind(new.fingerprint)
        .bind(new.user.as_str())
        .bind(session)
        .bind(token)
        .bind(new.now)
        .bind(new.expires_at)
        .bind(since)
        .bind(limit)
        .execute(self.database.writer())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Uses up a ticket. Of several callers only one gets its user and holder.
    pub async fn use_ticket(
        &self,
        fingerprint: &str,
        now: i64,
    ) -> sqlx::Result<Option<(UserId, TicketHolder)>> {
        let row = sqlx::query(
            "update socket_tickets set used_at = $2
             where ticket_hash = $1 and used_at is null and expires_at > $2
             returning user_id, session_id, access_token_id",
        )
        .bind(fingerprint)
        .bind(now)
        .fetch_optional(self.database.writer())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let session: Option<String> = row.try_get("session_id")?;
        let token: Option<String> = row.try_get("access_token_id")?;
        let holder = session.map(TicketHolder::Session).or(token.map(TicketHolder::AccessToken));
        let user = UserId::new(row.try_get::<String, _>("user_id")?);
        Ok(holder.map(|holder| (user, holder)))
    }
}
