//! Who is admin of a new installation, whoever comes first.

use secrecy::ExposeSecret;

use super::testing::{LOCALHOST, PASSWORD};
use super::*;
use crate::accounts::Role;
use crate::accounts::oidc::Identity;
use crate::accounts::session::Proof;
use crate::database::testing;
use crate::http::client_ip::ClientInfo;
use crate::live::Hub;

const OWNER: &str = "owner@example.org";
const STRANGER: &str = "stranger@example.org";

/// An installation whose server can be reached from other machines.
struct Installation {
    database: Database,
    secret: Secret,
    accounts: Accounts,
}

impl Installation {
    async fn new(database: &Database, admin_email: Option<&str>) -> Self {
        let secret = Secret::random();
        let accounts = start(database, &secret, admin_email).await;
        Self { database: database.clone(), secret, accounts }
    }

    async fn token(&self) -> SecretString {
        self.accounts.setup_token_to_print().await.unwrap().unwrap()
    }

    async fn register(&self, email: &str, token: Option<SecretString>) -> Result<SignedIn, AccountError> {
        let new = NewAccount { setup_token: token, ..NewAccount::for_test(email) };
        self.accounts.register(new, LOCALHOST).await
    }

    async fn admins(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select email from users where role = 'admin' and deleted_at is null order by email",
        )
        .fetch_all(self.database.reader())
        .await
        .unwrap()
    }
}

async fn start(database: &Database, secret: &Secret, admin_email: Option<&str>) -> Accounts {
    let accounts = Accounts::new(database.clone(), secret, Arc::new(Hub::default())).unwrap();
    let accounts = Accounts { passwords: Passwords::quick(), ..accounts };
    let accounts = accounts.with_first_account(FirstAccount::WithToken);
    match admin_email {
        Some(email) => accounts.with_admin(email).await.unwrap(),
        None => accounts,
    }
}

fn identity(email: &str) -> Identity {
    Identity { issuer: "https://id.example".into(), subject: email.into(), email: Some(email.into()) }
}

const REMOTE: ClientInfo = ClientInfo { address: LOCALHOST, secure: true, local: false };

/// Who has come before the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nobody,
    Stranger,
    /// A stranger with the owner's address.
    Squatter,
}

