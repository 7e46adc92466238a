//! Rate-limits failed sign-ins. Failures are stored in the database, so that all processes share them and they
//! survive a restart.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use crate::database::{Database, new_id};

const WINDOW_MS: i64 = 300 * 1000;
const LOCK_MS: i64 = 900 * 1000;
const LOCKS: usize = 64;

/// A key that failures are counted for, and its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    limit: i64,
}

impl Key {
    /// Returns the key of sign-ins to the account with this email address, which need not exist.
    pub fn account(email: &str) -> Self {
        Self { name: format!("account {email}"), limit: 5 }
    }

    /// Returns the key of sign-ins on a device that its user has signed in on before.
    pub fn device(id: &str) -> Self {
        Self { name: format!("device {id}"), limit: 5 }
    }

    /// Returns the key of passwords that a signed-in user enters.
    pub fn session(id: &str) -> Self {
        Self { name: format!("session {id}"), limit: 5 }
    }

    /// Returns the key of sign-ins from one network, to any account.
    pub fn address(address: IpAddr) -> Self {
        Self { name: format!("address {}", place(address)), limit: 20 }
    }

    /// Returns the key of registrations from one network, including failed ones.
    pub fn registration(address: IpAddr) -> Self {
        Self { name: format!("registration {}", place(address)), limit: 60 }
    }

    /// Returns the key of mails to this address, for which there need not be an account.
    pub fn mail_to(email: &str) -> Self {
        Self { name: format!("mail to {email}"), limit: 5 }
    }

    /// Returns the key of mails requested from one network.
    pub fn mail_from(address: IpAddr) -> Self {
        Self { name: format!("mail from {}", place(address)), limit: 20 }
    }
}

/// Returns the network of an address: an IPv6 client has at least 2⁶⁴ addresses.
fn place(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The key is locked because of too many failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    pub retry_after_s: u64,
}

/// An attempt that is counted as a failure before its outcome is known.
#[derive(Debug)]
pub struct Attempt {
    id: String,
}

/// Counts failures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LoginLimiter {
    database: Database,
    locks: Arc<[Mutex<()>; LOCKS]>,
}

impl LoginLimiter {
    pub fn new(database: Database) -> Self {
        Self { database, locks: Arc::new([const { Mutex::const_new(()) }; LOCKS]) }
    }

