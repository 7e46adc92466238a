//! Administration of other users' accounts.

use std::ops::RangeInclusive;

use secrecy::{ExposeSecret, SecretString};

use super::{Accounts, normalised, refused};
use crate::accounts::error::AccountError;
use crate::accounts::store::NewInvitation;
use crate::accounts::token::{fingerprint, random};
use crate::accounts::types::{Invitation, Role, UserId};
use crate::database::now_ms;

const INVITATION_DAYS: RangeInclusive<i64> = 1..=30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const MAX_LISTED: i64 = 100;

/// A request to create an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitationRequest {
    /// Email address of the only user who may use it; `None` for anyone.
    pub email: Option<String>,
    /// Number of days until it expires.
    pub days: i64,
}

impl Accounts {
    /// Changes another user's role and ends their sessions.
    ///
    /// # Errors
    /// If there is no such user, or it is the admin's own account.
    pub async fn set_role(&self, admin: &UserId, user: &UserId, role: Role) -> Result<(), AccountError> {
        if admin == user {
            return Err(AccountError::OwnAccount);
        }
        let changed = self.store.set_role(admin, user, role).await?.map_err(refused)?;
        if changed {
            self.sessions_ended.sessions_ended(user);
        }
        Ok(())
    }

    /// Closes another user's account; [`Self::deletion_loop`] then deletes all its data.
    ///
    /// # Errors
    /// If there is no such user, or it is the admin's own account.
    pub async fn delete_other(&self, admin: &UserId, user: &UserId) -> Result<(), AccountError> {
        if admin == user {
            return Err(AccountError::OwnAccount);
        }
        self.store.delete_other(admin, user).await?.map_err(refused)?;
        self.user_marked.notify_one();
        self.sessions_ended.sessions_ended(user);
        Ok(())
    }

    /// Creates an invitation. Returns it with its token, which cannot be read again.
    ///
    /// # Errors
    /// If the email address or the days are invalid.
    pub async fn invite(
        &self,
        admin: &UserId,
        request: &NewInvitationRequest,
    ) -> Result<(SecretString, Invitation), AccountError> {
        let email = request.email.as_deref().map(normalised).transpose()?;
        if !INVITATION_DAYS.contains(&request.days) {
            let (least, most) = (INVITATION_DAYS.start(), INVITATION_DAYS.end());
            return Err(AccountError::Invalid(format!("Expiry must be {least} to {most} days.")));
        }
        let (token, now) = (random(), now_ms());
        let new = NewInvitation {
            fingerprint: &fingerprint(token.expose_secret()),
            email: email.as_deref(),
            created_by: admin,
            now,
            expires_at: now + request.days * DAY_MS,
        };
        let stored = self.store.insert_invitation(&new).await?;
        Ok((token, stored))
    }

    /// Returns the newest pending invitations.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_invitations(&self) -> Result<Vec<Invitation>, AccountError> {
        Ok(self.store.open_invitations(now_ms(), MAX_LISTED).await?)
    }

    /// # Errors
    /// If there is no such invitation.
    pub async fn withdraw_invitation(&self, id: &str) -> Result<(), AccountError> {
        let withdrawn = self.store.delete_invitation(id).await?;
        if withdrawn { Ok(()) } else { Err(AccountError::NoSuchInvitation) }
    }
}
