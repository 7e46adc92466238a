//! The installation's secret, from which all keys are derived. It is `STUDIO_SECRET`, or a file in the data
//! directory that the first start creates and only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine};
use hkdf::Hkdf;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::database::{Database, new_id, private_files};

use super::settings::SettingsStore;

/// Name of the secret's file in the data directory.
pub const FILE_NAME: &str = "secret";
const CHECK_SETTING: &str = "secret-check";
const MIN_LENGTH: usize = 32;
/// Minimum number of distinct characters; fewer are not random.
const MIN_DISTINCT: usize = 10;

/// A 256-bit key for one purpose.
pub type Key = Zeroizing<[u8; 32]>;

/// The purpose of a key. Each purpose has an independent key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    SigningAccessTokens,
    SealingApiKeys,
    /// Cookies whose content only the server may write.
    SealingCookies,
    /// The token for the first account.
    SetupToken,
    /// Identifies in the database which secret it was used with.
    Check,
}

impl Purpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::SigningAccessTokens => b"llm-studio 1 signing access tokens",
            Self::SealingApiKeys => b"llm-studio 1 sealing api keys",
            Self::SealingCookies => b"llm-studio 1 sealing cookies",
            Self::SetupToken => b"llm-studio 1 setup token",
            Self::Check => b"llm-studio 1 check",
        }
    }
}

/// The secret itself; its debug output does not show it.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// # Errors
    /// If it is too short or has too few distinct characters.
    pub fn new(text: &SecretString) -> anyhow::Result<Self> {
        let text = text.expose_secret().trim();
        let mut different: Vec<char> = text.chars().collect();
        different.sort_unstable();
        different.dedup();
        ensure!(
            text.len() >= MIN_LENGTH && different.len() >= MIN_DISTINCT,
            "it must be random and at least {MIN_LENGTH} characters long; create one with `openssl rand -base64 32`"
        );
        Ok(Self(text.into()))
    }

    /// Creates a random secret.
    pub fn random() -> Self {
        let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
        Self(BASE64_STANDARD.encode(*bytes).into())
    }

    /// Derives the key for one purpose.
    pub fn key(&self, purpose: Purpose) -> Key {
        let mut key = Key::default();
        let derived =
            Hkdf::<Sha256>::new(None, self.0.expose_secret().as_bytes()).expand(purpose.info(), &mut *key);
        debug_assert!(derived.is_ok(), "HKDF can derive 32 bytes");
        key
    }

    /// Loads the secret of this installation and checks that the database was used with it. `given` is
    /// `STUDIO_SECRET`; without it the file in `data_dir` is read. It is created if it is missing and no
    /// database depends on it.
    ///
    /// # Errors
    /// If the secret is lost, wrong or too weak. The message says what to do.
    pub async fn load(
        given: Option<&SecretString>,
        data_dir: &Path,
        database: &Database,
    ) -> anyhow::Result<Self> {
        let file = data_dir.join(FILE_NAME);
        let settings = SettingsStore::new(database.clone());
        let known = settings.get(CHECK_SETTING).await?;
        let secret = match (given, read(&file)?) {
            (Some(given), _) => Self::new(given).context("STUDIO_SECRET is invalid")?,
            (None, Some(kept)) => {
                Self::new(&kept).with_context(|| format!("{} is invalid", file.display()))?
            }
            (None, None) if known.is_some() => bail!(
                "the secret of this database is lost: there is no {} and STUDIO_SECRET is not set. {}",
                file.display(),
                recovery_advice()
            ),
            (None, None) => make(&file)?,
        };
        let check = BASE64_STANDARD.encode(*secret.key(Purpose::Check));
        let kept = settings.get_or_insert(CHECK_SETTING, &check).await?;
        let source =
            if given.is_some() { "STUDIO_SECRET".to_owned() } else { format!("the file {}", file.display()) };
        ensure!(
            kept == check,
            "{source} is not the secret that this database was used with. {}",
            recovery_advice()
        );
        Ok(secret)
    }

    /// Resets the secret of a database: the next start uses the configured secret or creates one. API keys
    /// encrypted with the old secret can no longer be read.
    pub async fn reset(database: &Database) -> sqlx::Result<()> {
        SettingsStore::new(database.clone()).delete(CHECK_SETTING).await
    }
}

fn recovery_advice() -> &'static str {
    "Restore that secret (the file from a backup, or the value of STUDIO_SECRET). If it is lost, \
     run `llm-studio secret reset`: accounts and results are kept, everyone must sign in again, and all stored \
     API keys must be re-entered"
}

