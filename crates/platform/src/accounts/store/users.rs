//! The table of users.

use sqlx::any::AnyRow;
use sqlx::{Any, FromRow, Row, Transaction};

use super::identities::insert_identity;
use super::resets::end_what_was_let_in;
use super::{AccountStore, user_columns};
use crate::accounts::types::{Role, User, UserId};
use crate::database::{new_id, now_ms};

/// Who is admin is decided under this row's lock, one decision after the other. It is also how the
/// first user becomes admin: whoever inserts it was first.
pub const FIRST_ADMIN: &str = "first-admin";

/// Name of the setting that makes the setup token differ from that of an earlier set-up.
pub const SETUP_NONCE: &str = "setup-nonce";

/// A user with what proves that it is them.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user: User,
    pub password_hash: String,
}

impl FromRow<'_, AnyRow> for Credentials {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self { user: User::from_row(row)?, password_hash: row.try_get("password_hash")? })
    }
}

/// Who wants to be a user.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub email: &'a str,
    pub password_hash: &'a str,
    pub rank: Rank,
    /// Whether the user has proven to own the address.
    pub email_proven: bool,
    pub admission: Admission<'a>,
    /// Issuer and subject of the identity that signs them in.
    pub identity: Option<(&'a str, &'a str)>,
}

/// Whether a new user becomes admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    User,
    /// If nobody has been admin before.
    FirstIsAdmin,
    /// The user has the setup token, which works until there is an admin.
    WithSetupToken,
    /// The user has proven to own the address that the operator has named.
    ProvenAdmin,
}

/// What lets a new user in. The first admin needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission<'a> {
    Anybody,
    /// Who has the invitation with this fingerprint.
    Invitation(&'a str),
    Nobody,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    EmailTaken,
    NotAdmitted,
    /// Others would be left without an admin.
    LastAdmin,
    NoSuchUser,
    /// The admin who asked is none any more.
    NotAdmin,
    /// There is an admin already.
    SetUp,
}

impl AccountStore {
    /// Adds a user, and makes them admin if their rank says so.
    pub async fn insert_user(&self, new: &NewUser<'_>) -> sqlx::Result<Result<User, Refusal>> {
        let mut tx = self.database.begin().await?;
        let first = new.rank != Rank::User && is_first_admin(&mut tx).await?;
        let role = if first || new.rank == Rank::ProvenAdmin { Role::Admin } else { Role::User };
        if new.rank == Rank::WithSetupToken {
            if !first {
                return Ok(Err(Refusal::SetUp));
            }
            delete_claimant(&mut tx, new.email).await?;
        }
        // First, because whoever may not register must not learn whether an address is in use.
        if !first && !admit(&mut tx, new).await? {
            return Ok(Err(Refusal::NotAdmitted));
        }
        let Some(user) = insert(&mut tx, new, role).await? else { return Ok(Err(Refusal::EmailTaken)) };
        if let Some((issuer, subject)) = new.identity
            && !insert_identity(&mut tx, &user.id, issuer, subject).await?
        {
            return Ok(Err(Refusal::EmailTaken));
        }
        tx.commit().await?;
        Ok(Ok(user))
    }

    pub async fn credentials_by_email(&self, email: &str) -> sqlx::Result<Option<Credentials>> {
        sqlx::query_as(concat!(
            "select ",
            user_columns!(),
            ", u.password_hash from users u where u.email = $1 and u.deleted_at is null"
        ))
        .bind(email)
        .fetch_optional(self.database.reader())
        .await
    }

    pub async fn credentials(&self, user: &UserId) -> sqlx::Result<Option<Credentials>> {
        sqlx::query_as(concat!(
            "select ",
            user_columns!(),
            ", u.password_hash from users u where u.id = $1 and u.deleted_at is null"
        ))
        .bind(user.as_str())
        .fetch_optional(self.database.reader())
        .await
    }

    pub async fn user(&self, user: &UserId) -> sqlx::Result<Option<User>> {
        Ok(self.credentials(user).await?.map(|credentials| credentials.user))
    }

    #[cfg(test)]
    pub async fn count_users(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("select count(*) from users where deleted_at is null")
            .fetch_one(self.database.reader())
            .await
    }