#[tokio::test]
async fn the_admin_is_who_has_the_token_whoever_comes_first() {
    for admin_email in [None, Some(OWNER)] {
        for registration in [Registration::Open, Registration::Invitation, Registration::Closed] {
            for before in [Before::Nobody, Before::Stranger, Before::Squatter] {
                for database in testing::databases().await {
                    let case = format!("{admin_email:?} {registration:?} {before:?}");
                    let installation = Installation::new(&database, admin_email).await;
                    installation.accounts.settings().set_registration(registration).await.unwrap();
                    // As at the server's start.
                    let token = installation.token().await;
                    let early = match before {
                        Before::Nobody => None,
                        Before::Stranger => Some(installation.register(STRANGER, None).await),
                        Before::Squatter => Some(installation.register(OWNER, None).await),
                    };
                    match (&early, admin_email, registration) {
                        (None, _, _) => {}
                        (Some(Ok(early)), Some(_), Registration::Open) => {
                            assert_eq!(early.user.role, Role::User, "{case}");
                            let allowed = installation.accounts.settings().allows_local_networks();
                            assert!(!allowed.await.unwrap(), "a stranger reaches local networks: {case}");
                        }
                        (Some(Err(AccountError::SetupTokenNeeded)), None, _)
                        | (Some(Err(AccountError::RegistrationClosed)), Some(_), Registration::Closed)
                        | (Some(Err(AccountError::InvitationNeeded)), Some(_), Registration::Invitation) => {}
                        other => panic!("{case}: {other:?}"),
                    }
                    assert!(installation.admins().await.is_empty(), "{case}");
                    let wrong = installation.register(OWNER, Some("d3Jvbmc".into())).await.unwrap_err();
                    assert!(matches!(wrong, AccountError::WrongSetupToken), "{case}: {wrong}");

                    let owner = installation.register(OWNER, Some(token.clone())).await.unwrap();
                    assert_eq!(owner.user.role, Role::Admin, "{case}");
                    assert_eq!(installation.admins().await, [OWNER], "{case}");
                    if before == Before::Squatter
                        && let Some(Ok(squatter)) = early
                    {
                        let access = squatter.access_token.expose_secret();
                        let session = installation.accounts.session_of(access, Proof::Cookie).await.unwrap();
                        assert!(session.is_none(), "{case}: the squatter is signed out");
                        assert_ne!(
                            squatter.user.id, owner.user.id,
                            "{case}: nothing of the squatter is left"
                        );
                    }
                    let late = installation.register("late@example.org", Some(token)).await;
                    assert_eq!(
                        late.is_ok(),
                        registration == Registration::Open,
                        "{case}: an old token is ignored"
                    );
                    assert_eq!(installation.admins().await, [OWNER], "{case}");
                    assert!(installation.accounts.setup_token_to_print().await.unwrap().is_none(), "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn many_with_the_token_at_once_leave_one_admin() {
    for database in testing::databases().await {
        let installation = Installation::new(&database, None).await;
        let token = installation.token().await;
        let registrations: Vec<_> = (0..12)
            .map(|number| {
                let new = NewAccount {
                    setup_token: Some(token.clone()),
                    ..NewAccount::for_test(&format!("{number}@example.org"))
                };
                let accounts = installation.accounts.clone();
                tokio::spawn(async move { accounts.register(new, LOCALHOST).await })
            })
            .collect();
        for registration in registrations {
            // Others are refused, or come so late that the token counts no more.
            let _ = registration.await.unwrap();
        }
        assert_eq!(installation.admins().await.len(), 1);
    }
}

#[tokio::test]
async fn on_a_server_of_this_machine_alone_the_first_local_user_is_admin() {
    for database in testing::databases().await {
        let mut installation = Installation::new(&database, None).await;
        installation.accounts = installation.accounts.with_first_account(FirstAccount::OnThisMachine);
        assert!(installation.accounts.setup_token_to_print().await.unwrap().is_none());
        let through_a_proxy = NewAccount { local: false, ..NewAccount::for_test(STRANGER) };
        let refused = installation.accounts.register(through_a_proxy, LOCALHOST).await.unwrap_err();
        assert!(matches!(refused, AccountError::SetupTokenNeeded), "{refused}");
        let refused = installation.accounts.sign_in_as(&identity(STRANGER), None, REMOTE).await.unwrap_err();
        assert!(matches!(refused, AccountError::SetupTokenNeeded), "{refused}");
        assert_eq!(installation.register(OWNER, None).await.unwrap().user.role, Role::Admin);
        assert_eq!(installation.register(STRANGER, None).await.unwrap().user.role, Role::User);
    }
}

#[tokio::test]
async fn the_token_is_the_same_after_a_restart_and_differs_between_installations_and_set_ups() {
    for database in testing::databases().await {
        let installation = Installation::new(&database, None).await;
        let token = installation.token().await;
        let restarted = start(&database, &installation.secret, None).await;
        let again = restarted.setup_token_to_print().await.unwrap().unwrap();
        assert_eq!(again.expose_secret(), token.expose_secret());
        let operators = setup_token_for(database.clone(), &installation.secret).await.unwrap().unwrap();
        assert_eq!(operators.expose_secret(), token.expose_secret());
        let other = start(&database, &Secret::random(), None).await;
        assert_ne!(
            other.setup_token_to_print().await.unwrap().unwrap().expose_secret(),
            token.expose_secret()
        );

        let owner = installation.register(OWNER, Some(token.clone())).await.unwrap();
        assert!(setup_token_for(database.clone(), &installation.secret).await.unwrap().is_none());
        let session = installation.accounts.session_for_test(&owner).await;
        installation.accounts.delete_own(&session, &PASSWORD.into()).await.unwrap();
        assert_ne!(installation.token().await.expose_secret(), token.expose_secret(), "used up");
        let used = installation.register(STRANGER, Some(token)).await.unwrap_err();
        assert!(matches!(used, AccountError::WrongSetupToken), "{used}");
    }
}

#[tokio::test]
async fn with_admin_email_another_address_is_not_admin_even_with_the_token() {
    for database in testing::databases().await {
        let installation = Installation::new(&database, Some(OWNER)).await;
        let token = installation.token().await;
        let refused = installation.register(STRANGER, Some(token)).await.unwrap_err();
        assert!(matches!(refused, AccountError::OtherAdmin), "{refused}");
        assert!(installation.admins().await.is_empty());
    }
}

#[tokio::test]
async fn the_identity_provider_proves_the_address_of_the_admin() {
    for database in testing::databases().await {
        for registration in [Registration::Open, Registration::Invitation, Registration::Closed] {
            let installation = Installation::new(&database, Some(OWNER)).await;
            installation.accounts.settings().set_registration(registration).await.unwrap();
            let stranger = installation.accounts.sign_in_as(&identity(STRANGER), None, REMOTE).await;
            assert_eq!(stranger.is_ok(), registration == Registration::Open);
            let owner = installation.accounts.sign_in_as(&identity(OWNER), None, REMOTE).await.unwrap();
            assert_eq!(owner.user.role, Role::Admin, "{registration:?}");
            assert_eq!(installation.admins().await, [OWNER]);
            sqlx::query("delete from users").execute(database.writer()).await.unwrap();
            sqlx::query("delete from settings").execute(database.writer()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_squatter_of_the_admins_address_stays_a_user_until_the_owner_proves_it() {
    for database in testing::databases().await {
        let installation = Installation::new(&database, Some(OWNER)).await;
        let squatter = installation.register(OWNER, None).await.unwrap();
        assert_eq!(squatter.user.role, Role::User);
        let refused = installation.accounts.sign_in_as(&identity(OWNER), None, REMOTE).await.unwrap_err();
        assert!(matches!(refused, AccountError::EmailTaken), "{refused}");
        start(&database, &installation.secret, Some(OWNER)).await;
        assert!(installation.admins().await.is_empty(), "not at a restart either");
        let link = password_link_for(database.clone(), OWNER).await.unwrap();
        installation
            .accounts
            .reset_password(link.token.expose_secret(), &"another password".into())
            .await
            .unwrap();
        assert_eq!(installation.admins().await, [OWNER]);
        let access = squatter.access_token.expose_secret();
        assert!(installation.accounts.session_of(access, Proof::Cookie).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_link_of_an_admin_proves_no_address_but_connecting_the_identity_does() {
    for database in testing::databases().await {
        let installation = Installation::new(&database, None).await;
        let token = installation.token().await;
        let admin = installation.register("first@example.org", Some(token)).await.unwrap().user.id;
        let user = installation.register(OWNER, None).await.unwrap();
        let accounts = start(&database, &installation.secret, Some(OWNER)).await;
        let link = accounts.password_link(&admin, &user.user.id).await.unwrap();
        accounts.reset_password(link.token.expose_secret(), &PASSWORD.into()).await.unwrap();
        assert_eq!(installation.admins().await, ["first@example.org"]);
        accounts.connect(&user.user.id, &identity("other@example.org")).await.unwrap();
        assert_eq!(installation.admins().await, ["first@example.org"]);
        accounts.connect(&user.user.id, &identity(OWNER)).await.unwrap();
        assert_eq!(installation.admins().await, ["first@example.org", OWNER]);
    }
}
