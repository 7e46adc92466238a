//! Repeats what failed for a reason that passes: a lock, a restart or a failover of the database.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio_util::sync::CancellationToken;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// SQLite's primary result codes of a lock that another connection holds.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;

/// PostgreSQL's SQLSTATE `character_not_in_repertoire`.
const POSTGRES_UNSTORABLE_TEXT: &str = "22021";

/// Returns whether the same statement may succeed a little later without anybody doing anything. A
/// closed pool is not among these: the process is about to end.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient_code(&code)),
        _ => false,
    }
}

/// Returns whether a database error that [`is_transient`] is among the causes of `error`.
pub fn has_transient_cause(error: &(dyn Error + 'static)) -> bool {
    has_cause(error, is_transient)
}

/// Returns whether `error` was caused by text that PostgreSQL cannot store: text with a NUL character.
pub fn has_unstorable_text(error: &(dyn Error + 'static)) -> bool {
    has_cause(error, |error| {
        error
            .as_database_error()
            .is_some_and(|error| error.code().as_deref() == Some(POSTGRES_UNSTORABLE_TEXT))
    })
}

fn has_cause(error: &(dyn Error + 'static), is_wanted: impl Fn(&sqlx::Error) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(&is_wanted) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A PostgreSQL SQLSTATE has five characters; SQLite's codes are shorter numbers, whose low byte is the
/// primary code.
fn is_transient_code(code: &str) -> bool {
    if code.len() == 5 {
        let names_a_passing_state = matches!(
            code,
            // Shutdown by an admin, after a crash, not yet started; serialization failure, deadlock; too
            // many connections.
            "57P01" | "57P02" | "57P03" | "40001" | "40P01" | "53300"
        );
        return names_a_passing_state || code.starts_with("08");
    }
    let primary = code.parse::<u32>().map(|code| code & 0xff);
    matches!(primary, Ok(SQLITE_BUSY | SQLITE_LOCKED))
}

/// Runs `operation` until it succeeds, fails with an error that does not pass, or fails after `give_up`
/// has completed or `limit` is over. Pauses grow up to five seconds. An attempt that is under way is
/// never dropped: a write that nobody waits for could still arrive.
///
/// # Errors
/// The last attempt's error.
pub async fn retry<T, E, F>(
    give_up: impl Future<Output = ()>,
    limit: Option<Duration>,
    is_transient: impl Fn(&E) -> bool,
    operation: impl FnMut() -> F,
) -> Result<T, E>
where
    E: fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let given_up = CancellationToken::new();
    let backoff = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .with_total_delay(limit);
    let pause = {
        let given_up = given_up.clone();
        move |length: Duration| {
            let given_up = given_up.clone();
            async move {
                given_up.run_until_cancelled(tokio::time::sleep(length)).await;
            }
        }
    };
    let attempts = operation
        .retry(backoff)
        .sleep(pause)
        .when(|error| is_transient(error) && !given_up.is_cancelled())
        .notify(|error, pause| tracing::warn!(?pause, "a statement failed and is tried again: {error}"));
    let give_up = async {
        give_up.await;
        given_up.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = give_up => unreachable!("this future never completes"),
        result = attempts => result,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};
    use std::io;
    use std::str::FromStr;

    use sqlx::any::AnyConnectOptions;
    use sqlx::{AnyConnection, ConnectOptions, Executor};

    use super::*;
    use crate::database::testing;

    #[test]
    fn codes_that_pass_are_told_from_those_that_stay() {
        for code in ["57P01", "57P02", "57P03", "08006", "08P01", "40001", "40P01", "53300", "5", "6", "517"]
        {
            assert!(is_transient_code(code), "{code}");
        }
        // Unique violation, statement timeout, full disk; constraint, read-only, I/O error.
        for code in ["23505", "57014", "53100", "19", "2067", "8", "10", "", "HY000"] {
            assert!(!is_transient_code(code), "{code}");
        }
        assert!(is_transient(&sqlx::Error::PoolTimedOut));
        assert!(is_transient(&sqlx::Error::Io(io::Error::other("reset"))));
        assert!(!is_transient(&sqlx::Error::PoolClosed));
        assert!(!is_transient(&sqlx::Error::RowNotFound));
        let wrapped = anyhow::Error::new(sqlx::Error::PoolTimedOut).context("cannot store a result");
        assert!(has_transient_cause(wrapped.as_ref()));
        assert!(!has_transient_cause(anyhow::anyhow!("no").as_ref()));
    }

    #[tokio::test]
    async fn a_locked_sqlite_file_is_a_passing_error() {
        sqlx::any::install_default_drivers();
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", dir.path().join("test.db").display());
        let options = AnyConnectOptions::from_str(&url).unwrap();
        let mut holder: AnyConnection = options.connect().await.unwrap();
        let mut other: AnyConnection = options.connect().await.unwrap();
        other.execute("pragma busy_timeout = 0").await.unwrap();
        holder.execute("create table t (x bigint)").await.unwrap();
        holder.execute("begin immediate").await.unwrap();
        let error = other.execute("insert into t values (1)").await.unwrap_err();
        assert!(is_transient(&error), "{error:?}");
    }

    #[tokio::test]
    async fn the_servers_own_errors_are_classed_on_postgresql() {
        let Some(database) = testing::postgres().await else { return };
        for (code, passes) in [("57P01", true), ("40001", true), ("23505", false)] {
            let sql = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
            let error = database.writer().execute(sqlx::AssertSqlSafe(sql)).await.unwrap_err();
            assert_eq!(is_transient(&error), passes, "{code}: {error:?}");
        }
    }

    #[tokio::test]
    async fn what_passes_is_tried_until_it_succeeds() {
        let attempts = Cell::new(0);
        let result = retry(pending(), None, is_transient, || {
            attempts.set(attempts.get() + 1);
            ready(if attempts.get() < 3 { Err(sqlx::Error::PoolTimedOut) } else { Ok(attempts.get()) })
        });
        assert_eq!(result.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn what_stays_is_tried_once() {
        let attempts = Cell::new(0);
        let result: Result<(), _> = retry(pending(), None, is_transient, || {
            attempts.set(attempts.get() + 1);
            ready(Err(sqlx::Error::RowNotFound))
        })
        .await;
        assert!(matches!(result, Err(sqlx::Error::RowNotFound)));
        assert_eq!(attempts.get(), 1);
    }

    #[tokio::test]
    async fn who_gives_up_or_reaches_the_limit_gets_the_last_error() {
        let stop = CancellationToken::new();
        let result: Result<(), _> = retry(stop.cancelled(), None, is_transient, || {
            stop.cancel();
            ready(Err(sqlx::Error::PoolTimedOut))
        })
        .await;
        assert!(matches!(result, Err(sqlx::Error::PoolTimedOut)));
        let limit = Some(Duration::from_millis(1));
        let fails = || ready(Err::<(), _>(sqlx::Error::PoolTimedOut));
        assert!(retry(pending(), limit, is_transient, fails).await.is_err());
    }
}
