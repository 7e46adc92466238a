//! Tests of backup and restore with the real program.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use llm_benchmark_studio::accounts::secret::Secret;
use llm_benchmark_studio::database::{Database, Location};

/// Runs the program on this data directory. Returns its exit code and output.
fn studio(data: &Path, database_url: Option<&str>, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-studio"));
    command.args(arguments).current_dir(data.parent().unwrap()).env_clear().env("STUDIO_DATA", data);
    command.envs(database_url.map(|url| ("DATABASE_URL", url)));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// Creates a data directory with a database and its secret.
fn installation(data: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Database::open(Location::Sqlite(data.to_owned())).await.unwrap();
        Secret::load(None, data, &database).await.unwrap();
        database.close().await;
    });
}

#[test]
fn a_backup_with_its_secret_can_be_restored_elsewhere() {
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
    // Fails unless the secret belongs to this database.
    installation(&new);
    let (code, said) = studio(&new, None, &["restore", "--from", "copy.db"]);
    assert!(code == 2 && said.contains("move it away first"), "{code}: {said}");
}

#[test]
fn a_backup_without_its_secret_reports_that() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    installation(&data);
    let (code, said) = studio(&data, None, &["backup", "--to", "copy.db"]);
    assert!(code == 0 && said.contains("back it up as well"), "{code}: {said}");
    assert!(!dir.path().join("copy.db.secret").exists());
    let (code, said) = studio(&data, None, &["backup", "--to", "copy.db"]);
    assert!(code == 2 && said.contains("copy.db is there already"), "{code}: {said}");
}

#[test]
fn postgres_is_rejected_without_showing_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let url = Some("postgres://studio:hunter2@127.0.0.1/studio");
    let commands: [&[&str]; 2] = [&["backup", "--to", "copy.dump"], &["restore", "--from", "copy.dump"]];
    for arguments in commands {
        let (code, said) = studio(&dir.path().join("data"), url, arguments);
        assert!(code == 2 && said.contains("\"$DATABASE_URL\"") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_lost_secret_can_be_reset() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    installation(&data);
    fs::remove_file(data.join("secret")).unwrap();
    let (code, said) = studio(&data, None, &["secret", "reset"]);
    assert_eq!(code, 0, "{said}");
    installation(&data);
}
