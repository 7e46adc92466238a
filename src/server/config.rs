//! The server's configuration from `Leptos.toml` and the environment.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use leptos::config::{LeptosOptions, get_configuration};
use secrecy::SecretString;
use url::Url;

use super::hosts::Hosts;
use crate::accounts::{MailSettings, OidcClient};
use crate::database::Location;
use crate::http::client_ip::Proxies;
use crate::mail::Mailer;

/// Default of `STUDIO_STOP_SECONDS`.
const STOP_LIMIT: Duration = Duration::from_secs(60);

const OPTIONS_FILE: &str = "Leptos.toml";

/// Configuration of the server.
#[derive(Debug, Clone)]
pub struct Config {
    pub leptos: LeptosOptions,
    pub database: Location,
    /// Directory of the SQLite file and the secret.
    pub data_dir: PathBuf,
    /// `STUDIO_SECRET`; if not set, the secret is in a file.
    pub secret: Option<SecretString>,
    /// Email address of the user who becomes admin.
    pub admin_email: Option<String>,
    pub proxies: Proxies,
    /// The names that the server answers for.
    pub hosts: Hosts,
    /// Mail settings for password reset links; `None` if mail is not configured.
    pub mail: Option<MailSettings>,
    /// The identity provider; `None` if not configured.
    pub oidc: Option<OidcClient>,
    /// Time that requests and jobs in progress have to finish when the server stops.
    pub stop_limit: Duration,
    /// How many benchmarks measure at once in this process.
    pub concurrent_benchmarks: NonZeroUsize,
}

impl Config {
    /// Reads `Leptos.toml` of the current directory and the variables `LEPTOS_*`, `PORT`,
    /// `STUDIO_DATA`, `DATABASE_URL`, `STUDIO_SECRET`, `ADMIN_EMAIL`, `STUDIO_PROXIES`, `STUDIO_HOSTS`,
    /// `COOKIE_SECURE`, `APP_BASE_URL`, `SMTP_*`, `GOOGLE_CLIENT_*`,
    /// `OIDC_*`, `STUDIO_STOP_SECONDS` and `STUDIO_CONCURRENT_BENCHMARKS`.
    ///
    /// # Errors
    /// If a setting is invalid or the site has not been built.
    pub fn load() -> anyhow::Result<Self> {
        let file = Path::new(OPTIONS_FILE).exists().then_some(OPTIONS_FILE);
        let mut leptos =
            get_configuration(file).context("cannot read the options of the site")?.leptos_options;
        if let Ok(port) = std::env::var("PORT") {
            let port =
                port.parse().with_context(|| format!("PORT={port} is not a port number (0 to 65535)"))?;
            leptos.site_addr.set_port(port);
        }
        ensure_built(&leptos)?;
        let public_address = public_address()?;
        let Storage { data_dir, database } = Storage::from_env();
        Ok(Self {
            leptos,
            database,
            data_dir,
            secret: variable("STUDIO_SECRET").map(Into::into),
            admin_email: variable("ADMIN_EMAIL"),
            proxies: Proxies::from_env(public_address.as_ref())?,
            hosts: Hosts::new(public_address.as_ref(), variable("STUDIO_HOSTS").as_deref())?,
            mail: mail()?,
            oidc: OidcClient::find(variable, public_address.as_ref())?,
            stop_limit: stop_limit()?,
            concurrent_benchmarks: concurrent_benchmarks(variable("STUDIO_CONCURRENT_BENCHMARKS"))?,
        })
    }
}

/// Returns the public URL of this server from `APP_BASE_URL`.
///
/// # Errors
/// If it is not an HTTP or HTTPS URL.
pub fn public_address() -> anyhow::Result<Option<Url>> {
    let Some(text) = variable("APP_BASE_URL") else { return Ok(None) };
    let address = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let address = address
        .with_context(|| format!("APP_BASE_URL={text} is not a URL such as https://studio.example.org"))?;
    Ok(Some(address))
}

fn stop_limit() -> anyhow::Result<Duration> {
    let Some(text) = variable("STUDIO_STOP_SECONDS") else { return Ok(STOP_LIMIT) };
    let seconds = text.trim().parse().with_context(|| {
        format!("STUDIO_STOP_SECONDS={text} is not a whole number of seconds, for example 60")
    })?;
    Ok(Duration::from_secs(seconds))
}

/// As many as the machine has cores, unless the variable says otherwise.
fn concurrent_benchmarks(variable: Option<String>) -> anyhow::Result<NonZeroUsize> {
    let Some(text) = variable else {
        return Ok(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    };
    text.trim().parse().with_context(|| {
        format!("STUDIO_CONCURRENT_BENCHMARKS={text} is not a whole number from 1, for example 4")
    })
}

fn mail() -> anyhow::Result<Option<MailSettings>> {
    let Some(mailer) = Mailer::find(variable)? else { return Ok(None) };
    let public_address = public_address()?.context(
        "APP_BASE_URL is missing: links in emails need it, for example https://studio.example.org",
    )?;
    Ok(Some(MailSettings { mailer, public_address }))
}

/// Location of the stored data.
#[derive(Debug, Clone)]
pub struct Storage {
    /// Directory of the SQLite file and the secret.
    pub data_dir: PathBuf,
    pub database: Location,
}

impl Storage {
    /// Reads `STUDIO_DATA` and `DATABASE_URL`.
    pub fn from_env() -> Self {
        let data_dir = std::env::var_os("STUDIO_DATA").map_or_else(|| "data/local".into(), PathBuf::from);
        let database = match std::env::var("DATABASE_URL") {
            Ok(url) => Location::Postgres(url.into()),
            Err(_) => Location::Sqlite(data_dir.clone()),
        };
        Self { data_dir, database }
    }
}

/// Returns a variable's value; `None` if it is unset or empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Fails early with a clear message; otherwise the first request would fail.
fn ensure_built(leptos: &LeptosOptions) -> anyhow::Result<()> {
    let pkg_dir = Path::new(&*leptos.site_root).join(&*leptos.site_pkg_dir);
    let hash_file = std::env::current_exe()?.with_file_name(&*leptos.hash_file);
    let built = pkg_dir.is_dir() && (!leptos.hash_files || hash_file.is_file());
    ensure!(built, "there is no built site in {}; run `make run` in the repository", pkg_dir.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use leptos::config::get_config_from_str;

    use super::concurrent_benchmarks;

    #[test]
    fn the_number_of_concurrent_benchmarks_is_whole_and_not_zero() {
        assert!(concurrent_benchmarks(None).unwrap().get() >= 1);
        assert_eq!(concurrent_benchmarks(Some(" 20 ".into())).unwrap().get(), 20);
        for text in ["0", "-1", "1.5", "all"] {
            let error = concurrent_benchmarks(Some(text.into())).unwrap_err();
            assert!(error.to_string().contains("STUDIO_CONCURRENT_BENCHMARKS"), "{error}");
        }
    }

    /// The build reads one file and the binary the other, so their settings must be equal.
    #[test]
    fn build_and_binary_agree_on_the_site() {
        let built = get_config_from_str(include_str!("../../Cargo.toml")).unwrap();
        let served = get_config_from_str(include_str!("../../Leptos.toml")).unwrap();
        assert_eq!(
            (built.output_name, built.site_root, built.site_pkg_dir, built.site_addr, built.hash_files),
            (served.output_name, served.site_root, served.site_pkg_dir, served.site_addr, served.hash_files),
        );
    }
}
