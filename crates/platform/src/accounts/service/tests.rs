//! Tests of the accounts service on both databases.

use std::sync::Mutex;

use super::testing::{LOCALHOST, PASSWORD};
use super::*;
use crate::accounts::SessionCheck;
use crate::accounts::session::{Proof, Session};
use crate::accounts::{Registration, Role};
use crate::database::testing;
use crate::live::Hub;
use crate::live::closing::Closing;

const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

async fn all() -> Vec<Accounts> {
    all_with_hubs().await.into_iter().map(|(accounts, _)| accounts).collect()
}

/// Returns a service per database, each with the hub that is notified of ended sessions.
async fn all_with_hubs() -> Vec<(Accounts, Hub)> {
    let with_hub = |database| {
        let hub = Hub::default();
        (Accounts::quick(database, Arc::new(hub.clone())), hub)
    };
    testing::databases().await.into_iter().map(with_hub).collect()
}

async fn session(accounts: &Accounts, signed_in: &SignedIn) -> Option<Session> {
    accounts.session_of(signed_in.access_token.expose_secret(), Proof::Cookie).await.unwrap()
}

fn refresh_token(signed_in: &SignedIn) -> String {
    signed_in.refresh_token.as_ref().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn the_first_user_is_admin_and_emails_are_case_insensitive() {
    for accounts in all().await {
        assert_eq!(accounts.user_for_test(" Anna@Example.ORG ").await.user.role, Role::Admin);
        assert_eq!(accounts.user_for_test("ben@example.org").await.user.role, Role::User);
        let again = accounts.register(NewAccount::for_test("ANNA@example.org"), LOCALHOST).await.unwrap_err();
        assert!(matches!(again, AccountError::EmailTaken), "{again}");
        let signed_in = accounts.sign_in("ANNA@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
        assert_eq!(signed_in.user.email, "anna@example.org");
    }
}

#[tokio::test]
async fn admin_email_has_to_be_an_address() {
    for accounts in all().await {
        accounts.with_admin("nonsense").await.unwrap_err();
    }
}

#[tokio::test]
async fn invalid_accounts_are_rejected() {
    let accounts = Accounts::quick(testing::sqlite().await, Arc::new(Hub::default()));
    let with = |email: &str, password: &str| NewAccount {
        password: password.to_owned().into(),
        ..NewAccount::for_test(email)
    };
    let long = format!("{}@example.org", "a".repeat(243));
    for email in
        ["", "anna", "@example.org", "anna@", "anna@host", "a b@example.org", "a@b@c.org", "a@.org", &long]
    {
        let error = accounts.register(with(email, PASSWORD), LOCALHOST).await.unwrap_err();
        assert!(matches!(error, AccountError::Email), "{email}: {error}");
    }
    for password in ["", "1234567", "ä".repeat(7).as_str(), "x".repeat(257).as_str()] {
        let error = accounts.register(with("anna@example.org", password), LOCALHOST).await.unwrap_err();
        assert!(matches!(error, AccountError::PasswordLength), "{password}: {error}");
    }
    accounts.register(with("anna@example.org", &"ä".repeat(256)), LOCALHOST).await.unwrap();
}

#[tokio::test]
async fn registration_hooks_run_and_may_fail() {
    struct RecordingHook(Arc<Mutex<Vec<UserId>>>);
    impl OnRegistration for RecordingHook {
        fn registered<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>> {
            self.0.lock().unwrap().push(user.clone());
            Box::pin(async { anyhow::bail!("no flowers") })
        }
    }
    let welcomed = Arc::default();
    let accounts = Accounts::quick(testing::sqlite().await, Arc::new(Hub::default()))
        .with_registration_hooks(vec![Box::new(RecordingHook(Arc::clone(&welcomed)))]);
    let anna = accounts.user_for_test("anna@example.org").await.user.id;
    accounts.register(NewAccount::for_test("anna@example.org"), LOCALHOST).await.unwrap_err();
    assert_eq!(*welcomed.lock().unwrap(), [anna]);
}

#[tokio::test]
async fn registration_follows_the_settings() {
    for accounts in all().await {
        let admin = accounts.user_for_test("anna@example.org").await.user.id;
        let enter = async |email, invitation: Option<SecretString>| {
            accounts.register(NewAccount { invitation, ..NewAccount::for_test(email) }, LOCALHOST).await
        };
        accounts.settings().set_registration(Registration::Invitation).await.unwrap();
        let error = enter("ben@example.org", None).await.unwrap_err();
        assert!(matches!(error, AccountError::InvitationNeeded), "{error}");
        let request = NewInvitationRequest { email: Some("Ben@example.org".into()), days: 1 };
        let (token, _) = accounts.invite(&admin, &request).await.unwrap();
        let error = enter("eve@example.org", Some(token.clone())).await.unwrap_err();
        assert!(matches!(error, AccountError::InvitationUnusable), "{error}");
        enter("ben@example.org", Some(token.clone())).await.unwrap();
        enter("carl@example.org", Some(token)).await.unwrap_err();
        accounts.settings().set_registration(Registration::Closed).await.unwrap();
        let error = enter("carl@example.org", None).await.unwrap_err();
        assert!(matches!(error, AccountError::RegistrationClosed), "{error}");
    }
}

#[tokio::test]
async fn whoever_may_not_register_does_not_learn_which_addresses_are_in_use() {
    for accounts in all().await {
        accounts.user_for_test("anna@example.org").await;
        for registration in [Registration::Closed, Registration::Invitation] {
            accounts.settings().set_registration(registration).await.unwrap();
            for invitation in [None, Some(SecretString::from("no such invitation"))] {
                let answers = ["anna@example.org", "nobody@example.org"].map(async |email| {
                    let new = NewAccount { invitation: invitation.clone(), ..NewAccount::for_test(email) };
                    accounts.register(new, LOCALHOST).await.unwrap_err().to_string()
                });
                let [known, unknown] = answers;
                assert_eq!(known.await, unknown.await, "{registration:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_invitation_stays_usable_when_the_address_is_in_use() {
    for accounts in all().await {
        let admin = accounts.user_for_test("anna@example.org").await.user.id;
        accounts.settings().set_registration(Registration::Invitation).await.unwrap();
        let (token, _) =
            accounts.invite(&admin, &NewInvitationRequest { email: None, days: 1 }).await.unwrap();
        let register = async |email| {
            let invitation = Some(token.clone());
            accounts.register(NewAccount { invitation, ..NewAccount::for_test(email) }, LOCALHOST).await
        };
        let error = register("anna@example.org").await.unwrap_err();
        assert!(matches!(error, AccountError::EmailTaken), "{error}");
        register("ben@example.org").await.unwrap();
    }
}

#[tokio::test]
async fn what_an_admin_has_handed_out_ends_with_their_role_and_their_account() {
    for accounts in all().await {
        let admin = accounts.user_for_test("anna@example.org").await.user.id;
        let victim = accounts.user_for_test("victim@example.org").await.user.id;
        accounts.settings().set_registration(Registration::Invitation).await.unwrap();
        for (number, ends) in ["demotion", "deletion", "deletion of oneself"].into_iter().enumerate() {
            accounts.settings().set_registration(Registration::Open).await.unwrap();
            let former = accounts.user_for_test(&format!("former-{number}@example.org")).await;
            let own_session = accounts.session_for_test(&former).await;
            let former = former.user.id;
            accounts.settings().set_registration(Registration::Invitation).await.unwrap();
            accounts.set_role(&admin, &former, Role::Admin).await.unwrap();
            let link = accounts.password_link(&former, &victim).await.unwrap();
            let request = NewInvitationRequest { email: None, days: 1 };
            let (invitation, _) = accounts.invite(&former, &request).await.unwrap();
            match ends {
                "demotion" => accounts.set_role(&admin, &former, Role::User).await.unwrap(),
                "deletion" => accounts.delete_other(&admin, &former).await.unwrap(),
                _ => accounts.delete_own(&own_session, &PASSWORD.into()).await.unwrap(),
            }
            let reset = accounts.reset_password(link.token.expose_secret(), &"another password".into()).await;
            assert!(matches!(reset, Err(AccountError::ResetUnusable)), "{ends}");
            let stranger =
                NewAccount { invitation: Some(invitation), ..NewAccount::for_test("stranger@example.org") };
            let error = accounts.register(stranger, LOCALHOST).await.unwrap_err();
            assert!(matches!(error, AccountError::InvitationUnusable), "{ends}: {error}");
        }
        // What another admin has made stays usable.
        let link = accounts.password_link(&admin, &victim).await.unwrap();
        let demoted = accounts.set_role(&admin, &victim, Role::User).await;
        demoted.unwrap();
        accounts.reset_password(link.token.expose_secret(), &"another password".into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_stores_nothing_of_an_address_that_no_account_can_have() {
    for database in testing::databases().await {
        let accounts = Accounts::quick(database.clone(), Arc::new(Hub::default()));
        for email in ["a".repeat(8_000_000) + "@example.org", "no address".into()] {
            let error = accounts.sign_in(&email, &PASSWORD.into(), LOCALHOST).await.unwrap_err();
            assert!(matches!(error, AccountError::WrongCredentials), "{error}");
        }
        let failures: i64 = sqlx::query_scalar("select count(*) from sign_in_failures")
            .fetch_one(database.reader())
            .await
            .unwrap();
        assert_eq!(failures, 0);
    }
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_errors() {
    for accounts in all().await {
        accounts.user_for_test("anna@example.org").await;
        let mut answers = Vec::new();
        for email in ["anna@example.org", "nobody@example.org"] {
            for place in 0..7 {
                let from = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, place));
                let error = accounts.sign_in(email, &"wrong password".into(), from).await.unwrap_err();
                answers.push((email, error.to_string()));
            }
        }
        let (known, unknown) = answers.split_at(7);
        assert!(known.iter().zip(unknown).all(|(a, b)| a.1 == b.1), "{answers:#?}");
        assert!(known[4].1.contains("Wrong email") && known[5].1.contains("Too many"), "{known:#?}");
        let right = accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap_err();
        assert!(matches!(right, AccountError::Locked(_)), "also with the right password: {right}");
    }
}

#[tokio::test]
async fn concurrent_guesses_are_all_counted() {
    for accounts in all().await {
        accounts.user_for_test("anna@example.org").await;
        let guesses: Vec<_> = (0..16)
            .map(|_| {
                let accounts = accounts.clone();
                tokio::spawn(async move {
                    accounts.sign_in("anna@example.org", &"wrong password".into(), LOCALHOST).await
                })
            })
            .collect();
        let mut tried = 0;
        for guess in guesses {
            tried += usize::from(matches!(guess.await.unwrap(), Err(AccountError::WrongCredentials)));
        }
        assert_eq!(tried, 5);
    }
}

#[tokio::test]
async fn concurrent_guesses_at_many_accounts_are_all_counted() {
    for accounts in all().await {
        let guesses: Vec<_> = (0..40)
            .map(|n| {
                let accounts = accounts.clone();
                let email = format!("{n}@example.org");
                tokio::spawn(
                    async move { accounts.sign_in(&email, &"wrong password".into(), ELSEWHERE).await },
                )
            })
            .collect();
        let mut locked = 0;
        for guess in guesses {
            locked += usize::from(matches!(guess.await.unwrap(), Err(AccountError::Locked(_))));
        }
        assert_eq!(locked, 20, "of 40 guesses 20 are allowed");
    }
}

#[tokio::test]
async fn guessing_at_many_accounts_locks_the_network() {
    let accounts = Accounts::quick(testing::sqlite().await, Arc::new(Hub::default()));
    accounts.user_for_test("anna@example.org").await;
    for n in 0..20 {
        let email = format!("{n}@example.org");
        let error = accounts.sign_in(&email, &"wrong password".into(), ELSEWHERE).await.unwrap_err();
        assert!(matches!(error, AccountError::WrongCredentials), "{error}");
    }
    let error = accounts.sign_in("anna@example.org", &PASSWORD.into(), ELSEWHERE).await.unwrap_err();
    assert!(matches!(error, AccountError::Locked(_)), "{error}");
    accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
}

#[tokio::test]
async fn changing_the_password_ends_all_other_sessions() {
    for (accounts, hub) in all_with_hubs().await {
        let before = accounts.user_for_test("anna@example.org").await;
        let anna = accounts.session_for_test(&before).await;
        let (token, _) = accounts.create_token(&anna, "ci", 30).await.unwrap();
        let mut tab = hub.join(anna.user_id()).unwrap();
        let wrong =
            accounts.change_password(&anna, &"wrong password".into(), &"another password".into()).await;
        assert!(matches!(wrong, Err(AccountError::WrongPassword)));
        assert!(session(&accounts, &before).await.is_some());
        let after =
            accounts.change_password(&anna, &PASSWORD.into(), &"another password".into()).await.unwrap();
        assert!(session(&accounts, &before).await.is_none());
        assert!(session(&accounts, &after).await.is_some());
        assert!(accounts.session_of_bearer(token.expose_secret()).await.unwrap().is_none());
        accounts.refresh(&refresh_token(&before)).await.unwrap_err();
        assert!((&mut tab.ending).await.is_ok(), "the tab is notified");
        accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap_err();
        accounts.sign_in("anna@example.org", &"another password".into(), LOCALHOST).await.unwrap();
    }
}

#[tokio::test]
async fn the_tabs_of_a_session_close_when_it_ends_and_no_others() {
    for (accounts, hub) in all_with_hubs().await {
        let anna = accounts.user_for_test("anna@example.org").await;
        let [out, forgotten, reused] = [
            accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap(),
            accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap(),
            accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap(),
        ];
        let kept = accounts.session_for_test(&anna).await;
        let (token, listed) = accounts.create_token(&kept, "ci", 30).await.unwrap();
        let join = |session: &Session| hub.join_session(session.user_id(), &session.id).unwrap();
        let mut other = join(&kept);

        let session = accounts.session_for_test(&out).await;
        let mut tab = join(&session);
        accounts.sign_out(Some(&session), None).await.unwrap();
        assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut), "signed out");

        let mut tab = join(&accounts.session_for_test(&forgotten).await);
        accounts.sign_out(None, forgotten.refresh_token.as_ref()).await.unwrap();
        assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut), "signed out with the refresh token");

        let mut tab = join(&accounts.session_for_test(&reused).await);
        let next = accounts.refresh(&refresh_token(&reused)).await.unwrap();
        accounts.refresh(&refresh_token(&next)).await.unwrap();
        accounts.refresh(&refresh_token(&reused)).await.unwrap_err();
        assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut), "a stolen refresh token");

        let mut tab = join(&accounts.session_of_bearer(token.expose_secret()).await.unwrap().unwrap());
        accounts.revoke_token(kept.user_id(), &listed.id).await.unwrap();
        assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut), "a revoked API token");
        assert!(other.ending.try_recv().is_err(), "another session");
    }
}