fn read(file: &Path) -> anyhow::Result<Option<SecretString>> {
    match fs::read_to_string(file) {
        Ok(text) => {
            private_files::warn_if_readable(file)?;
            Ok(Some(text.into()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the secret in {}", file.display())),
    }
}

/// Creates a secret, its file and the directory. Processes that start at the same time all get the same secret:
/// the file is created atomically, and only the first one is used.
fn make(file: &Path) -> anyhow::Result<Secret> {
    let cannot_write = || format!("cannot write the secret to {}", file.display());
    // With PostgreSQL nothing else creates the data directory.
    file.parent().map_or(Ok(()), private_files::create_dir).with_context(cannot_write)?;
    let secret = Secret::random();
    let draft = file.with_file_name(format!("{FILE_NAME}.{}", new_id()));
    let written = write(&draft, &secret).and_then(|()| fs::hard_link(&draft, file));
    let removed = fs::remove_file(&draft);
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let kept = read(file)?.context("the secret's file was removed during the start; start again")?;
            Secret::new(&kept)
        }
        _ => {
            let made = written.and(removed).and_then(|()| sync_directory_of(file));
            made.with_context(cannot_write)?;
            Ok(secret)
        }
    }
}

fn write(path: &Path, secret: &Secret) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", secret.0.expose_secret())?;
    file.sync_all()
}

fn sync_directory_of(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::database::testing;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    const GIVEN: &str = "Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldA==";

    #[test]
    fn a_weak_secret_is_rejected() {
        for weak in
            ["", "hunter2", &"a".repeat(64), &"secret".repeat(10), &format!("{}   ", "x1Y2".repeat(7))]
        {
            let error = Secret::new(&secret(weak)).unwrap_err().to_string();
            assert!(error.contains("at least 32 characters"), "{weak}: {error}");
        }
        Secret::new(&secret(GIVEN)).unwrap();
    }

    #[test]
    fn each_purpose_has_its_own_key() {
        let one = Secret::new(&secret(GIVEN)).unwrap();
        assert_eq!(one.key(Purpose::SealingApiKeys), one.key(Purpose::SealingApiKeys));
        assert_ne!(one.key(Purpose::SealingApiKeys), one.key(Purpose::SigningAccessTokens));
        assert_ne!(one.key(Purpose::SealingApiKeys), Secret::random().key(Purpose::SealingApiKeys));
    }

    #[test]
    fn debug_output_does_not_contain_it() {
        let shown = format!("{:?}", Secret::new(&secret(GIVEN)).unwrap());
        assert!(!shown.contains("Zm9y"), "{shown}");
    }

    #[tokio::test]
    async fn the_first_start_creates_a_file_readable_only_by_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let database = testing::sqlite().await;
        let made = Secret::load(None, dir.path(), &database).await.unwrap();
        let mode = fs::metadata(dir.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Secret::load(None, dir.path(), &database).await.unwrap();
        assert_eq!(made.key(Purpose::Check), again.key(Purpose::Check));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn concurrent_starts_create_one_secret() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("not/there/yet").join(FILE_NAME);
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..8).map(|_| scope.spawn(|| make(&file).unwrap().key(Purpose::Check))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[tokio::test]
    async fn a_lost_secret_is_not_replaced() {
        for database in testing::databases().await {
            let dir = tempfile::tempdir().unwrap();
            Secret::load(None, dir.path(), &database).await.unwrap();
            fs::remove_file(dir.path().join(FILE_NAME)).unwrap();
            let error = Secret::load(None, dir.path(), &database).await.unwrap_err().to_string();
            assert!(error.contains("is lost") && error.contains("secret reset"), "{error}");
            assert!(!dir.path().join(FILE_NAME).exists());
        }
    }

    #[tokio::test]
    async fn a_wrong_secret_fails_the_start_until_it_is_reset() {
        for database in testing::databases().await {
            let dir = tempfile::tempdir().unwrap();
            Secret::load(None, dir.path(), &database).await.unwrap();
            let other = secret(GIVEN);
            let error = Secret::load(Some(&other), dir.path(), &database).await.unwrap_err().to_string();
            assert!(error.starts_with("STUDIO_SECRET is not the secret"), "{error}");
            assert!(!error.contains(GIVEN), "{error}");
            Secret::reset(&database).await.unwrap();
            Secret::load(Some(&other), dir.path(), &database).await.unwrap();
        }
    }
}
