//! Copies of an SQLite database: made while others write, put back while nobody does.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use super::{Database, FILE_NAME, Location, private_files};

/// Copies the database in `dir` to the new file `to`, which only its owner can read. The copy is the
/// database as it was at one moment, however much is written meanwhile; when this returns it is whole
/// and on the disk.
///
/// # Errors
/// When there is no database, `to` is there already, or the copy cannot be written.
pub async fn back_up(dir: &Path, to: &Path) -> anyhow::Result<()> {
    let source = dir.join(FILE_NAME);
    ensure!(source.is_file(), "there is no database in {}; set STUDIO_DATA", dir.display());
    let reserved = NewFile::reserve(to)?;
    let partial = NewFile::reserve(&beside(to, "partial"))?;
    copy(&source, partial.path()).await.with_context(|| format!("cannot copy {}", source.display()))?;
    fs::rename(partial.path(), to).with_context(|| format!("cannot write {}", to.display()))?;
    partial.keep();
    reserved.keep();
    sync_directory_of(to)
}

/// Puts the copy `from` into `dir`, where there is no database yet, and opens it once, which brings
/// its tables up to date.
///
/// # Errors
/// When `from` is no database of this program, or `dir` has one already.
pub async fn restore(from: &Path, dir: &Path) -> anyhow::Result<()> {
    private_files::create_dir(dir)
        .with_context(|| format!("cannot create the directory {}", dir.display()))?;
    // What is left of another database's write-ahead log would be taken for a part of this one.
    for path in files_of(&dir.join(FILE_NAME)) {
        ensure!(!path.exists(), "{} is there already; move it away first", path.display());
    }
    ensure_ours(from).await.with_context(|| format!("{} is no backup of this program", from.display()))?;
    let target = NewFile::reserve(&dir.join(FILE_NAME))?;
    target.fill(from)?;
    Database::open(Location::Sqlite(dir.to_owned())).await?.close().await;
    sync_directory_of(target.path())?;
    target.keep();
    Ok(())
}

/// A copy of the file `from` that only its owner can read.
///
/// # Errors
/// When `to` is there already, or one of the two cannot be read or written.
pub fn copy_secret(from: &Path, to: &Path) -> anyhow::Result<()> {
    let target = NewFile::reserve(to)?;
    target.fill(from)?;
    target.keep();
    sync_directory_of(to)
}

async fn copy(source: &Path, to: &Path) -> anyhow::Result<()> {
    let Some(name) = to.to_str() else { bail!("{} is no name that SQLite takes", to.display()) };
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(source)).await?;
    sqlx::query("vacuum into $1").bind(name).execute(&mut database).await?;
    database.close().await?;
    File::open(to)?.sync_all()?;
    Ok(())
}

async fn ensure_ours(file: &Path) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let sound: String = sqlx::query_scalar("pragma quick_check").fetch_one(&mut database).await?;
    ensure!(sound == "ok", "it is damaged: {sound}");
    let users = sqlx::query("select 1 from users limit 1").fetch_optional(&mut database).await;
    users.context("it has no accounts")?;
    Ok(database.close().await?)
}

/// All files of the SQLite database in `file`: itself, its write-ahead log and that log's index.
fn files_of(file: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| with_suffix(file, suffix))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// `file` with something appended to its name.
pub fn beside(file: &Path, suffix: &str) -> PathBuf {
    with_suffix(file, &format!(".{suffix}"))
}

/// The name is on the disk when its directory is.
fn sync_directory_of(file: &Path) -> anyhow::Result<()> {
    let directory = std::path::absolute(file)?;
    if let Some(directory) = directory.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// A file that was not there before, and is gone again unless it is kept. Only its owner can read it.
struct NewFile {
    path: PathBuf,
    kept: bool,
}

impl NewFile {
    fn reserve(path: &Path) -> anyhow::Result<Self> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(_) => Ok(Self { path: path.to_owned(), kept: false }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} is there already; choose another name", path.display())
            }
            Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
        }
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// Copies what `from` holds, but not who may read it.
    fn fill(&self, from: &Path) -> anyhow::Result<()> {
        let copied = File::open(from).and_then(|mut source| {
            let mut target = OpenOptions::new().write(true).open(&self.path)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()
        });
        copied.with_context(|| format!("cannot copy {} to {}", from.display(), self.path.display()))
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // Whatever went wrong is being told already. Where SQLite had opened the file, it may have
            // left more beside it.
            for path in files_of(&self.path) {
                let _ = fs::remove_file(path);
            }
        }
    }
}
