//! The SQL of accounts on both databases.

use super::*;
use crate::database::query_plans::{Sorts, assert_read_by_index, bound, fill};
use crate::database::testing;

const NOW: i64 = 1_800_000_000_000;

async fn stores() -> Vec<AccountStore> {
    testing::databases().await.into_iter().map(AccountStore::new).collect()
}

async fn add(store: &AccountStore, email: &str) -> User {
    let new = NewUser {
        email,
        password_hash: "hash",
        rank: Rank::FirstIsAdmin,
        email_proven: false,
        admission: Admission::Anybody,
        identity: None,
    };
    store.insert_user(&new).await.unwrap().unwrap()
}

async fn begin_session(store: &AccountStore, user: &UserId, token: &str) {
    let id = format!("session-{token}");
    let new = NewSession { id: &id, user, refresh_fingerprint: token, now: NOW, expires_at: NOW + 1000 };
    store.insert_session(&new).await.unwrap();
}

#[tokio::test]
async fn of_many_who_register_at_once_one_is_admin() {
    for store in stores().await {
        let registrations: Vec<_> = (0..24)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move { add(&store, &format!("{n}@example.org")).await.role })
            })
            .collect();
        let mut admins = 0;
        for registration in registrations {
            admins += usize::from(registration.await.unwrap() == Role::Admin);
        }
        assert_eq!(admins, 1);
    }
}

