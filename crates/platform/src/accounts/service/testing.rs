//! Accounts for tests.

#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::{Accounts, NewAccount, Passwords, Secret, SessionsEnded, SignedIn};
use crate::database::Database;

/// The password of every user in tests.
pub const PASSWORD: &str = "correct horse battery";
pub const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl NewAccount {
    /// Creates a registration with this address and [`PASSWORD`].
    pub fn for_test(email: &str) -> Self {
        Self { email: email.into(), password: PASSWORD.into(), invitation: None }
    }
}

impl Accounts {
    /// Creates a service with cheap password hashes.
    pub fn quick(database: Database, sessions_ended: Arc<dyn SessionsEnded>) -> Self {
        let accounts = Self::new(database, &Secret::random(), sessions_ended).unwrap();
        Self { passwords: Passwords::quick(), ..accounts }
    }

    /// Registers a user for a test; the first becomes admin.
    pub async fn user_for_test(&self, email: &str) -> SignedIn {
        self.register(NewAccount::for_test(email), LOCALHOST).await.unwrap()
    }
}
