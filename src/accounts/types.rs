//! Accounts as plain data, shared by server and browser.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a user. Every query of a user's data binds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// As it stands in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a user may do beyond their own data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages users, shared providers and the installation's settings.
    Admin,
    User,
}

impl Role {
    /// The name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

/// An account as its owner and admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    pub onboarding_completed: bool,
}

/// A personal access token as its owner sees it: never the token itself. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AccessToken {
    pub id: String,
    pub name: String,
    /// Its last characters.
    pub hint: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
}

/// An invitation that can still be used; never its token. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub id: String,
    /// Who alone may use it.
    pub email: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// Who may open an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    #[default]
    Open,
    /// Who has an invitation.
    Invitation,
    Closed,
}

impl Registration {
    /// The name in JSON, in forms and in the database.
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

/// Whether somebody who comes now gets an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationInfo {
    pub registration: Registration,
    /// Nobody has an account yet: the first one will be admin, whatever `registration` says.
    pub first: bool,
    /// Who has forgotten the password gets a link to a new one by mail.
    pub sends_mail: bool,
}

/// Whether and how the provider of the installation signs a user in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityConnection {
    /// What people call it.
    pub provider: String,
    pub connected: bool,
    pub has_password: bool,
}
