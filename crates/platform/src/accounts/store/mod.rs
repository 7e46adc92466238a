//! The SQL of accounts: one file a table.

mod identities;
mod invitations;
mod resets;
mod sessions;
mod tickets;
mod tokens;
mod users;

#[cfg(test)]
mod tests;

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::types::{Role, User, UserId};
use crate::database::Database;

pub use invitations::NewInvitation;
pub use resets::NewReset;
pub use sessions::{NewSession, Rotation};
pub use tickets::{NewTicket, TicketHolder};
pub use tokens::NewToken;
pub use users::{Admission, Credentials, FIRST_ADMIN, NewUser, Rank, Refusal, SETUP_NONCE};

/// Reads and writes the tables of accounts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccountStore {
    database: Database,
}

impl AccountStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

/// The columns that make a [`User`], of a table that the query calls `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.role, u.onboarding_completed"
    };
}
use user_columns;

impl FromRow<'_, AnyRow> for User {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: UserId::new(row.try_get::<String, _>("id")?),
            email: row.try_get("email")?,
            role: Role::from_stored(row.try_get("role")?),
            onboarding_completed: row.try_get::<i64, _>("onboarding_completed")? != 0,
        })
    }
}

impl Role {
    /// What the database calls by another name has no privileges.
    fn from_stored(name: &str) -> Self {
        if name == Self::Admin.as_str() { Self::Admin } else { Self::User }
    }
}