#[tokio::test]
async fn guesses_at_a_signed_in_users_password_are_limited_per_session() {
    for accounts in all().await {
        let anna = accounts.user_for_test("anna@example.org").await;
        let thief = accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
        let [anna, thief] = [accounts.session_for_test(&anna).await, accounts.session_for_test(&thief).await];
        for _ in 0..5 {
            let wrong = accounts.confirm(&thief, &"wrong password".into()).await.unwrap_err();
            assert!(matches!(wrong, AccountError::WrongPassword), "{wrong}");
        }
        let locked = accounts.delete_own(&thief, &PASSWORD.into()).await.unwrap_err();
        assert!(matches!(locked, AccountError::Locked(_)), "{locked}");
        accounts.confirm(&anna, &PASSWORD.into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_resets_the_limit() {
    for (accounts, hub) in all_with_hubs().await {
        let admin = accounts.user_for_test("anna@example.org").await.user.id;
        let before = accounts.user_for_test("ben@example.org").await;
        let ben = before.user.id.clone();
        let own_session = accounts.session_for_test(&before).await;
        let (token, _) = accounts.create_token(&own_session, "ci", 30).await.unwrap();
        let mut tab = hub.join(&ben).unwrap();
        for _ in 0..5 {
            accounts.sign_in("ben@example.org", &"wrong password".into(), LOCALHOST).await.unwrap_err();
        }
        let link = accounts.password_link(&admin, &ben).await.unwrap();
        let new: SecretString = "another password".into();
        accounts.reset_password(link.token.expose_secret(), &new).await.unwrap();
        assert!(session(&accounts, &before).await.is_none());
        assert!(accounts.session_of_bearer(token.expose_secret()).await.unwrap().is_none());
        assert!((&mut tab.ending).await.is_ok(), "the tab is notified");
        accounts.sign_in("ben@example.org", &new, LOCALHOST).await.unwrap();
        let again = accounts.reset_password(link.token.expose_secret(), &new).await.unwrap_err();
        assert!(matches!(again, AccountError::ResetUnusable), "{again}");
    }
}

#[tokio::test]
async fn changing_the_password_invalidates_reset_links() {
    for database in testing::databases().await {
        let accounts = Accounts::quick(database.clone(), Arc::new(Hub::default()));
        accounts.user_for_test("anna@example.org").await;
        let anna = accounts.user_for_test("ben@example.org").await;
        let anna = accounts.session_for_test(&anna).await;
        let link = password_link_for(database.clone(), "Ben@example.org").await.unwrap();
        let new: SecretString = "another password".into();
        accounts.change_password(&anna, &PASSWORD.into(), &new).await.unwrap();
        let late = accounts.reset_password(link.token.expose_secret(), &PASSWORD.into()).await.unwrap_err();
        assert!(matches!(late, AccountError::ResetUnusable), "{late}");
        let nobody = password_link_for(database.clone(), "nobody@example.org").await;
        assert!(matches!(nobody, Err(AccountError::NoSuchAccount)));
    }
}

#[tokio::test]
async fn changing_the_role_and_deleting_end_sessions() {
    for accounts in all().await {
        let admin = accounts.user_for_test("anna@example.org").await.user.id;
        let ben = accounts.user_for_test("ben@example.org").await;
        accounts.set_role(&admin, &ben.user.id, Role::Admin).await.unwrap();
        assert!(session(&accounts, &ben).await.is_none());
        let ben = accounts.sign_in("ben@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
        assert_eq!(session(&accounts, &ben).await.unwrap().user.role, Role::Admin);
        accounts.delete_other(&admin, &ben.user.id).await.unwrap();
        assert!(session(&accounts, &ben).await.is_none());
        accounts.refresh(&refresh_token(&ben)).await.unwrap_err();
        let own = accounts.set_role(&admin, &admin, Role::User).await.unwrap_err();
        assert!(matches!(own, AccountError::OwnAccount), "{own}");
    }
}

#[tokio::test]
async fn signing_out_ends_one_session() {
    for accounts in all().await {
        let here = accounts.user_for_test("anna@example.org").await;
        let there = accounts.sign_in("anna@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
        let known = session(&accounts, &here).await.unwrap();
        accounts.sign_out(Some(&known), None).await.unwrap();
        assert!(session(&accounts, &here).await.is_none());
        assert!(!accounts.still_signed_in(&known).await.unwrap());
        assert!(session(&accounts, &there).await.is_some());
        accounts.sign_out(None, Some(&refresh_token(&there).into())).await.unwrap();
        assert!(session(&accounts, &there).await.is_none());
    }
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_of_both() {
    for accounts in all().await {
        let first = accounts.user_for_test("anna@example.org").await;
        let second = accounts.refresh(&refresh_token(&first)).await.unwrap();
        let third = accounts.refresh(&refresh_token(&second)).await.unwrap();
        assert!(session(&accounts, &third).await.is_some());
        let thief = accounts.refresh(&refresh_token(&first)).await.unwrap_err();
        assert!(matches!(thief, AccountError::SessionEnded), "{thief}");
        assert!(session(&accounts, &third).await.is_none());
        accounts.refresh(&refresh_token(&third)).await.unwrap_err();
    }
}

#[tokio::test]
async fn an_api_token_is_valid_until_revoked() {
    for accounts in all().await {
        let signed_in = accounts.user_for_test("anna@example.org").await;
        let browser = accounts.session_for_test(&signed_in).await;
        let anna = signed_in.user.id;
        let (token, listed) = accounts.create_token(&browser, " ci ", 30).await.unwrap();
        let token = token.expose_secret();
        assert!(token.starts_with("lbs_") && token.ends_with(&listed.hint) && listed.name == "ci");
        let session = accounts.session_of_bearer(token).await.unwrap().unwrap();
        assert_eq!((session.user_id(), session.proof), (&anna, Proof::PersonalToken));
        assert!(accounts.still_signed_in(&session).await.unwrap());
        accounts.revoke_token(&anna, &listed.id).await.unwrap();
        assert!(!accounts.still_signed_in(&session).await.unwrap());
        assert!(accounts.session_of_bearer(token).await.unwrap().is_none());
        for (name, days) in [("", 30), ("ci", 0), ("ci", 366)] {
            accounts.create_token(&browser, name, days).await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn the_last_user_can_be_deleted_but_not_the_only_admin() {
    for accounts in all().await {
        let [anna, ben] = [
            accounts.user_for_test("anna@example.org").await,
            accounts.user_for_test("ben@example.org").await,
        ];
        let (anna, ben) = (accounts.session_for_test(&anna).await, accounts.session_for_test(&ben).await);
        let error = accounts.delete_own(&anna, &PASSWORD.into()).await.unwrap_err();
        assert!(matches!(error, AccountError::LastAdmin), "{error}");
        let error = accounts.delete_own(&ben, &"wrong password".into()).await.unwrap_err();
        assert!(matches!(error, AccountError::WrongPassword), "{error}");
        accounts.delete_own(&ben, &PASSWORD.into()).await.unwrap();
        accounts.delete_own(&anna, &PASSWORD.into()).await.unwrap();
        assert_eq!(accounts.user_for_test("carl@example.org").await.user.role, Role::Admin);
    }
}

#[tokio::test]
async fn debug_output_shows_no_password_or_token() {
    let accounts = Accounts::quick(testing::sqlite().await, Arc::new(Hub::default()));
    let new = NewAccount { invitation: Some("hush".into()), ..NewAccount::for_test("anna@example.org") };
    let shown = format!("{new:?}");
    let signed_in = accounts.register(new, LOCALHOST).await.unwrap();
    let shown = format!("{shown} {signed_in:?} {accounts:?}");
    for secret in [PASSWORD, "hush", signed_in.access_token.expose_secret(), &refresh_token(&signed_in)] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
