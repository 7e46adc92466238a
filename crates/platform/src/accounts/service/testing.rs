//! Accounts for tests.

#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{
    AccountError, Accounts, Devices, NewAccount, Passwords, Secret, Session, SessionsEnded, SignedIn,
};
use crate::accounts::session::Proof;
use crate::database::Database;

/// The password of every user in tests.
pub const PASSWORD: &str = "correct horse battery";
pub const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl NewAccount {
    /// Creates a registration with this address and [`PASSWORD`].
    pub fn for_test(email: &str) -> Self {
        Self {
            email: email.into(),
            password: PASSWORD.into(),
            invitation: None,
            setup_token: None,
            local: true,
        }
    }
}

impl Accounts {
    /// Creates a service with cheap password hashes.
    pub fn quick(database: Database, sessions_ended: Arc<dyn SessionsEnded>) -> Self {
        let accounts = Self::new(database, &Secret::random(), sessions_ended).unwrap();
        Self { passwords: Passwords::quick(), ..accounts }
    }

    /// Signs in with a browser that nobody has used before.
    ///
    /// # Errors
    /// As [`Self::sign_in_on`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        from: IpAddr,
    ) -> Result<SignedIn, AccountError> {
        self.sign_in_on(&Devices::default(), email, password, from).await
    }

    /// Returns the session of a browser that has signed in.
    pub async fn session_for_test(&self, signed_in: &SignedIn) -> Session {
        self.session_of(signed_in.access_token.expose_secret(), Proof::Cookie).await.unwrap().unwrap()
    }

    /// Registers a user for a test; the first becomes admin.
    pub async fn user_for_test(&self, email: &str) -> SignedIn {
        self.register(NewAccount::for_test(email), LOCALHOST).await.unwrap()
    }
}