    /// Locks a key. Held from the check to the count, so that concurrent attempts cannot pass the check
    /// together.
    pub async fn lock(&self, key: &Key) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        key.name.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        self.locks[index % LOCKS].lock().await
    }

    /// Checks whether the key is locked at `now_ms`. It is locked for 15 minutes after the last failure if its
    /// limit was reached within five minutes.
    pub async fn check(&self, key: &Key, now_ms: i64) -> sqlx::Result<Result<(), Locked>> {
        let latest: Vec<i64> = sqlx::query_scalar(
            "select at from sign_in_failures where subject = $1 and at > $2 order by at desc limit $3",
        )
        .bind(&key.name)
        .bind(now_ms - LOCK_MS - WINDOW_MS)
        .bind(key.limit)
        .fetch_all(self.database.reader())
        .await?;
        let too_many = i64::try_from(latest.len()) == Ok(key.limit);
        let (Some(newest), Some(oldest)) = (latest.first(), latest.last()) else { return Ok(Ok(())) };
        let left_ms = newest + LOCK_MS - now_ms;
        if too_many && newest - oldest <= WINDOW_MS && left_ms > 0 {
            let retry_after_s = u64::try_from(left_ms).unwrap_or_default().div_ceil(1000);
            return Ok(Err(Locked { retry_after_s }));
        }
        Ok(Ok(()))
    }

    /// Counts an attempt as a failure, unless the key is locked. Concurrent attempts cannot pass the check
    /// together, although no lock is held during an attempt.
    pub async fn begin(&self, key: &Key, now_ms: i64) -> sqlx::Result<Result<Attempt, Locked>> {
        let _lock = self.lock(key).await;
        if let Err(locked) = self.check(key, now_ms).await? {
            return Ok(Err(locked));
        }
        Ok(Ok(Attempt { id: self.insert(key, now_ms).await? }))
    }

    /// Deletes an attempt that succeeded.
    pub async fn withdraw(&self, attempt: Attempt) -> sqlx::Result<()> {
        sqlx::query("delete from sign_in_failures where id = $1")
            .bind(attempt.id)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Counts a failure. The caller has held the key's lock since its check.
    pub async fn count(&self, key: &Key, now_ms: i64) -> sqlx::Result<()> {
        self.insert(key, now_ms).await.map(drop)
    }

    /// Adds a failure and deletes expired ones. Returns its id.
    async fn insert(&self, key: &Key, now_ms: i64) -> sqlx::Result<String> {
        let id = new_id();
        sqlx::query("insert into sign_in_failures (id, subject, at) values ($1, $2, $3)")
            .bind(&id)
            .bind(&key.name)
            .bind(now_ms)
            .execute(self.database.writer())
            .await?;
        sqlx::query("delete from sign_in_failures where at <= $1")
            .bind(now_ms - LOCK_MS - WINDOW_MS)
            .execute(self.database.writer())
            .await?;
        Ok(id)
    }

    /// Deletes the failures of a key after the right password.
    pub async fn reset(&self, key: &Key) -> sqlx::Result<()> {
        sqlx::query("delete from sign_in_failures where subject = $1")
            .bind(&key.name)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing;

    const NOW: i64 = 1_800_000_000_000;
    const SECOND: i64 = 1000;

    async fn check(limiter: &LoginLimiter, key: &Key, now_ms: i64) -> Option<u64> {
        limiter.check(key, now_ms).await.unwrap().err().map(|locked| locked.retry_after_s)
    }

    #[tokio::test]
    async fn five_failures_in_five_minutes_lock_for_fifteen() {
        for database in testing::databases().await {
            let limiter = LoginLimiter::new(database);
            let (anna, ben) = (Key::account("anna@example.org"), Key::account("ben@example.org"));
            for second in 0..5 {
                assert_eq!(check(&limiter, &anna, NOW + second * SECOND).await, None);
                limiter.count(&anna, NOW + second * SECOND).await.unwrap();
            }
            let last = NOW + 4 * SECOND;
            assert_eq!(check(&limiter, &anna, last).await, Some(900));
            assert_eq!(check(&limiter, &anna, last + 899 * SECOND).await, Some(1));
            assert_eq!(check(&limiter, &anna, last + 900 * SECOND).await, None);
            assert_eq!(check(&limiter, &ben, last).await, None);
        }
    }

    #[tokio::test]
    async fn slow_failures_do_not_lock_and_success_resets_the_count() {
        for database in testing::databases().await {
            let limiter = LoginLimiter::new(database);
            let anna = Key::account("anna@example.org");
            for minute in 0..10 {
                limiter.count(&anna, NOW + minute * 76 * SECOND).await.unwrap();
                assert_eq!(check(&limiter, &anna, NOW + minute * 76 * SECOND).await, None);
            }
            for _ in 0..5 {
                limiter.count(&anna, NOW + 800 * SECOND).await.unwrap();
            }
            assert!(check(&limiter, &anna, NOW + 800 * SECOND).await.is_some());
            limiter.reset(&anna).await.unwrap();
            assert_eq!(check(&limiter, &anna, NOW + 800 * SECOND).await, None);
        }
    }

    #[tokio::test]
    async fn old_failures_are_found_with_an_index() {
        let database = testing::sqlite().await;
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as("explain query plan delete from sign_in_failures where at <= $1")
                .bind(NOW)
                .fetch_all(database.reader())
                .await
                .unwrap();
        assert!(plan.iter().any(|step| step.3.contains("sign_in_failures_by_age")), "{plan:?}");
    }

    #[test]
    fn an_ipv6_network_is_one_key() {
        let key = |address: &str| Key::address(address.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
