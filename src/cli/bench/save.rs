//! Saves results. Files are written atomically, and a results file is never overwritten.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use uuid::Uuid;

use crate::cli::output::pretty_json;
use bench::types::Report;

const DIRECTORY: &str = "results";

/// Saves the report as JSON in `results/` of the current directory. Returns the new file's path.
///
/// # Errors
/// If the directory or the file cannot be written.
pub fn save(report: &Report) -> anyhow::Result<PathBuf> {
    keep_in(Path::new(DIRECTORY), report)
}

/// Atomically replaces `path` with `text`.
///
/// # Errors
/// If its directory cannot be written.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let temporary = write_temporary(path, text)?;
    fs::rename(&temporary, path)
        .or_else(|error| discard(&temporary, error))
        .with_context(|| cannot_write(path))
}

fn keep_in(folder: &Path, report: &Report) -> anyhow::Result<PathBuf> {
    let text = pretty_json(report)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let stem = file_stem(&report.started_at);
    let temporary = write_temporary(&folder.join(&stem), &text)?;
    let mut paths = std::iter::once(format!("{stem}.json"))
        .chain((2..).map(|number| format!("{stem}_{number}.json")))
        .map(|name| folder.join(name));
    let kept = paths.find_map(|path| match publish(&temporary, &path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
        outcome => Some(outcome.map(|()| path)),
    });
    let kept = kept.unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()));
    kept.or_else(|error| discard(&temporary, error)).with_context(|| cannot_write(folder))
}

/// Renames the temporary file, unless the name exists.
fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Ok(()) => fs::remove_file(temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems do not support hard links.
        Err(_) if !path.try_exists()? => fs::rename(temporary, path),
        Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// Writes the text to a hidden temporary file next to `path`.
fn write_temporary(path: &Path, text: &str) -> anyhow::Result<PathBuf> {
    let name = path.file_name().and_then(|name| name.to_str()).with_context(|| cannot_write(path))?;
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", Uuid::new_v4().simple()));
    fs::write(&temporary, text)
        .or_else(|error| discard(&temporary, error))
        .with_context(|| cannot_write(path))?;
    Ok(temporary)
}

fn discard<T>(temporary: &Path, error: io::Error) -> io::Result<T> {
    // Ignored: the original error matters.
    let _ = fs::remove_file(temporary);
    Err(error)
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Returns `bench_2026-01-02T03-04-05Z`: sorts by time, and is a valid file name on all systems.
fn file_stem(started_at: &str) -> String {
    let time = started_at.split_once('.').map_or(started_at.to_owned(), |(seconds, _)| format!("{seconds}Z"));
    let safe: String = time.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("bench_{safe}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_file_contains_the_report() {
        let folder = tempfile::tempdir().unwrap();
        let path = keep_in(&folder.path().join("new/results"), &fixture::report()).unwrap();
        let read: Report = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read, fixture::reread());
        assert_eq!(
            names(path.parent().unwrap()),
            ["bench_2026-01-02T03-04-05Z.json"],
            "and no temporary file is left"
        );
    }

    #[test]
    fn results_files_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            keep_in(folder.path(), &fixture::report()).unwrap();
        }
        assert_eq!(
            names(folder.path()),
            [
                "bench_2026-01-02T03-04-05Z.json",
                "bench_2026-01-02T03-04-05Z_2.json",
                "bench_2026-01-02T03-04-05Z_3.json",
            ]
        );
    }

    #[test]
    fn fractions_of_a_second_are_left_out_of_the_name() {
        assert_eq!(file_stem("2026-01-02T03:04:05.678Z"), "bench_2026-01-02T03-04-05Z");
    }

    #[test]
    fn an_output_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        replace(&path, "old").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["out.json"]);
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_the_file() {
        let error = replace(Path::new("/no/such/folder/out.json"), "x").unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/out.json"), "{error}");
    }
}