#[tokio::test]
async fn an_address_is_taken_once() {
    for store in stores().await {
        add(&store, "anna@example.org").await;
        let again = NewUser {
            email: "anna@example.org",
            password_hash: "other",
            rank: Rank::ProvenAdmin,
            email_proven: true,
            admission: Admission::Anybody,
            identity: None,
        };
        assert_eq!(store.insert_user(&again).await.unwrap(), Err(Refusal::EmailTaken));
        assert_eq!(store.count_users().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_closed_house_lets_in_the_first_only() {
    for store in stores().await {
        let new = |email| NewUser {
            email,
            password_hash: "hash",
            rank: Rank::FirstIsAdmin,
            email_proven: false,
            admission: Admission::Nobody,
            identity: None,
        };
        assert_eq!(store.insert_user(&new("anna@example.org")).await.unwrap().unwrap().role, Role::Admin);
        assert_eq!(store.insert_user(&new("ben@example.org")).await.unwrap(), Err(Refusal::NotAdmitted));
        assert_eq!(store.count_users().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn an_invitation_lets_in_once_and_only_whom_it_names() {
    for store in stores().await {
        let admin = add(&store, "anna@example.org").await;
        let now = crate::database::now_ms();
        let invite = |fingerprint, email, expires_at| NewInvitation {
            fingerprint,
            email,
            created_by: &admin.id,
            now,
            expires_at,
        };
        store.insert_invitation(&invite("any", None, now + 60_000)).await.unwrap();
        store.insert_invitation(&invite("ben", Some("ben@example.org"), now + 60_000)).await.unwrap();
        store.insert_invitation(&invite("late", None, now - 1)).await.unwrap();
        let enter = async |email, fingerprint| {
            let admission = Admission::Invitation(fingerprint);
            let new = NewUser {
                email,
                password_hash: "hash",
                rank: Rank::User,
                email_proven: false,
                admission,
                identity: None,
            };
            store.insert_user(&new).await.unwrap().map(|user| user.role)
        };
        assert_eq!(enter("eve@example.org", "unknown").await, Err(Refusal::NotAdmitted));
        assert_eq!(enter("eve@example.org", "late").await, Err(Refusal::NotAdmitted));
        assert_eq!(enter("eve@example.org", "ben").await, Err(Refusal::NotAdmitted));
        assert_eq!(enter("ben@example.org", "ben").await, Ok(Role::User));
        assert_eq!(enter("carl@example.org", "any").await, Ok(Role::User));
        assert_eq!(enter("eve@example.org", "any").await, Err(Refusal::NotAdmitted));
        assert_eq!(store.open_invitations(now, 10).await.unwrap(), []);
    }
}

#[tokio::test]
async fn there_is_always_an_admin_while_there_are_users() {
    for store in stores().await {
        let (anna, ben) = (add(&store, "anna@example.org").await, add(&store, "ben@example.org").await);
        assert_eq!(store.delete_self(&anna.id).await.unwrap(), Err(Refusal::LastAdmin));
        assert_eq!(store.set_role(&ben.id, &anna.id, Role::User).await.unwrap(), Err(Refusal::NotAdmin));
        assert_eq!(store.delete_other(&ben.id, &anna.id).await.unwrap(), Err(Refusal::NotAdmin));
        assert_eq!(store.delete_self(&ben.id).await.unwrap(), Ok(()));
        assert_eq!(store.delete_other(&anna.id, &ben.id).await.unwrap(), Err(Refusal::NoSuchUser));
        assert_eq!(store.delete_self(&anna.id).await.unwrap(), Ok(()));
        assert_eq!(add(&store, "carl@example.org").await.role, Role::Admin, "first again");
    }
}

#[tokio::test]
async fn two_admins_who_demote_each_other_at_once_leave_one() {
    for store in stores().await {
        let (anna, ben) = (add(&store, "anna@example.org").await, add(&store, "ben@example.org").await);
        store.set_role(&anna.id, &ben.id, Role::Admin).await.unwrap().unwrap();
        let demote = |by: &User, whom: &User| {
            let (store, by, whom) = (store.clone(), by.id.clone(), whom.id.clone());
            tokio::spawn(async move { store.set_role(&by, &whom, Role::User).await.unwrap() })
        };
        let (one, other) = (demote(&anna, &ben), demote(&ben, &anna));
        let outcomes = [one.await.unwrap(), other.await.unwrap()];
        assert!(outcomes.contains(&Ok(true)) && outcomes.contains(&Err(Refusal::NotAdmin)), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    for store in stores().await {
        let anna = add(&store, "anna@example.org").await.id;
        begin_session(&store, &anna, "a").await;
        let rotate = async |old, new, at| store.rotate("session-a", old, new, at, at + 60_000).await.unwrap();
        assert_eq!(rotate("a", "b", NOW).await, Rotation::Rotated(anna.clone()));
        assert_eq!(rotate("a", "x", NOW + 10_000).await, Rotation::InGrace(anna.clone()));
        assert_eq!(rotate("b", "c", NOW + 20_000).await, Rotation::Rotated(anna.clone()));
        assert_eq!(rotate("a", "x", NOW + 20_001).await, Rotation::Reused(anna.clone()));
        assert_eq!(rotate("c", "d", NOW + 20_002).await, Rotation::Gone);
        assert_eq!(store.user_of_session("session-a", &anna, NOW).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_previous_token_is_stolen_after_the_grace() {
    for store in stores().await {
        let anna = add(&store, "anna@example.org").await.id;
        begin_session(&store, &anna, "a").await;
        store.rotate("session-a", "a", "b", NOW, NOW + 60_000).await.unwrap();
        let late = store.rotate("session-a", "a", "x", NOW + 10_001, NOW + 60_000).await.unwrap();
        assert_eq!(late, Rotation::Reused(anna));
    }
}

#[tokio::test]
async fn of_tabs_that_refresh_at_once_one_rotates() {
    for store in stores().await {
        let anna = add(&store, "anna@example.org").await.id;
        begin_session(&store, &anna, "a").await;
        let refreshes: Vec<_> = (0..8)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.rotate("session-a", "a", &format!("new-{n}"), NOW, NOW + 1000).await.unwrap()
                })
            })
            .collect();
        let mut rotated = 0;
        for refresh in refreshes {
            match refresh.await.unwrap() {
                Rotation::Rotated(_) => rotated += 1,
                other => assert_eq!(other, Rotation::InGrace(anna.clone())),
            }
        }
        assert_eq!(rotated, 1);
    }
}

#[tokio::test]
async fn an_expired_session_is_none() {
    for store in stores().await {
        let anna = add(&store, "anna@example.org").await.id;
        begin_session(&store, &anna, "a").await;
        assert!(store.user_of_session("session-a", &anna, NOW + 999).await.unwrap().is_some());
        assert!(store.user_of_session("session-a", &UserId::new("ben"), NOW).await.unwrap().is_none());
        assert!(store.user_of_session("session-a", &anna, NOW + 1000).await.unwrap().is_none());
        let late = store.rotate("session-a", "a", "b", NOW + 1000, NOW + 9000).await.unwrap();
        assert_eq!(late, Rotation::Gone);
    }
}

#[tokio::test]
async fn another_password_role_or_no_account_ends_sessions() {
    for store in stores().await {
        let (admin, ben) =
            (add(&store, "anna@example.org").await.id, add(&store, "ben@example.org").await.id);
        let lives = async |token: &str| {
            store.user_of_session(&format!("session-{token}"), &ben, NOW).await.unwrap().is_some()
        };
        begin_session(&store, &ben, "a").await;
        assert!(lives("a").await);
        assert!(!store.change_password(&ben, "stale", "new").await.unwrap());
        assert!(lives("a").await, "nothing happened");
        assert!(store.change_password(&ben, "hash", "new").await.unwrap());
        assert!(!lives("a").await);
        begin_session(&store, &ben, "b").await;
        store.set_role(&admin, &ben, Role::Admin).await.unwrap().unwrap();
        assert!(!lives("b").await);
        begin_session(&store, &ben, "c").await;
        store.delete_other(&admin, &ben).await.unwrap().unwrap();
        assert!(!lives("c").await);
    }
}

#[tokio::test]
async fn an_access_token_belongs_to_one_user_and_expires() {
    for store in stores().await {
        let (anna, ben) = (add(&store, "anna@example.org").await.id, add(&store, "ben@example.org").await.id);
        let new = NewToken { name: "ci", fingerprint: "f1", hint: "wxyz", now: NOW, expires_at: NOW + 1000 };
        let token = store.insert_token(&anna, &new, 1).await.unwrap().unwrap();
        assert_eq!((token.hint.as_str(), token.last_used_at), ("wxyz", None));
        let second = NewToken { fingerprint: "f2", ..new.clone() };
        assert_eq!(store.insert_token(&anna, &second, 1).await.unwrap(), None, "one is the most");
        assert_eq!(store.use_token("f1", NOW + 1).await.unwrap().unwrap().user.id, anna);
        assert_eq!(store.list_tokens(&anna).await.unwrap()[0].last_used_at, Some(NOW + 1));
        assert_eq!(store.list_tokens(&ben).await.unwrap(), []);
        assert!(!store.delete_token(&ben, &token.id).await.unwrap());
        assert!(store.use_token("f1", NOW + 1000).await.unwrap().is_none());
        assert!(store.delete_token(&anna, &token.id).await.unwrap());
        assert!(store.use_token("f1", NOW + 1).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_link_to_a_new_password_is_good_once_until_it_expires() {
    for store in stores().await {
        let anna = add(&store, "anna@example.org").await.id;
        let link = |fingerprint| NewReset { fingerprint, created_by: None, now: NOW, expires_at: NOW + 1000 };
        let nobody = UserId::new("nobody");
        assert!(!store.insert_reset(&nobody, &link("none")).await.unwrap());
        assert!(store.insert_reset(&anna, &link("older")).await.unwrap());
        assert!(store.insert_reset(&anna, &link("newer")).await.unwrap());
        assert!(!store.reset_is_open("older", NOW).await.unwrap(), "replaced");
        assert!(store.reset_is_open("newer", NOW + 999).await.unwrap());
        assert!(!store.reset_is_open("newer", NOW + 1000).await.unwrap(), "expired");
        assert_eq!(store.reset_password("newer", "late", NOW + 1000).await.unwrap(), None);
        begin_session(&store, &anna, "s").await;
        assert_eq!(store.reset_password("newer", "new", NOW).await.unwrap(), Some(anna.clone()));
        assert_eq!(store.reset_password("newer", "again", NOW).await.unwrap(), None);
        assert_eq!(store.credentials(&anna).await.unwrap().unwrap().password_hash, "new");
    }
}

#[tokio::test]
async fn sessions_tokens_and_invitations_are_read_by_an_index() {
    // A user's own tokens are sorted, and so are the open invitations; there are few.
    let lists = [
        bound(sessions::USER, &["'00000250-7'", "'00000250'", "100"]),
        bound(tokens::LIST, &["'00000250'"]),
        bound(tokens::BY_FINGERPRINT, &["'00000250-7'", "100"]),
        bound(invitations::OPEN, &["495", "50"]),
        "delete from sessions where user_id = '00000250' and expires_at <= 100"
            .replace("delete", "select id"),
    ];
    for database in testing::databases().await {
        fill(&database).await;
        assert_read_by_index(&database, Sorts::Few, &lists).await;
    }
}

#[tokio::test]
async fn tickets_expire_and_are_deleted() {
    for store in stores().await {
        let anna = add(&store, "anna@example.org").await;
        let ticket = |fingerprint, now| NewTicket {
            fingerprint,
            user: &anna.id,
            holder: TicketHolder::Session("session".into()),
            now,
            expires_at: now + 30,
        };
        assert!(store.insert_ticket(&ticket("a", NOW), NOW - 60, 2).await.unwrap());
        assert!(store.insert_ticket(&ticket("b", NOW), NOW - 60, 2).await.unwrap());
        assert!(!store.insert_ticket(&ticket("c", NOW), NOW - 60, 2).await.unwrap());
        assert_eq!(store.use_ticket("a", NOW + 30).await.unwrap(), None);
        let holder = TicketHolder::Session("session".into());
        assert_eq!(store.use_ticket("a", NOW + 29).await.unwrap(), Some((anna.id.clone(), holder)));
        // After a minute there is room, because the others are gone.
        assert!(store.insert_ticket(&ticket("d", NOW + 60), NOW, 1).await.unwrap());
        assert_eq!(store.use_ticket("b", NOW).await.unwrap(), None);
    }
}
