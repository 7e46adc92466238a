//! Passwords as argon2id hashes. Hashing is slow by design, so it runs on blocking threads, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// OWASP's recommendation: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const CONCURRENCY: usize = 4;
/// A request that waits longer for a free slot is rejected.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// An error of hashing a password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("Too many people are signing in. Try again in a few seconds.")]
    Busy,
    #[error("the password hash failed: {0}")]
    Hash(#[from] password_hash::Error),
    #[error("the password hash was stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// The outcome of comparing a password with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with other parameters than the current ones.
    RightButOutdated,
}

/// Hashes and verifies passwords. Cheap to clone; all clones share one limit.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// The hash of a random password. Verified if a user does not exist, so that the response takes as long.
    decoy: Arc<str>,
    longest_wait: Duration,
}

impl Passwords {
    /// # Errors
    /// If hashing fails.
    pub fn new() -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(password_hash::Error::from)?;
        Self::with_cost(params)
    }

    fn with_cost(params: Params) -> Result<Self, PasswordError> {
        let argon2 = Argon2::from(params);
        let decoy = argon2.hash_password(&rand::random::<[u8; 32]>())?.to_string().into();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new(cores.min(CONCURRENCY)));
        Ok(Self { argon2, turns, decoy, longest_wait: MAX_WAIT })
    }

    /// Creates an instance with cheap hashes, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn quick() -> Self {
        let least = Params::new(Params::MIN_M_COST, 1, 1, None).expect("these parameters are allowed");
        Self::with_cost(least).expect("a short password can be hashed")
    }

    /// Returns the password's hash as a PHC string, with a random salt.
    pub async fn hash(&self, password: &SecretString) -> Result<String, PasswordError> {
        let password = password.clone();
        self.take_turn(move |argon2| {
            Ok(argon2.hash_password(password.expose_secret().as_bytes())?.to_string())
        })
        .await
    }

    /// Compares a password with a hash. Without a hash (no such user) it takes as long and returns `Wrong`.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<String>,
    ) -> Result<Verdict, PasswordError> {
        let password = password.clone();
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        self.take_turn(move |argon2| {
            let hash = PasswordHash::new(&hash).map_err(password_hash::Error::from)?;
            match argon2.verify_password(password.expose_secret().as_bytes(), &hash) {
                Ok(()) if !exists => Ok(Verdict::Wrong),
                Ok(()) if is_dated(&hash, argon2.params()) => Ok(Verdict::RightButOutdated),
                Ok(()) => Ok(Verdict::Right),
                Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(self.longest_wait, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else { return Err(PasswordError::Busy) };
        let argon2 = self.argon2.clone();
        // The permit moves into the task and is held until the hash is done, even if the request is cancelled.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&argon2)
        })
        .await?
    }
}

fn is_dated(hash: &PasswordHash, today: &Params) -> bool {
    let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    Params::try_from(hash).map_or(true, |params| cost(&params) != cost(today))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> SecretString {
        text.into()
    }

    #[tokio::test]
    async fn hashes_follow_owasp() {
        let hash = Passwords::new().unwrap().hash(&password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[tokio::test]
    async fn only_the_same_password_is_right() {
        let passwords = Passwords::quick();
        let long = "ä\0 ".repeat(64);
        for (given, tried, verdict) in [
            ("correct horse", "correct horse", Verdict::Right),
            ("correct horse", "correct horsf", Verdict::Wrong),
            (long.as_str(), long.as_str(), Verdict::Right),
            (long.as_str(), &long[..long.len() - 1], Verdict::Wrong),
        ] {
            let hash = passwords.hash(&password(given)).await.unwrap();
            assert_eq!(passwords.verify(&password(tried), Some(hash)).await.unwrap(), verdict);
        }
    }

    #[tokio::test]
    async fn without_a_hash_every_password_is_wrong() {
        let verdict = Passwords::quick().verify(&password("correct horse"), None).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_outdated() {
        let old = Passwords::quick().hash(&password("correct horse")).await.unwrap();
        let today = Passwords::with_cost(Params::new(64, 2, 1, None).unwrap()).unwrap();
        let verdict = today.verify(&password("correct horse"), Some(old)).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
    }

    #[tokio::test]
    async fn a_request_that_waits_too_long_is_rejected() {
        let passwords = Passwords { longest_wait: Duration::ZERO, ..Passwords::quick() };
        let _all = passwords.turns.acquire_many(passwords.turns.available_permits() as u32).await.unwrap();
        let error = passwords.hash(&password("correct horse")).await.unwrap_err();
        assert!(matches!(error, PasswordError::Busy), "{error}");
    }
}
