//! The SQL on both databases.

use super::*;
use crate::database::query_plans::{Sorts, assert_read_by_index, bound, fill};
use crate::database::testing;
use endpoint::types::{Provider, ProviderKind};

/// A store of each kind with the users anna, ben and the admin ada.
async fn stores() -> Vec<ProviderStore> {
    let mut stores = Vec::new();
    for database in testing::databases().await {
        for name in ["anna", "ben"] {
            testing::add_user(&database, name).await;
        }
        testing::add_admin(&database, "ada").await;
        stores.push(ProviderStore::new(database));
    }
    stores
}

fn user(name: &str) -> UserId {
    UserId::new(name)
}

fn ollama() -> ProviderSettings {
    let headers = vec![("x-team".into(), "bench".into())];
    let provider =
        Provider { headers, ..Provider::of_kind(ProviderKind::Ollama, "http://127.0.0.1:11434/v1") };
    ProviderSettings { model_prefix: Some("ollama".into()), direct_local: true, ..provider.into() }
}

fn openai() -> ProviderSettings {
    let provider = Provider::of_kind(ProviderKind::Openai, "https://api.openai.com/v1");
    ProviderSettings { key_env: Some("OPENAI_API_KEY".into()), ..provider.into() }
}

fn models(ids: &[&str]) -> Vec<Model> {
    ids.iter().map(|id| Model::named(*id)).collect()
}

fn ids(provider: &StoredProvider) -> Vec<&str> {
    provider.models.iter().map(|model| model.listed.id.as_str()).collect()
}

fn key(sealed: &str) -> StoredKey {
    StoredKey { sealed: sealed.into(), last4: "wxyz".into(), origin: "https://a".into(), updated_at: 3 }
}

#[tokio::test]
async fn what_is_inserted_is_found() {
    for store in stores().await {
        let anna = user("anna");
        let id = store.insert(&anna, &ollama(), &models(&["b", "a", "b"]), 7).await.unwrap().unwrap();
        let found = store.find(&anna, &id).await.unwrap().unwrap();
        assert_eq!((&found.settings, found.position, found.created_at), (&ollama(), 0, 7));
        assert_eq!(ids(&found), ["b", "a"]);
        assert!(found.models.iter().all(|model| model.enabled && model.offered));
        assert_eq!(store.list(&anna).await.unwrap(), [found]);
        assert_eq!(store.insert(&anna, &ollama(), &[], 8).await.unwrap(), None, "the key is taken");
    }
}

#[tokio::test]
async fn a_change_keeps_the_key_and_the_models() {
    for store in stores().await {
        let anna = user("anna");
        let id = store.insert(&anna, &ollama(), &models(&["a"]), 1).await.unwrap().unwrap();
        let mut changed = ProviderSettings { enabled: false, direct_local: false, ..ollama() };
        changed.provider.base_url = "http://10.0.0.1/v1".into();
        assert!(store.update(&anna, &id, &changed, 2).await.unwrap());
        let found = store.find(&anna, &id).await.unwrap().unwrap();
        assert_eq!((&found.settings, found.updated_at), (&changed, 2));
        assert_eq!(ids(&found), ["a"]);
    }
}

#[tokio::test]
async fn a_new_list_never_touches_what_the_user_said() {
    for store in stores().await {
        let anna = user("anna");
        let id = store.insert(&anna, &ollama(), &models(&["a", "gone"]), 1).await.unwrap().unwrap();
        let row = store.find(&anna, &id).await.unwrap().unwrap().models[0].id.clone();
        let said = ModelSettings { display_name: Some("Mine".into()), ..ModelSettings::default() };
        assert!(store.update_model(&anna, &row, "a", &said, false, 2).await.unwrap());
        let listed = Model { context_window: Some(4096), ..Model::named("a") };
        store.take_list(&anna, &id, &[listed, Model::named("new")], 3).await.unwrap();
        let found = store.find(&anna, &id).await.unwrap().unwrap();
        assert_eq!(ids(&found), ["a", "gone"], "what is new is for the user to pick");
        let [a, gone] = [&found.models[0], &found.models[1]];
        assert_eq!((&a.settings, a.enabled, a.offered), (&said, false, true));
        assert_eq!(a.listed.context_window, Some(4096));
        assert!(!gone.offered);
    }
}

#[tokio::test]
async fn models_are_added_ordered_renamed_and_deleted() {
    for store in stores().await {
        let anna = user("anna");
        let id = store.insert(&anna, &ollama(), &models(&["a"]), 1).await.unwrap().unwrap();
        store.add_models(&anna, &id, &models(&["b", "a", "c"]), 2).await.unwrap();
        let rows = store.find(&anna, &id).await.unwrap().unwrap().models;
        let [a, b, c] = [&rows[0].id, &rows[1].id, &rows[2].id];
        store.reorder_models(&anna, &[c.clone(), a.clone(), b.clone()]).await.unwrap();
        let none = ModelSettings::default();
        assert!(store.update_model(&anna, a, "renamed", &none, true, 3).await.unwrap());
        assert!(!store.update_model(&anna, b, "renamed", &none, true, 3).await.unwrap());
        assert!(store.delete_model(&anna, b).await.unwrap());
        let found = store.find(&anna, &id).await.unwrap().unwrap();
        assert_eq!(ids(&found), ["c", "renamed"]);
        assert_eq!(store.provider_of_model(&anna, a).await.unwrap(), Some(id));
    }
}

