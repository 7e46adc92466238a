//! Settings of the installation, which admins change.

use super::store::{FIRST_ADMIN, SETUP_NONCE};
use super::types::Registration;
use crate::database::{Database, now_ms};

const REGISTRATION: &str = "registration";
const LOCAL_NETWORKS: &str = "local-networks";

/// The installation's settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settings {
    store: SettingsStore,
    database: Database,
}

impl Settings {
    pub fn new(database: Database) -> Self {
        Self { store: SettingsStore::new(database.clone()), database }
    }

    /// Returns who may create an account; open by default.
    pub async fn registration(&self) -> sqlx::Result<Registration> {
        let kept = self.store.get(REGISTRATION).await?;
        Ok(match kept.as_deref() {
            None => Registration::default(),
            // An unknown value can only be from a newer version, and more restrictive than open.
            Some(word) => Registration::from_word(word).unwrap_or(Registration::Closed),
        })
    }

    pub async fn set_registration(&self, registration: Registration) -> sqlx::Result<()> {
        self.store.put(REGISTRATION, registration.word()).await
    }

    /// Returns the admin's setting for addresses on this machine and in private networks; `None` if not set.
    pub async fn local_networks(&self) -> sqlx::Result<Option<bool>> {
        Ok(self.store.get(LOCAL_NETWORKS).await?.map(|word| word == "on"))
    }

    /// Saves the setting. `None` means automatic, by the number of users.
    pub async fn set_local_networks(&self, on: Option<bool>) -> sqlx::Result<()> {
        match on {
            Some(on) => self.store.put(LOCAL_NETWORKS, if on { "on" } else { "off" }).await,
            None => self.store.delete(LOCAL_NETWORKS).await,
        }
    }

    /// Returns whether requests may go to this machine and private networks: the admin's setting, by default
    /// only while there is a single user. While the server waits for an admin with the setup token, that may be a
    /// stranger.
    pub async fn allows_local_networks(&self) -> sqlx::Result<bool> {
        if let Some(on) = self.local_networks().await? {
            return Ok(on);
        }
        let waits_for_admin =
            self.store.get(SETUP_NONCE).await?.is_some() && self.store.get(FIRST_ADMIN).await?.is_none();
        if waits_for_admin {
            return Ok(false);
        }
        let users: i64 = sqlx::query_scalar("select count(*) from users where deleted_at is null")
            .fetch_one(self.database.reader())
            .await?;
        Ok(users <= 1)
    }
}

/// The SQL of settings: names and values.
#[derive(Debug, Clone)]
pub struct SettingsStore {
    database: Database,
}

impl SettingsStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    pub async fn get(&self, name: &str) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar("select value from settings where name = $1")
            .bind(name)
            .fetch_optional(self.database.reader())
            .await
    }

    /// Sets a value unless one is set. Returns the stored value; of concurrent calls one wins.
    pub async fn get_or_insert(&self, name: &str, value: &str) -> sqlx::Result<String> {
        sqlx::query(
            "insert into settings (name, value, updated_at) values ($1, $2, $3) on conflict (name) do nothing",
        )
        .bind(name)
        .bind(value)
        .bind(now_ms())
        .execute(self.database.writer())
        .await?;
        sqlx::query_scalar("select value from settings where name = $1")
            .bind(name)
            .fetch_one(self.database.reader())
            .await
    }

    pub async fn put(&self, name: &str, value: &str) -> sqlx::Result<()> {
        sqlx::query(
            "insert into settings (name, value, updated_at) values ($1, $2, $3)
             on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at",
        )
        .bind(name)
        .bind(value)
        .bind(now_ms())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    pub async fn delete(&self, name: &str) -> sqlx::Result<()> {
        sqlx::query("delete from settings where name = $1")
            .bind(name)
            .execute(self.database.writer())
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Accounts;
    use crate::database::testing;
    use crate::live::Hub;

    #[tokio::test]
    async fn local_networks_are_allowed_for_one_user_unless_set() {
        for database in testing::databases().await {
            let settings = Settings::new(database.clone());
            let accounts = Accounts::quick(database, std::sync::Arc::new(Hub::default()));
            assert!(settings.allows_local_networks().await.unwrap());
            for (email, allowed) in [("anna@example.org", true), ("ben@example.org", false)] {
                accounts.user_for_test(email).await;
                assert_eq!(settings.allows_local_networks().await.unwrap(), allowed, "{email}");
            }
            settings.set_local_networks(Some(true)).await.unwrap();
            assert!(settings.allows_local_networks().await.unwrap());
            settings.set_local_networks(None).await.unwrap();
            assert!(!settings.allows_local_networks().await.unwrap());
        }
    }

    #[tokio::test]
    async fn registration_follows_the_setting() {
        for database in testing::databases().await {
            let settings = Settings::new(database);
            assert_eq!(settings.registration().await.unwrap(), Registration::Open);
            for mode in [Registration::Closed, Registration::Invitation, Registration::Open] {
                settings.set_registration(mode).await.unwrap();
                assert_eq!(settings.registration().await.unwrap(), mode);
            }
            settings.store.put(REGISTRATION, "by-moonlight").await.unwrap();
            assert_eq!(settings.registration().await.unwrap(), Registration::Closed);
        }
    }

    #[tokio::test]
    async fn the_first_to_insert_wins_and_put_replaces() {
        for database in testing::databases().await {
            let settings = SettingsStore::new(database);
            assert_eq!(settings.get("a").await.unwrap(), None);
            assert_eq!(settings.get_or_insert("a", "1").await.unwrap(), "1");
            assert_eq!(settings.get_or_insert("a", "2").await.unwrap(), "1");
            settings.put("a", "3").await.unwrap();
            assert_eq!(settings.get("a").await.unwrap().as_deref(), Some("3"));
            settings.delete("a").await.unwrap();
            assert_eq!(settings.get("a").await.unwrap(), None);
        }
    }
}
