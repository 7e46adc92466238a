//! Tickets for WebSockets. A browser script of another origin can send neither a header nor a cookie of the app
//! with a socket, and addresses get into logs: a ticket in an address is of no use to those who read it later.

use secrecy::{ExposeSecret, SecretString};

use super::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::session::{Proof, Session};
use crate::accounts::store::{NewTicket, TicketHolder};
use crate::accounts::token::{fingerprint, random};
use crate::database::now_ms;

/// Lifetime of a ticket in seconds.
pub const TICKET_SECONDS: i64 = 30;
/// Seconds over which tickets are counted.
pub const TICKET_WINDOW_SECONDS: u64 = 60;
/// Maximum number of tickets per user in that time.
const MAX_TICKETS: i64 = 60;

impl Accounts {
    /// Creates a ticket that opens one WebSocket within [`TICKET_SECONDS`], unless `session` ends before.
    ///
    /// # Errors
    /// If the user was given too many tickets within the last minute.
    pub async fn create_ticket(&self, session: &Session) -> Result<SecretString, AccountError> {
        let (ticket, now) = (random(), now_ms());
        let holder = match session.proof {
            Proof::Cookie | Proof::Bearer => TicketHolder::Session(session.id.clone()),
            Proof::PersonalToken => TicketHolder::AccessToken(session.id.clone()),
        };
        let new = NewTicket {
            fingerprint: &fingerprint(ticket.expose_secret()),
            user: session.user_id(),
            holder,
            now,
            expires_at: now + TICKET_SECONDS * 1000,
        };
        let since = now - TICKET_WINDOW_SECONDS.cast_signed() * 1000;
        let stored = self.store.insert_ticket(&new, since, MAX_TICKETS).await?;
        if stored { Ok(ticket) } else { Err(AccountError::TooManyTickets) }
    }

    /// Uses up a ticket. Returns `None` if it was used before, has expired or never existed, or if the session
    /// or API token that it was given to has ended.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session_of_ticket(&self, ticket: &str) -> Result<Option<Session>, AccountError> {
        let now = now_ms();
        let Some((user, holder)) = self.store.use_ticket(&fingerprint(ticket), now).await? else {
            return Ok(None);
        };
        let session = match holder {
            TicketHolder::Session(id) => {
                let user = self.store.user_of_session(&id, &user, now).await?;
                user.map(|user| Session { user, id, proof: Proof::Bearer })
            }
            TicketHolder::AccessToken(id) => {
                let user = self.store.user_of_token(&id, &user, now).await?;
                user.map(|user| Session { user, id, proof: Proof::PersonalToken })
            }
        };
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;

    use super::*;
    use crate::accounts::service::SignedIn;
    use crate::database::{Database, testing};
    use crate::live::Hub;

    fn accounts(database: Database) -> Accounts {
        Accounts::quick(database, Arc::new(Hub::default()))
    }

    async fn session(accounts: &Accounts, signed_in: &SignedIn) -> Session {
        let token = signed_in.access_token.expose_secret();
        accounts.session_of(token, Proof::Cookie).await.unwrap().unwrap()
    }

    async fn is_accepted(accounts: &Accounts, ticket: &SecretString) -> bool {
        accounts.session_of_ticket(ticket.expose_secret()).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_ticket_is_good_once() {
        for database in testing::databases().await {
            let accounts = accounts(database);
            let anna = session(&accounts, &accounts.user_for_test("anna@example.org").await).await;
            let ticket = accounts.create_ticket(&anna).await.unwrap();
            let found = accounts.session_of_ticket(ticket.expose_secret()).await.unwrap().unwrap();
            assert_eq!((found.user, found.id, found.proof), (anna.user, anna.id, Proof::Bearer));
            assert!(!is_accepted(&accounts, &ticket).await);
            assert!(!is_accepted(&accounts, &random()).await);
        }
    }

    #[tokio::test]
    async fn of_several_uses_at_once_one_wins() {
        for database in testing::databases().await {
            // Two processes that share a database.
            let processes = [accounts(database.clone()), accounts(database)];
            let anna = session(&processes[0], &processes[0].user_for_test("anna@example.org").await).await;
            let ticket = processes[0].create_ticket(&anna).await.unwrap();
            let uses = (0..16).map(|n| is_accepted(&processes[n % 2], &ticket));
            let winners = join_all(uses).await.into_iter().filter(|accepted| *accepted).count();
            assert_eq!(winners, 1);
        }
    }

    #[tokio::test]
    async fn a_ticket_ends_with_its_session_or_token() {
        for database in testing::databases().await {
            let accounts = accounts(database);
            let anna = session(&accounts, &accounts.user_for_test("anna@example.org").await).await;
            let (text, listed) = accounts.create_token(&anna, "Script", 1).await.unwrap();
            let script = accounts.session_of_bearer(text.expose_secret()).await.unwrap().unwrap();
            let of_session = accounts.create_ticket(&anna).await.unwrap();
            let of_token = accounts.create_ticket(&script).await.unwrap();
            let kept = accounts.create_ticket(&script).await.unwrap();
            accounts.sign_out(Some(&anna), None).await.unwrap();
            assert!(!is_accepted(&accounts, &of_session).await);
            assert!(is_accepted(&accounts, &kept).await);
            accounts.revoke_token(script.user_id(), &listed.id).await.unwrap();
            assert!(!is_accepted(&accounts, &of_token).await);
        }
    }

    #[tokio::test]
    async fn tickets_are_rate_limited_per_user() {
        for database in testing::databases().await {
            let accounts = accounts(database);
            let anna = session(&accounts, &accounts.user_for_test("anna@example.org").await).await;
            let ben = session(&accounts, &accounts.user_for_test("ben@example.org").await).await;
            for _ in 0..MAX_TICKETS {
                let ticket = accounts.create_ticket(&anna).await.unwrap();
                // Used ones count too.
                assert!(is_accepted(&accounts, &ticket).await);
            }
            let refused = accounts.create_ticket(&anna).await.unwrap_err();
            assert!(matches!(refused, AccountError::TooManyTickets), "{refused}");
            accounts.create_ticket(&ben).await.unwrap();
        }
    }
}