    pub async fn note_sign_in(&self, user: &UserId, now_ms: i64) -> sqlx::Result<()> {
        sqlx::query("update users set last_login = $1 where id = $2")
            .bind(now_ms)
            .bind(user.as_str())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Replaces a hash by another of the same password, unless the password has changed meanwhile.
    pub async fn rehash(&self, user: &UserId, old: &str, new: &str) -> sqlx::Result<()> {
        sqlx::query("update users set password_hash = $1 where id = $2 and password_hash = $3")
            .bind(new)
            .bind(user.as_str())
            .bind(old)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Sets another password and ends everything that the old one let in. False when the password
    /// has been changed meanwhile.
    pub async fn change_password(&self, user: &UserId, old: &str, new: &str) -> sqlx::Result<bool> {
        let mut tx = self.database.begin().await?;
        let changed = sqlx::query("update users set password_hash = $1 where id = $2 and password_hash = $3")
            .bind(new)
            .bind(user.as_str())
            .bind(old)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        end_what_was_let_in(&mut tx, user).await?;
        if changed == 1 {
            tx.commit().await?;
        }
        Ok(changed == 1)
    }

    pub async fn complete_onboarding(&self, user: &UserId) -> sqlx::Result<()> {
        sqlx::query("update users set onboarding_completed = 1 where id = $1")
            .bind(user.as_str())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Makes the user with this e-mail address admin, if there is one and the address is proven. False when there is
    /// none, or they are admin already.
    pub async fn promote(&self, email: &str) -> sqlx::Result<bool> {
        let mut tx = self.database.begin().await?;
        is_first_admin(&mut tx).await?;
        let promoted = sqlx::query(
            "update users set role = $1
             where email = $2 and role <> $1 and email_proven_at is not null and deleted_at is null",
        )
        .bind(Role::Admin.as_str())
        .bind(email)
        .execute(&mut *tx)
        .await?;
        if promoted.rows_affected() == 1 {
            tx.commit().await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Records that the user owns their email address.
    pub async fn note_proven_email(&self, user: &UserId) -> sqlx::Result<()> {
        sqlx::query("update users set email_proven_at = $1 where id = $2 and email_proven_at is null")
            .bind(now_ms())
            .bind(user.as_str())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Whether somebody has become admin since there were no users.
    pub async fn has_admin(&self) -> sqlx::Result<bool> {
        let name: Option<String> = sqlx::query_scalar("select name from settings where name = $1")
            .bind(FIRST_ADMIN)
            .fetch_optional(self.database.reader())
            .await?;
        Ok(name.is_some())
    }

    /// Gives a user another role, in the name of `admin`, and ends the user's sessions. What a demoted admin has
    /// handed out is deleted. Returns false, and changes nothing, if the user has the role already.
    pub async fn set_role(
        &self,
        admin: &UserId,
        user: &UserId,
        role: Role,
    ) -> sqlx::Result<Result<bool, Refusal>> {
        let mut tx = self.database.begin().await?;
        lock_roles(&mut tx).await?;
        if !is_admin(&mut tx, admin).await? {
            return Ok(Err(Refusal::NotAdmin));
        }
        let before: Option<String> =
            sqlx::query_scalar("select role from users where id = $1 and deleted_at is null")
                .bind(user.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        match before {
            None => return Ok(Err(Refusal::NoSuchUser)),
            Some(before) if before == role.as_str() => return Ok(Ok(false)),
            Some(_) => {}
        }
        sqlx::query("update users set role = $1 where id = $2")
            .bind(role.as_str())
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        sqlx::query("delete from sessions where user_id = $1").bind(user.as_str()).execute(&mut *tx).await?;
        if role != Role::Admin {
            delete_handed_out(&mut tx, user).await?;
        }
        tx.commit().await?;
        Ok(Ok(true))
    }

    /// Marks another user as deleted, in the name of `admin`.
    pub async fn delete_other(&self, admin: &UserId, user: &UserId) -> sqlx::Result<Result<(), Refusal>> {
        let mut tx = self.database.begin().await?;
        lock_roles(&mut tx).await?;
        if !is_admin(&mut tx, admin).await? {
            return Ok(Err(Refusal::NotAdmin));
        }
        if !mark_deleted(&mut tx, user).await? {
            return Ok(Err(Refusal::NoSuchUser));
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Marks a user as deleted at their own wish. After the last one, the next to come is first again.
    pub async fn delete_self(&self, user: &UserId) -> sqlx::Result<Result<(), Refusal>> {
        let mut tx = self.database.begin().await?;
        lock_roles(&mut tx).await?;
        let was_admin = is_admin(&mut tx, user).await?;
        if !mark_deleted(&mut tx, user).await? {
            return Ok(Err(Refusal::NoSuchUser));
        }
        let users: i64 = sqlx::query_scalar("select count(*) from users where deleted_at is null")
            .fetch_one(&mut *tx)
            .await?;
        let admins: i64 = sqlx::query_scalar("select count(*) from users where role = $1")
            .bind(Role::Admin.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if users > 0 && was_admin && admins == 0 {
            return Ok(Err(Refusal::LastAdmin));
        }
        if users == 0 {
            sqlx::query("delete from settings where name = $1").bind(FIRST_ADMIN).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Returns the users that are marked as deleted and whose row is still there.
    pub async fn marked_as_deleted(&self) -> sqlx::Result<Vec<UserId>> {
        let users: Vec<String> =
            sqlx::query_scalar("select id from users where deleted_at is not null order by deleted_at")
                .fetch_all(self.database.reader())
                .await?;
        Ok(users.into_iter().map(UserId::new).collect())
    }

    /// Deletes the row of a user that is marked as deleted, with every row that still refers to it.
    pub async fn delete_marked(&self, user: &UserId) -> sqlx::Result<()> {
        sqlx::query("delete from users where id = $1 and deleted_at is not null")
            .bind(user.as_str())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }
}

/// Takes the place of the first admin. False when it is taken.
async fn is_first_admin(tx: &mut Transaction<'static, Any>) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "insert into settings (name, value, updated_at) values ($1, '', $2) on conflict (name) do nothing",
    )
    .bind(FIRST_ADMIN)
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    // After all users have been deleted, there is another setup token.
    sqlx::query("delete from settings where name = $1").bind(SETUP_NONCE).execute(&mut **tx).await?;
    Ok(inserted.rows_affected() == 1)
}

/// Deletes the account of somebody who has only claimed this address, in favour of who has the setup token.
async fn delete_claimant(tx: &mut Transaction<'static, Any>, email: &str) -> sqlx::Result<()> {
    let claimant: Option<String> = sqlx::query_scalar("select id from users where email = $1")
        .bind(email)
        .fetch_optional(&mut **tx)
        .await?;
    if let Some(claimant) = claimant {
        mark_deleted(tx, &UserId::new(claimant)).await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut Transaction<'static, Any>,
    new: &NewUser<'_>,
    role: Role,
) -> sqlx::Result<Option<User>> {
    sqlx::query_as(
        "insert into users (id, email, password_hash, role, created_at, email_proven_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (email) do nothing
         returning id, email, role, onboarding_completed",
    )
    .bind(new_id())
    .bind(new.email)
    .bind(new.password_hash)
    .bind(role.as_str())
    .bind(now_ms())
    .bind(new.email_proven.then(now_ms))
    .fetch_optional(&mut **tx)
    .await
}

/// Checks whether the new user may register, and uses up their invitation.
async fn admit(tx: &mut Transaction<'static, Any>, new: &NewUser<'_>) -> sqlx::Result<bool> {
    let fingerprint = match new.admission {
        Admission::Anybody => return Ok(true),
        Admission::Nobody => return Ok(false),
        Admission::Invitation(fingerprint) => fingerprint,
    };
    let used = sqlx::query(
        "update invitations set used_at = $1
         where token_hash = $2 and used_at is null and expires_at > $1 and (email is null or email = $3)",
    )
    .bind(now_ms())
    .bind(fingerprint)
    .bind(new.email)
    .execute(&mut **tx)
    .await?;
    Ok(used.rows_affected() == 1)
}

async fn lock_roles(tx: &mut Transaction<'static, Any>) -> sqlx::Result<()> {
    sqlx::query("update settings set updated_at = $1 where name = $2")
        .bind(now_ms())
        .bind(FIRST_ADMIN)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn is_admin(tx: &mut Transaction<'static, Any>, user: &UserId) -> sqlx::Result<bool> {
    let role: Option<String> = sqlx::query_scalar("select role from users where id = $1")
        .bind(user.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(role.as_deref() == Some(Role::Admin.as_str()))
}

/// Ends an account at once, whatever it has stored: nobody signs in to it, nothing that was signed in stays
/// so, its email address is free, and what it shared as admin is shared no more. Returns false when there is
/// no such user.
async fn mark_deleted(tx: &mut Transaction<'static, Any>, user: &UserId) -> sqlx::Result<bool> {
    let marked = sqlx::query(
        "update users set deleted_at = $1, email = id, password_hash = '', role = $2
         where id = $3 and deleted_at is null",
    )
    .bind(now_ms())
    .bind(Role::User.as_str())
    .bind(user.as_str())
    .execute(&mut **tx)
    .await?;
    end_what_was_let_in(tx, user).await?;
    delete_handed_out(tx, user).await?;
    Ok(marked.rows_affected() == 1)
}

/// Deletes the invitations and password links that an admin has made for others.
async fn delete_handed_out(tx: &mut Transaction<'static, Any>, admin: &UserId) -> sqlx::Result<()> {
    for sql in
        ["delete from invitations where created_by = $1", "delete from password_resets where created_by = $1"]
    {
        sqlx::query(sql).bind(admin.as_str()).execute(&mut **tx).await?;
    }
    Ok(())
}
