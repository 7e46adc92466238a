//! Tests of the service with a database, without a network.

use std::net::{IpAddr, Ipv4Addr};

use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::accounts::{Role, User};
use crate::database::testing;
use crate::providers::listing::KeyState;
use crate::providers::settings::{ModelSettings, ProviderSettings};

const SECRET: &str = "sk-the-secret-of-ada-wxyz";
const ENVIRONMENT: &str = "sk-of-the-environment-0815";
const DEMO: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 45678);

async fn service() -> ProviderService {
    let database = testing::sqlite().await;
    for name in ["anna", "ben"] {
        testing::add_user(&database, name).await;
    }
    testing::add_admin(&database, "ada").await;
    let environment =
        EnvironmentKeys::find(|name| (name == "OPENAI_API_KEY").then(|| ENVIRONMENT.to_owned()));
    ProviderService::new(database, Vault::random()).with_demo(DEMO).with_environment(environment)
}

fn id(name: &str) -> UserId {
    UserId::new(name)
}

fn account(name: &str, role: Role) -> User {
    User { id: id(name), email: format!("{name}@example.org"), role, onboarding_completed: true }
}

fn ada() -> User {
    account("ada", Role::Admin)
}

fn openai(base_url: &str) -> ProviderSettings {
    Provider::of_kind(ProviderKind::Openai, base_url).into()
}

const OPENAI: &str = "https://api.openai.com/v1";

