//! Tests of deleting users: slow modules, a crash during the deletion, failing modules.

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::testing::{LOCALHOST, PASSWORD};
use super::*;
use crate::accounts::Role;
use crate::accounts::session::Proof;
use crate::database::testing;
use crate::live::Hub;

/// A module whose deletion waits until the test adds a permit to `resume`.
struct SlowModule {
    started: Semaphore,
    resume: Semaphore,
}

impl SlowModule {
    fn new() -> Arc<Self> {
        Arc::new(Self { started: Semaphore::new(0), resume: Semaphore::new(0) })
    }
}

impl UserData for SlowModule {
    fn delete_all<'a>(&'a self, _: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            self.started.add_permits(1);
            self.resume.acquire().await?.forget();
            Ok(())
        })
    }
}

/// A module that fails once, with an error that is not transient.
#[derive(Default)]
struct FailsOnce(std::sync::atomic::AtomicBool);

impl UserData for FailsOnce {
    fn delete_all<'a>(&'a self, _: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>> {
        let failed = self.0.swap(true, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move {
            anyhow::ensure!(failed, "simulated failure");
            Ok(())
        })
    }
}

fn start(accounts: &Accounts, module: &Arc<SlowModule>) -> CancellationToken {
    let (crash, accounts) = (CancellationToken::new(), accounts.clone());
    let modules: [Arc<dyn UserData>; 1] = [module.clone()];
    let deletions = async move { accounts.deletion_loop(&modules).await };
    tokio::spawn(crash.clone().run_until_cancelled_owned(deletions));
    crash
}

async fn rows(database: &Database, user: &UserId) -> i64 {
    sqlx::query_scalar("select count(*) from users where id = $1")
        .bind(user.as_str())
        .fetch_one(database.reader())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_deleted_user_is_locked_out_at_once_and_the_deletion_resumes_after_a_crash() {
    for database in testing::databases().await {
        let accounts = Accounts::quick(database.clone(), Arc::new(Hub::default()));
        let admin = accounts.user_for_test("anna@example.org").await.user.id;
        let ben = accounts.user_for_test("ben@example.org").await;
        let id = ben.user.id.clone();
        accounts.set_role(&admin, &id, Role::Admin).await.unwrap();
        let ben = accounts.sign_in("ben@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
        let session = accounts.session_for_test(&ben).await;
        let (token, _) = accounts.create_token(&session, "ci", 30).await.unwrap();
        let invitation = NewInvitationRequest { email: None, days: 3 };
        accounts.invite(&id, &invitation).await.unwrap();
        let module = SlowModule::new();
        let crash = start(&accounts, &module);

        accounts.delete_other(&admin, &id).await.unwrap();
        module.started.acquire().await.unwrap().forget();
        crash.cancel();
        assert_eq!(rows(&database, &id).await, 1, "the user's data still exist");
        let access = ben.access_token.expose_secret();
        assert!(accounts.session_of(access, Proof::Cookie).await.unwrap().is_none());
        assert!(accounts.session_of_bearer(token.expose_secret()).await.unwrap().is_none());
        let refresh = ben.refresh_token.as_ref().unwrap().expose_secret();
        assert!(matches!(accounts.refresh(refresh).await, Err(AccountError::SessionEnded)));
        let denied = accounts.sign_in("ben@example.org", &PASSWORD.into(), LOCALHOST).await;
        assert!(matches!(denied, Err(AccountError::WrongCredentials)));
        let denied = accounts.sign_in(id.as_str(), &"".into(), LOCALHOST).await;
        assert!(matches!(denied, Err(AccountError::WrongCredentials)));
        let again = accounts.delete_other(&admin, &id).await;
        assert!(matches!(again, Err(AccountError::NoSuchUser)));
        let role = accounts.set_role(&admin, &id, Role::Admin).await;
        assert!(matches!(role, Err(AccountError::NoSuchUser)));
        assert!(accounts.open_invitations().await.unwrap().is_empty());
        assert!(accounts.settings().allows_local_networks().await.unwrap(), "one user is left");
        assert_ne!(accounts.user_for_test("ben@example.org").await.user.id, id, "the address is free");

        let next = Accounts::quick(database.clone(), Arc::new(Hub::default()));
        start(&next, &module);
        module.started.acquire().await.unwrap().forget();
        module.resume.add_permits(1);
        while rows(&database, &id).await == 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rows(&database, &admin).await, 1);
    }
}

#[tokio::test]
async fn a_session_created_while_its_user_is_deleted_is_invalid() {
    for database in testing::databases().await {
        let accounts = Accounts::quick(database.clone(), Arc::new(Hub::default()));
        accounts.user_for_test("anna@example.org").await;
        let ben = accounts.user_for_test("ben@example.org").await;
        let session = accounts.session_for_test(&ben).await;
        accounts.delete_own(&session, &PASSWORD.into()).await.unwrap();
        let late = accounts.begin_session(ben.user).await.unwrap();
        let access = late.access_token.expose_secret();
        assert!(accounts.session_of(access, Proof::Cookie).await.unwrap().is_none());
        accounts.create_token(&session, "ci", 30).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_failed_deletion_does_not_block_other_users() {
    for database in testing::databases().await {
        let accounts = Accounts::quick(database.clone(), Arc::new(Hub::default()));
        let mut users = Vec::new();
        for name in ["anna", "ben", "carl"] {
            let user = accounts.user_for_test(&format!("{name}@example.org")).await;
            if name != "anna" {
                let session = accounts.session_for_test(&user).await;
                accounts.delete_own(&session, &PASSWORD.into()).await.unwrap();
            }
            users.push(user.user.id);
        }
        let modules: [Arc<dyn UserData>; 1] = [Arc::new(FailsOnce::default())];
        accounts.delete_marked_users(&modules).await;
        assert_eq!(rows(&database, &users[1]).await + rows(&database, &users[2]).await, 1);
        accounts.delete_marked_users(&modules).await;
        assert_eq!(rows(&database, &users[1]).await + rows(&database, &users[2]).await, 0);
        assert_eq!(rows(&database, &users[0]).await, 1);
    }
}
