//! Accounts as plain data, shared by server and browser.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::times;

/// The id of a user. Every query of a user's data binds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the id as stored in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The role of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages users, shared providers and the installation's settings.
    Admin,
    User,
}

impl Role {
    /// Returns the name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

/// A user as shown to themselves and to admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    pub onboarding_completed: bool,
}

/// An API token without the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AccessToken {
    pub id: String,
    pub name: String,
    /// Its last characters.
    pub hint: String,
    #[serde(flatten, with = "times::created_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::created_at::CreatedAt))]
    pub created_at: i64,
    #[serde(flatten, with = "times::expires_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::expires_at::ExpiresAt))]
    pub expires_at: i64,
    #[serde(flatten, with = "times::last_used_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::last_used_at::LastUsedAt))]
    pub last_used_at: Option<i64>,
}

/// A pending invitation without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub id: String,
    /// Email address of the only user who may use it; `None` for anyone.
    pub email: Option<String>,
    #[serde(flatten, with = "times::created_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::created_at::CreatedAt))]
    pub created_at: i64,
    #[serde(flatten, with = "times::expires_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::expires_at::ExpiresAt))]
    pub expires_at: i64,
}

/// Who may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    #[default]
    Open,
    /// Only users with an invitation.
    Invitation,
    Closed,
}

impl Registration {
    /// Returns the name in JSON, in forms and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invitation => "invitation",
            Self::Closed => "closed",
        }
    }

    /// Reads what [`Self::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Invitation, Self::Closed].into_iter().find(|mode| mode.word() == word)
    }
}

/// Whether this installation has an admin, and how the first one comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetUp {
    /// There is an admin.
    Done,
    /// The first account becomes admin.
    FirstIsAdmin,
    /// The first account needs the setup token and becomes admin.
    TokenNeeded,
    /// The account with the setup token and the address of `ADMIN_EMAIL` becomes admin; others may register as
    /// `registration` says.
    TokenIfAdmin,
}

/// The registration status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationInfo {
    pub registration: Registration,
    /// While there is no admin, the first one is admitted whatever `registration` is.
    pub set_up: SetUp,
    /// Whether password reset links are mailed.
    pub sends_mail: bool,
}

/// What a user has to do before something is added to the account that outlives the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    /// Nothing: the user has signed in or entered the password recently.
    Done,
    EnterPassword,
    /// The user has no password.
    SignInAgain,
}

/// How a user can sign in with the identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityConnection {
    /// The provider's display name.
    pub provider: String,
    pub connected: bool,
    pub has_password: bool,
    /// What connecting needs first.
    pub confirmation: Confirmation,
}