fn model(provider_key: &str, model_id: &str) -> ModelRef {
    ModelRef { provider_key: provider_key.into(), model_id: model_id.into() }
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

/// Returns the service with a provider of ada's that has a key and the model `gpt-5.5`, and its id.
async fn with_key() -> (ProviderService, String) {
    let service = service().await;
    let models = [Model::named("gpt-5.5")];
    let provider = service.add(&id("ada"), &openai(OPENAI), &models).await.unwrap();
    service.save_key(&id("ada"), &provider, &secret(SECRET)).await.unwrap();
    (service, provider)
}

async fn key_sent(service: &ProviderService, user: &str, wanted: ModelRef) -> Result<Option<String>, String> {
    let targets = service.targets(&id(user), &[wanted]).await.map_err(|error| error.to_string())?;
    Ok(targets[0].key.as_ref().map(|key| key.expose_secret().to_owned()))
}

#[tokio::test]
async fn a_new_account_can_benchmark_the_demo() {
    let service = service().await;
    service.registered(&id("anna")).await.unwrap();
    let listed = service.list(&id("anna")).await.unwrap();
    assert_eq!(listed[0].provider.kind, ProviderKind::Demo);
    assert!(listed[0].ready());
    assert_eq!(listed[0].provider.base_url, format!("http://{DEMO}/v1"));
    let without_key = listed.iter().filter(|listing| listing.key == KeyState::Missing).count();
    assert_eq!(without_key, ProviderKind::all().filter(|facts| !facts.key_env.is_empty()).count());
    let targets = service.targets(&id("anna"), &[model("demo", "demo-fast")]).await.unwrap();
    assert_eq!(targets[0].provider.base_url, format!("http://{DEMO}/v1"));
}

#[tokio::test]
async fn the_demo_has_this_processs_address() {
    let service = service().await;
    service.registered(&id("anna")).await.unwrap();
    let restarted = service.with_demo("127.0.0.1:50000".parse().unwrap());
    let listed = restarted.list(&id("anna")).await.unwrap();
    assert_eq!(listed[0].provider.base_url, "http://127.0.0.1:50000/v1");
}

#[tokio::test]
async fn seeding_twice_changes_nothing() {
    let service = service().await;
    service.registered(&id("anna")).await.unwrap();
    let once = service.list(&id("anna")).await.unwrap();
    service.registered(&id("anna")).await.unwrap();
    assert_eq!(service.list(&id("anna")).await.unwrap(), once);
}

#[tokio::test]
async fn a_well_known_provider_needs_only_a_key() {
    let service = service().await;
    service.registered(&id("anna")).await.unwrap();
    let listed = service.by_key(&id("anna"), "openai").await.unwrap();
    let wanted = model("openai", &listed.models[0].model.id);
    let error = key_sent(&service, "anna", wanted.clone()).await.unwrap_err();
    assert_eq!(error, "OpenAI has no API key. Enter one in Providers & models.");
    service.save_key(&id("anna"), &listed.id, &secret("sk-anna")).await.unwrap();
    assert_eq!(key_sent(&service, "anna", wanted).await, Ok(Some("sk-anna".into())));
}

#[tokio::test]
async fn targets_have_the_requested_order_and_the_users_settings() {
    let service = service().await;
    let anna = id("anna");
    let models = [Model::named("gpt-4o"), Model::named("gpt-5.5")];
    let provider = service.add(&anna, &openai("http://127.0.0.1:1/v1"), &models).await.unwrap();
    let row = service.get(&anna, &provider).await.unwrap().models[0].id.clone();
    let settings = ModelSettings {
        context_window: Some(999),
        system_prompt: Some("Be brief.".into()),
        skip_params: vec!["temperature".into()],
        aliases: vec!["four".into()],
        ..ModelSettings::default()
    };
    service.change_model(&anna, &row, |edit| edit.settings = settings).await.unwrap();
    let asked = [model("openai", "gpt-5.5"), model("openai", "gpt-4o")];
    let targets = service.targets(&anna, &asked).await.unwrap();
    assert_eq!([&targets[0].model.id, &targets[1].model.id], ["gpt-5.5", "gpt-4o"]);
    let set_up = &targets[1].model;
    assert_eq!((set_up.context_window, set_up.max_output_tokens), (Some(999), Some(16_384)));
    assert_eq!(set_up.system_prompt.as_deref(), Some("Be brief."));
    let names = ["four", "openai/gpt-5.5"].map(String::from);
    assert_eq!(service.named(&anna, &names).await.unwrap(), [asked[1].clone(), asked[0].clone()]);
}

#[tokio::test]
async fn unavailable_models_are_named() {
    let service = service().await;
    let anna = id("anna");
    service.registered(&anna).await.unwrap();
    for (wanted, expected) in [
        (model("nobody", "m"), "There is no provider \"nobody\""),
        (model("demo", "nothing"), "demo has no model \"nothing\""),
        (model("openai", "gpt-5.5"), "OpenAI has no API key"),
    ] {
        let asked = [model("demo", "demo-fast"), wanted];
        let error = service.targets(&anna, &asked).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let demo = service.by_key(&anna, "demo").await.unwrap();
    service.change_model(&anna, &demo.models[0].id, |edit| edit.enabled = false).await.unwrap();
    let off = service.targets(&anna, &[model("demo", &demo.models[0].model.id)]).await.unwrap_err();
    assert!(off.to_string().contains("is disabled"), "{off}");
}

#[tokio::test]
async fn a_key_is_sent_only_to_the_origin_it_was_saved_for() {
    let (service, provider) = with_key().await;
    let ada = id("ada");
    let wanted = || model("openai", "gpt-5.5");
    let move_to = async |base_url: &str| {
        let change = |settings: &mut ProviderSettings| settings.provider.base_url = base_url.to_owned();
        service.change(&ada, &provider, change).await.unwrap();
    };
    assert_eq!(key_sent(&service, "ada", wanted()).await, Ok(Some(SECRET.into())));
    move_to("https://api.openai.com/v2").await;
    assert_eq!(key_sent(&service, "ada", wanted()).await, Ok(Some(SECRET.into())), "the same origin");
    for elsewhere in ["https://evil.example/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1"]
    {
        move_to(elsewhere).await;
        let error = key_sent(&service, "ada", wanted()).await.unwrap_err();
        assert!(error.contains("was saved for https://api.openai.com "), "{error}");
        assert!(matches!(service.get(&ada, &provider).await.unwrap().key, KeyState::Locked { .. }));
    }
    service.save_key(&ada, &provider, &secret("sk-for-the-new-address")).await.unwrap();
    assert_eq!(key_sent(&service, "ada", wanted()).await, Ok(Some("sk-for-the-new-address".into())));
    move_to(OPENAI).await;
    assert!(key_sent(&service, "ada", wanted()).await.is_err());
}

#[tokio::test]
async fn the_environments_key_is_used_only_for_shared_providers_at_their_own_origin() {
    let service = service().await;
    let admin = id("ada");
    let provider = service.add(&admin, &openai(OPENAI), &[Model::named("gpt-5.5")]).await.unwrap();
    let own = || model("openai", "gpt-5.5");
    let shared = || model("shared-openai", "gpt-5.5");
    assert!(key_sent(&service, "ada", own()).await.is_err(), "not shared yet");
    service.share(&ada(), &provider, true).await.unwrap();
    for (user, wanted) in [("ada", own()), ("anna", shared())] {
        assert_eq!(key_sent(&service, user, wanted).await, Ok(Some(ENVIRONMENT.into())));
    }
    let evil = |settings: &mut ProviderSettings| settings.provider.base_url = "https://evil.example".into();
    service.change(&admin, &provider, evil).await.unwrap();
    assert_eq!(key_sent(&service, "ada", own()).await, Ok(None));
    let back = |settings: &mut ProviderSettings| settings.provider.base_url = OPENAI.into();
    service.change(&admin, &provider, back).await.unwrap();
    service.share(&ada(), &provider, false).await.unwrap();
    assert!(key_sent(&service, "ada", own()).await.is_err());
    assert!(key_sent(&service, "anna", shared()).await.unwrap_err().contains("no provider"));
}

#[tokio::test]
async fn users_of_a_shared_provider_see_nothing_of_its_key() {
    let (service, provider) = with_key().await;
    service.share(&ada(), &provider, true).await.unwrap();
    service.registered(&id("anna")).await.unwrap();
    assert_eq!(key_sent(&service, "anna", model("shared-openai", "gpt-5.5")).await, Ok(Some(SECRET.into())));
    let listed = service.list(&id("anna")).await.unwrap();
    assert_eq!((listed[0].access, &listed[0].key), (Access::Shared, &KeyState::Shared));
    assert_eq!(listed.iter().filter(|listing| listing.provider.kind == ProviderKind::Openai).count(), 2);
    let shown = serde_json::to_string(&listed).unwrap();
    assert!(!shown.contains(SECRET) && !shown.contains("wxyz"), "{shown}");
    for refused in [
        service.change(&id("anna"), &provider, |settings| settings.enabled = false).await,
        service.save_key(&id("anna"), &provider, &secret("sk-anna")).await,
        service.remove_key(&id("anna"), &provider).await.map(drop),
        service.delete(&id("anna"), &provider).await,
        service.delete_model(&id("anna"), &listed[0].models[0].id).await,
        service.add_models(&id("anna"), &provider, &[Model::named("m")]).await,
    ] {
        assert!(matches!(refused, Err(ProviderError::NotYours(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn other_users_rows_are_not_found() {
    let (service, provider) = with_key().await;
    let ben = id("ben");
    let model_row = service.get(&id("ada"), &provider).await.unwrap().models[0].id.clone();
    for refused in [
        service.get(&ben, &provider).await.map(drop),
        service.change(&ben, &provider, |settings| settings.enabled = false).await,
        service.save_key(&ben, &provider, &secret("sk-ben")).await,
        service.remove_key(&ben, &provider).await.map(drop),
        service.delete(&ben, &provider).await,
        service.share(&account("ben", Role::Admin), &provider, true).await,
        service.change_model(&ben, &model_row, |edit| edit.enabled = false).await,
        service.delete_model(&ben, &model_row).await,
    ] {
        let failure = AppError::from(refused.unwrap_err());
        assert_eq!(failure.status().as_u16(), 404, "{failure}");
    }
    let refused = service.share(&account("ben", Role::User), &provider, true).await;
    assert!(matches!(refused, Err(ProviderError::AdminsOnly)));
}

#[tokio::test]
async fn two_admins_share_under_two_keys() {
    let (service, provider) = with_key().await;
    let other = service.add(&id("ben"), &openai(OPENAI), &[]).await.unwrap();
    service.share(&ada(), &provider, true).await.unwrap();
    service.share(&account("ben", Role::Admin), &other, true).await.unwrap();
    let stored = service.store.find(&id("ben"), &other).await.unwrap().unwrap();
    assert_eq!(stored.shared_as.as_deref(), Some("shared-openai-2"));
}

#[tokio::test]
async fn a_local_server_is_matched_by_url_and_can_be_renamed() {
    let service = service().await;
    let anna = id("anna");
    let at = |port: u16| Provider::of_kind(ProviderKind::Ollama, format!("http://127.0.0.1:{port}/v1"));
    for (port, ids) in [(1, vec!["a"]), (2, vec!["b"]), (1, vec!["a", "c"])] {
        let own = service.store.list(&anna).await.unwrap();
        let models: Vec<_> = ids.into_iter().map(Model::named).collect();
        service.upsert_discovered(&anna, &own, at(port), &models).await.unwrap();
    }
    let listed = service.list(&anna).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|listing| listing.provider.key.as_str()).collect();
    assert_eq!(keys, ["ollama", "ollama-2"]);
    assert_eq!([listed[0].models.len(), listed[1].models.len()], [2, 1]);
}

#[tokio::test]
async fn the_demos_url_is_fixed_and_keys_are_separate() {
    let service = service().await;
    let anna = id("anna");
    service.registered(&anna).await.unwrap();
    let demo = service.by_key(&anna, "demo").await.unwrap();
    service.change(&anna, &demo.id, |settings| settings.enabled = false).await.unwrap();
    let moved = service.change(&anna, &demo.id, |settings| settings.provider.base_url = OPENAI.into()).await;
    assert!(matches!(moved, Err(ProviderError::Invalid(_))));
    let taken = service.add(&anna, &openai(OPENAI), &[]).await;
    assert!(matches!(taken, Err(ProviderError::Taken(_))));
    let reserved = ProviderSettings::from(Provider {
        key: "shared-mine".into(),
        ..Provider::of_kind(ProviderKind::Custom, "https://example.com")
    });
    assert!(matches!(service.add(&anna, &reserved, &[]).await, Err(ProviderError::Invalid(_))));
}

#[tokio::test]
async fn local_networks_follow_the_setting_and_the_demo_is_always_allowed() {
    let database = testing::sqlite().await;
    let anna = testing::add_user(&database, "anna").await;
    let service = ProviderService::new(database.clone(), Vault::random()).with_demo(DEMO);
    service.registered(&anna).await.unwrap();
    let mine = Provider::of_kind(ProviderKind::Custom, "http://127.0.0.1:9/v1");
    service.put(&anna, &mine, &[Model::named("m")]).await.unwrap();
    let policies = async || {
        let asked = [model("custom", "m"), model("demo", "demo-fast")];
        let targets = service.targets(&anna, &asked).await.unwrap();
        [targets[0].policy, targets[1].policy]
    };
    assert_eq!(policies().await[0], AddressPolicy::PUBLIC_AND_LOCAL, "a single user may use local networks");
    testing::add_user(&database, "ben").await;
    assert_eq!(policies().await, [AddressPolicy::PUBLIC, AddressPolicy::PUBLIC.with_exception(DEMO)]);
    Settings::new(database.clone()).set_local_networks(Some(true)).await.unwrap();
    assert_eq!(policies().await[0], AddressPolicy::PUBLIC_AND_LOCAL);
}
