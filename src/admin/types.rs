//! Administration as plain data, shared by server and browser.

use serde::{Deserialize, Serialize};

use crate::accounts::{Registration, Role, UserId};
use crate::times;

/// A user as shown to admins: numbers of their items, never the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    #[serde(flatten, with = "times::created_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::created_at::CreatedAt))]
    pub created_at: i64,
    #[serde(flatten, with = "times::last_login")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::last_login::LastLogin))]
    pub last_login: Option<i64>,
    pub benchmark_count: i64,
    /// Number of stored API keys.
    pub key_count: i64,
}

/// A page of users, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserPage {
    pub users: Vec<UserRow>,
    /// What to send as `after` for the next page; null when this is the last.
    pub next: Option<UserId>,
}

/// Settings of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct InstallationSettings {
    pub registration: Registration,
    /// Whether requests may go to this machine and private networks; null leaves it to the number of
    /// users: on for one, off from the second on.
    pub local_networks: Option<bool>,
}
