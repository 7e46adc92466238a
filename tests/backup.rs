//! Backup and restore as a user runs them.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use llm_benchmark_studio::accounts::secret::Secret;
use llm_benchmark_studio::database::{Database, Location};

/// Runs the program on this data directory; its exit code and all that it said.
fn studio(data: &Path, database_url: Option<&str>, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-studio"));
    command.args(arguments).current_dir(data.parent().unwrap()).env_clear().env("STUDIO_DATA", data);
    command.envs(database_url.map(|url| ("DATABASE_URL", url)));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// A data directory with a database and its secret.
fn installation(data: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Database::open(Location::Sqlite(data.to_owned())).await.unwrap();
        Secret::load(None, data, &database).await.unwrap();
        database.close().await;
    });
}

#[test]
fn a_backup_with_its_secret_moves_to_another_place() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    installation(&old);
    let (code, said) = studio(&old, None, &["backup", "--to", "copy.db", "--with-secret"]);
    assert_eq!(code, 0, "{said}");
    let secret = dir.path().join("copy.db.secret");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, said) = studio(&new, None, &["restore", "--from", "copy.db"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(fs::read(new.join("secret")).unwrap(), fs::read(old.join("secret")).unwrap());
    // It belongs to this database, or this would fail.
    installation(&new);
    let (code, said) = studio(&new, None, &["restore", "--from", "copy.db"]);
    assert!(code == 2 && said.contains("move it away first"), "{code}: {said}");
}

#[test]
fn a_backup_without_its_secret_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    installation(&data);
    let (code, said) = studio(&data, None, &["backup", "--to", "copy.db"]);
    assert!(code == 0 && said.contains("keep a copy of it as well"), "{code}: {said}");
    assert!(!dir.path().join("copy.db.secret").exists());
    let (code, said) = studio(&data, None, &["backup", "--to", "copy.db"]);
    assert!(code == 2 && said.contains("copy.db is there already"), "{code}: {said}");
}

#[test]
fn postgres_has_its_own_tool_and_its_password_is_not_told() {
    let dir = tempfile::tempdir().unwrap();
    let url = Some("postgres://studio:hunter2@127.0.0.1/studio");
    let commands: [&[&str]; 2] = [&["backup", "--to", "copy.dump"], &["restore", "--from", "copy.dump"]];
    for arguments in commands {
        let (code, said) = studio(&dir.path().join("data"), url, arguments);
        assert!(code == 2 && said.contains("\"$DATABASE_URL\"") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_lost_secret_can_be_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    installation(&data);
    fs::remove_file(data.join("secret")).unwrap();
    let (code, said) = studio(&data, None, &["secret", "reset"]);
    assert_eq!(code, 0, "{said}");
    installation(&data);
}
