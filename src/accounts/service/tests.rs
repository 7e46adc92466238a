//! Accounts from the outside, on both databases.

use super::testing::{LOCALHOST, PASSWORD};
use super::*;
use crate::accounts::Role;
use crate::database::testing;

async fn all() -> Vec<Accounts> {
    testing::databases().await.into_iter().map(|database| Accounts::quick(database, Hub::default())).collect()
}

#[tokio::test]
async fn the_first_is_admin_and_case_does_not_count() {
    for accounts in all().await {
        assert_eq!(accounts.user_for_test(" Anna@Example.ORG ").await.user.role, Role::Admin);
        assert_eq!(accounts.user_for_test("ben@example.org").await.user.role, Role::User);
        let again = accounts.register(NewAccount::for_test("ANNA@example.org"), LOCALHOST).await.unwrap_err();
        assert!(matches!(again, AccountError::EmailTaken), "{again}");
        let signed_in = accounts.sign_in("ANNA@example.org", &PASSWORD.into(), LOCALHOST).await.unwrap();
        assert_eq!(signed_in.user.email, "anna@example.org");
    }
}