#[tokio::test]
async fn providers_stand_in_the_order_they_are_given() {
    for store in stores().await {
        let anna = user("anna");
        let first = store.insert(&anna, &ollama(), &[], 1).await.unwrap().unwrap();
        let second = store.insert(&anna, &openai(), &[], 1).await.unwrap().unwrap();
        store.reorder(&anna, &[second.clone(), first.clone()]).await.unwrap();
        let listed = store.list(&anna).await.unwrap();
        assert_eq!([&listed[0].id, &listed[1].id], [&second, &first]);
        store.place(&anna, &second, 9).await.unwrap();
        assert_eq!(store.list(&anna).await.unwrap()[0].id, first);
    }
}

#[tokio::test]
async fn a_key_is_replaced_and_goes_with_its_provider() {
    for store in stores().await {
        let anna = user("anna");
        let id = store.insert(&anna, &openai(), &[], 1).await.unwrap().unwrap();
        store.save_key(&anna, &id, &key("one")).await.unwrap();
        store.save_key(&anna, &id, &key("two")).await.unwrap();
        assert_eq!(store.find(&anna, &id).await.unwrap().unwrap().key, Some(key("two")));
        assert!(store.delete_key(&anna, &id).await.unwrap());
        assert!(!store.delete_key(&anna, &id).await.unwrap());
        store.save_key(&anna, &id, &key("three")).await.unwrap();
        assert!(store.delete(&anna, &id).await.unwrap());
        let (left,): (i64,) = sqlx::query_as("select count(*) from provider_keys")
            .fetch_one(store.database.reader())
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn users_do_not_see_or_change_each_other() {
    for store in stores().await {
        let (anna, ben) = (user("anna"), user("ben"));
        let id = store.insert(&anna, &openai(), &models(&["a"]), 1).await.unwrap().unwrap();
        store.save_key(&anna, &id, &key("anna's")).await.unwrap();
        let before = store.find(&anna, &id).await.unwrap().unwrap();
        let model = before.models[0].id.clone();
        assert!(store.list(&ben).await.unwrap().is_empty());
        assert_eq!(store.find(&ben, &id).await.unwrap(), None);
        assert_eq!(store.id_of(&ben, "openai").await.unwrap(), None);
        assert_eq!(store.provider_of_model(&ben, &model).await.unwrap(), None);
        assert!(!store.update(&ben, &id, &ollama(), 2).await.unwrap());
        assert!(!store.share(&ben, &id, Some("shared-openai"), 2).await.unwrap());
        assert!(!store.delete(&ben, &id).await.unwrap());
        assert!(!store.delete_key(&ben, &id).await.unwrap());
        assert!(!store.delete_model(&ben, &model).await.unwrap());
        let none = ModelSettings::default();
        assert!(!store.update_model(&ben, &model, "b", &none, false, 2).await.unwrap());
        store.save_key(&ben, &id, &key("ben's")).await.unwrap();
        store.take_list(&ben, &id, &models(&["x"]), 2).await.unwrap();
        store.reorder(&ben, std::slice::from_ref(&id)).await.unwrap();
        store.note_check(&ben, &id, Some("No."), 2).await.unwrap();
        assert_eq!(store.find(&anna, &id).await.unwrap(), Some(before));
    }
}

#[tokio::test]
async fn a_shared_provider_is_everybody_s_while_its_owner_is_an_admin() {
    for store in stores().await {
        let (ada, anna) = (user("ada"), user("anna"));
        let id = store.insert(&ada, &openai(), &models(&["a"]), 1).await.unwrap().unwrap();
        let own = store.insert(&anna, &openai(), &[], 1).await.unwrap().unwrap();
        assert!(store.share(&ada, &id, Some("shared-openai"), 2).await.unwrap());
        assert!(!store.share(&anna, &own, Some("shared-openai"), 2).await.unwrap(), "the name is taken");
        let listed = store.list(&anna).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|stored| stored.id.as_str()).collect();
        assert_eq!(listed, [id.as_str(), &own], "shared ones come first");
        assert_eq!(store.find(&anna, &id).await.unwrap(), None, "it is not anna's own");
        let off = ProviderSettings { enabled: false, ..openai() };
        store.update(&ada, &id, &off, 3).await.unwrap();
        assert_eq!(store.list(&anna).await.unwrap().len(), 1);
        store.update(&ada, &id, &openai(), 4).await.unwrap();
        sqlx::query("update users set role = 'user' where id = 'ada'")
            .execute(store.database.writer())
            .await
            .unwrap();
        assert_eq!(store.list(&anna).await.unwrap().len(), 1);
        store.share(&ada, &id, None, 5).await.unwrap();
        assert_eq!(store.find(&ada, &id).await.unwrap().unwrap().shared_as, None);
    }
}

#[tokio::test]
async fn every_list_of_providers_reads_by_an_index() {
    // A user's own are sorted; there are few.
    let lists = [
        bound(PROVIDERS, &["'00000250'"]),
        bound(MODELS, &["'00000250'"]),
        bound(KEYS, &["'00000250'"]),
        bound(unbound::LIST, &["'00000250'"]),
        bound(MODELS_OF_A_PROVIDER, &["'00000250'", "'00000250-7'"]),
    ];
    for database in testing::databases().await {
        fill(&database).await;
        assert_read_by_index(&database, Sorts::Few, &lists).await;
    }
}
