//! What admins do with the accounts of others.

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
const MOST_LISTED: i64 = 100;

/// An invitation that an admin wants to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitationRequest {
    /// Who alone may use it.
    pub email: Option<String>,
    /// Days that it is good for.
    pub days: i64,
}

impl Accounts {
    /// Gives another user a role and ends their sessions.
    ///
    /// # Errors
    /// When there is no such user, or it is the admin's own account.
    pub async fn set_role(&self, admin: &UserId, user: &UserId, role: Role) -> Result<(), AccountError> {
        if admin == user {
            return Err(AccountError::OwnAccount);
        }
        self.store.set_role(admin, user, role).await?.map_err(refused)?;
        self.sessions_ended.sessions_ended(user);
        Ok(())
    }

    /// Closes another user's account. What belongs to it is deleted after that, by [`Self::deletion_loop`].
    ///
    /// # Errors
    /// When there is no such user, or it is the admin's own account.
    pub async fn delete_other(&self, admin: &UserId, user: &UserId) -> Result<(), AccountError> {
        if admin == user {
            return Err(AccountError::OwnAccount);
        }
        self.store.delete_other(admin, user).await?.map_err(refused)?;
        self.user_marked.notify_one();
        self.sessions_ended.sessions_ended(user);
        Ok(())
    }

    /// An invitation and its token, which is told this once.
    ///
    /// # Errors
    /// When the e-mail address or the days are out of bounds.
    pub async fn invite(
        &self,
        admin: &UserId,
        request: &NewInvitationRequest,
    ) -> Result<(SecretString, Invitation), AccountError> {
        let email = request.email.as_deref().map(normalised).transpose()?;
        if !INVITATION_DAYS.contains(&request.days) {
            let (least, most) = (INVITATION_DAYS.start(), INVITATION_DAYS.end());
            return Err(AccountError::Invalid(format!("An invitation is good for {least} to {most} days.")));
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

    /// The newest invitations that can still be used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_invitations(&self) -> Result<Vec<Invitation>, AccountError> {
        Ok(self.store.open_invitations(now_ms(), MOST_LISTED).await?)
    }

    /// # Errors
    /// When there is no such invitation.
    pub async fn withdraw_invitation(&self, id: &str) -> Result<(), AccountError> {
        let withdrawn = self.store.delete_invitation(id).await?;
        if withdrawn { Ok(()) } else { Err(AccountError::NoSuchInvitation) }
    }
}
