//! Locks the SQLite directory, so that only one server process uses it: a second one would run its jobs twice.

use std::fs::{File, TryLockError};

use anyhow::{Context, bail};

use crate::database::{Location, private_files};

/// Locks the directory of an SQLite database until the returned file is dropped or the process ends. Returns
/// `None` for PostgreSQL, which several processes can share.
///
/// # Errors
/// If another process has locked this database.
pub fn lock(database: &Location) -> anyhow::Result<Option<File>> {
    let Location::Sqlite(dir) = database else { return Ok(None) };
    let path = dir.join("studio.lock");
    let cannot_lock = || format!("cannot lock {}", path.display());
    private_files::create_dir(dir).with_context(cannot_lock)?;
    let file = private_files::open(&path).with_context(cannot_lock)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another llm-studio server uses the database in {}; stop it, or choose another directory with \
             STUDIO_DATA=…; several processes can share a PostgreSQL database",
            dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot_lock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(dir.path().join("data"));
        let first = lock(&location).unwrap();
        assert!(lock(&location).unwrap_err().to_string().contains("another llm-studio"));
        drop(first);
        assert!(lock(&location).unwrap().is_some());
    }
}
