//! Sends mail through the SMTP server configured in the environment.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, bail};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

/// The port of SMTP with STARTTLS.
const SUBMISSION: u16 = 587;
/// The port of SMTP with implicit TLS.
const SUBMISSIONS: u16 = 465;
/// Timeout of each SMTP operation.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client for sending mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Reads `SMTP_HOST`, `SMTP_PORT` (587), `SMTP_USER`, `SMTP_PASSWORD`, `SMTP_FROM` (default: the user) and
    /// `SMTP_TLS` (`starttls`, at port 465 `tls`; or `none`) from `variable`. `None` without a host.
    ///
    /// # Errors
    /// If one of them is missing or invalid.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<Self>> {
        let Some(host) = variable("SMTP_HOST") else { return Ok(None) };
        let port = match variable("SMTP_PORT") {
            Some(port) => port.parse().with_context(|| format!("SMTP_PORT={port} is not a port number"))?,
            None => SUBMISSION,
        };
        let (user, password) = (variable("SMTP_USER"), variable("SMTP_PASSWORD"));
        let sender = variable("SMTP_FROM").or_else(|| user.clone());
        let sender = sender.context("SMTP_FROM is missing: set the sender's email address")?;
        let from = sender.parse().with_context(|| format!("SMTP_FROM={sender} is not an email address"))?;
        let tls = variable("SMTP_TLS");
        let smtp = match tls.as_deref() {
            Some("starttls") => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&host),
            Some("tls") => AsyncSmtpTransport::<Tokio1Executor>::relay(&host),
            Some("none") => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)),
            Some(other) => bail!("SMTP_TLS={other} is not starttls, tls or none"),
            None if port == SUBMISSIONS => AsyncSmtpTransport::<Tokio1Executor>::relay(&host),
            None => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&host),
        };
        let mut smtp = smtp.context("SMTP_HOST is invalid")?.port(port).timeout(Some(TIMEOUT));
        match (user, password) {
            (Some(user), Some(password)) => smtp = smtp.credentials(Credentials::new(user, password)),
            (None, None) => {}
            _ => bail!("set both SMTP_USER and SMTP_PASSWORD, or neither"),
        }
        Ok(Some(Self { transport: smtp.build(), from }))
    }

    /// Sends a mail through the server.
    ///
    /// # Errors
    /// If the server cannot be reached or rejects the mail.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> anyhow::Result<()> {
        let to = to.parse().context("the recipient's address is invalid")?;
        let mail = Message::builder().from(self.from.clone()).to(to).subject(subject).body(text)?;
        self.transport.send(mail).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> anyhow::Result<Option<Mailer>> {
        let value = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
        Mailer::find(|name| value(name).map(str::to_owned))
    }

    #[test]
    fn without_a_host_there_is_none() {
        assert!(find(&[("SMTP_FROM", "studio@example.org")]).unwrap().is_none());
    }

    #[test]
    fn missing_and_invalid_settings_are_named() {
        let host = ("SMTP_HOST", "mail.example.org");
        let from = ("SMTP_FROM", "studio@example.org");
        for (variables, named) in [
            (vec![host], "SMTP_FROM"),
            (vec![host, ("SMTP_FROM", "nobody")], "SMTP_FROM=nobody"),
            (vec![host, from, ("SMTP_PORT", "mail")], "SMTP_PORT=mail"),
            (vec![host, from, ("SMTP_TLS", "perhaps")], "SMTP_TLS=perhaps"),
            (vec![host, from, ("SMTP_USER", "studio")], "SMTP_PASSWORD"),
        ] {
            let error = format!("{:#}", find(&variables).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
        let user = [host, ("SMTP_USER", "studio@example.org"), ("SMTP_PASSWORD", "hush")];
        let mailer = find(&user).unwrap().unwrap();
        assert_eq!(mailer.from.email.to_string(), "studio@example.org");
        assert!(!format!("{mailer:?}").contains("hush"));
    }
}
