//! Sees to it that one SQLite file is served by one process: a second one would run its jobs twice.

use std::fs::{File, TryLockError};

use anyhow::{Context, bail};

use crate::database::Location;

/// Locks the directory of an SQLite database until the file is dropped, or the process ends in
/// whatever way. PostgreSQL is shared by as many as like.
///
/// # Errors
/// When another process serves this database.
pub fn lock(database: &Location) -> anyhow::Result<Option<File>> {
    let Location::Sqlite(dir) = database else { return Ok(None) };
    let path = dir.join("studio.lock");
    let cannot_lock = || format!("cannot lock {}", path.display());
    std::fs::create_dir_all(dir).with_context(cannot_lock)?;
    let file = File::create(&path).with_context(cannot_lock)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another llm-studio serves the database in {}; stop it, or choose another directory with \
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
    fn the_second_waits_for_the_end_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(dir.path().join("data"));
        let first = lock(&location).unwrap();
        assert!(lock(&location).unwrap_err().to_string().contains("another llm-studio"));
        drop(first);
        assert!(lock(&location).unwrap().is_some());
    }
}
