//! Accounts for tests.

use std::net::{IpAddr, Ipv4Addr};

use super::{Accounts, NewAccount, SignedIn};

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
    /// Registers a user for a test; the first becomes admin.
    pub async fn user_for_test(&self, email: &str) -> SignedIn {
        self.register(NewAccount::for_test(email), LOCALHOST).await.unwrap()
    }
}
