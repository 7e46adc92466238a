//! Devices on which a user has signed in before. Anybody can lock an account by guessing its password; a known device
//! has attempts of its own, so that its user can still sign in.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Accounts, Credentials};
use crate::accounts::error::AccountError;
use crate::accounts::login_limit::Key;
use crate::accounts::password::Verdict;
use crate::accounts::types::UserId;
use crate::database::{new_id, now_ms};

/// How many users a browser is remembered for.
const MAX_USERS: usize = 5;

/// The users who have signed in with this browser, latest first. Only the server can write the cookie with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices(Vec<Device>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Device {
    user: UserId,
    /// Random, different for each browser and user.
    id: String,
}

impl Devices {
    /// Reads what [`Self::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the text for the cookie.
    pub fn text(&self) -> SecretString {
        serde_json::to_string(self).unwrap_or_default().into()
    }

    /// Returns the devices with that of `user` first, after a sign-in.
    #[must_use]
    pub fn with(mut self, user: &UserId) -> Self {
        let known = self.0.iter().position(|device| device.user == *user).map(|index| self.0.remove(index));
        self.0.insert(0, known.unwrap_or_else(|| Device { user: user.clone(), id: new_id() }));
        self.0.truncate(MAX_USERS);
        self
    }

    fn of(&self, user: &UserId) -> Option<&Device> {
        self.0.iter().find(|device| device.user == *user)
    }
}

impl Accounts {
    /// Returns the user with this email address and password if this is one of the user's devices. `None` if not, or
    /// after too many wrong passwords on it: then it is like any other.
    pub(super) async fn verify_on_device(
        &self,
        email: &str,
        password: &SecretString,
        devices: &Devices,
    ) -> Result<Option<(Credentials, Verdict)>, AccountError> {
        let Some(known) = self.store.credentials_by_email(email).await? else { return Ok(None) };
        let Some(device) = devices.of(&known.user.id) else { return Ok(None) };
        let guesses = Key::device(&device.id);
        if self.login_limiter.begin(&guesses, now_ms()).await?.is_err() {
            return Ok(None);
        }
        match self.passwords.verify(password, known.hash()).await? {
            Verdict::Wrong => Err(AccountError::WrongCredentials),
            verdict => {
                self.login_limiter.reset(&guesses).await?;
                Ok(Some((known, verdict)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_latest_users_of_a_browser_are_remembered() {
        let users: Vec<UserId> = (0..=MAX_USERS).map(|number| UserId::new(number.to_string())).collect();
        let devices = users.iter().fold(Devices::default(), |devices, user| devices.with(user));
        assert!(devices.of(&users[0]).is_none());
        let again = devices.clone().with(&users[2]);
        assert_eq!(again.of(&users[2]), devices.of(&users[2]), "the same device");
        assert_eq!(Devices::parse(again.text().expose_secret()), Some(again));
    }
}
