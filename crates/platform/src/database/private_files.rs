//! Files and directories that only the user who runs the server can read: they contain password hashes, email
//! addresses, prompts and encrypted API keys.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Creates a directory and its parents with mode 0700. An existing one keeps its mode.
///
/// # Errors
/// If it cannot be created.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Opens a file for writing; creates it with mode 0600 if it does not exist. An existing one keeps its content and
/// mode.
///
/// # Errors
/// If it cannot be opened or created.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Logs a warning if other users of the machine can read the file.
///
/// # Errors
/// If the file does not exist.
pub fn warn_if_readable(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        tracing::warn!("other users of this machine can read {path}; run `chmod 600 {path}`");
    }
    Ok(())
}
