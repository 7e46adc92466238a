//! Copies of providers and models at the start of a benchmark, so that a resume uses the same names, prices
//! and parameters even if they were edited meanwhile.

use serde::{Deserialize, Serialize};

use bench::Target;
use endpoint::{Model, ModelRef, Protocol, Provider, ProviderKind};

/// One target as of the first start. Contains neither key nor headers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSnapshot {
    pub provider_key: String,
    pub provider: String,
    pub kind: ProviderKind,
    pub protocol: Protocol,
    pub base_url: String,
    pub model: Model,
}

/// The error for a provider whose address has changed since the first start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} has another address or protocol than when this benchmark began, so its results could not be compared. \
     Start a new benchmark."
)]
pub struct Moved(pub String);

impl TargetSnapshot {
    pub fn of(Target { provider, model, .. }: &Target) -> Self {
        Self::of_parts(provider, model)
    }

    pub fn of_parts(provider: &Provider, model: &Model) -> Self {
        Self {
            provider_key: provider.key.clone(),
            provider: provider.display_name.clone(),
            kind: provider.kind,
            protocol: provider.protocol,
            base_url: provider.base_url.clone(),
            model: model.clone(),
        }
    }

    pub fn model_ref(&self) -> ModelRef {
        ModelRef { provider_key: self.provider_key.clone(), model_id: self.model.id.clone() }
    }

    /// Combines the stored target with the current key and headers.
    ///
    /// # Errors
    /// Fails if the provider's address has changed.
    pub fn restore(&self, now: Target) -> Result<Target, Moved> {
        let Target { mut provider, key, policy, model: _ } = now;
        // The demo server uses another port after each start.
        let same_address = provider.simulated() || provider.base_url == self.base_url;
        if !same_address || provider.protocol != self.protocol {
            return Err(Moved(provider.display_name));
        }
        provider.display_name.clone_from(&self.provider);
        provider.kind = self.kind;
        Ok(Target { provider, key, policy, model: self.model.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use endpoint::Provider;
    use endpoint::egress::AddressPolicy;

    fn target(root: &str, model: &str) -> Target {
        let mut provider = mock::demo_provider(root);
        provider.headers = vec![("x-gateway".into(), "s3cret".into())];
        let key = Some("sk-s3cret".into());
        Target { provider, key, model: Model::named(model), policy: AddressPolicy::PUBLIC }
    }

    #[test]
    fn a_snapshot_contains_no_secret() {
        let snapshot = TargetSnapshot::of(&target("http://127.0.0.1:1", "m"));
        assert!(!serde_json::to_string(&snapshot).unwrap().contains("s3cret"));
    }

    #[test]
    fn restores_stored_names_with_the_current_key() {
        let began = target("http://127.0.0.1:1", "m");
        let mut edited = began.clone();
        edited.provider.display_name = "Renamed".into();
        edited.model.display_name = "Renamed".into();
        edited.key = Some("sk-rotated".into());
        let restored = TargetSnapshot::of(&began).restore(edited).unwrap();
        assert_eq!((&restored.provider, &restored.model), (&began.provider, &began.model));
        assert_eq!(secrecy::ExposeSecret::expose_secret(&restored.key.unwrap()), "sk-rotated");
    }

    #[test]
    fn rejects_a_changed_address() {
        let custom = |root: &str| {
            let provider = Provider::of_kind(ProviderKind::Custom, root);
            Target { provider, key: None, model: Model::named("m"), policy: AddressPolicy::PUBLIC }
        };
        let snapshot = TargetSnapshot::of(&custom("http://127.0.0.1:1"));
        let moved = snapshot.restore(custom("http://127.0.0.1:2")).unwrap_err();
        assert!(moved.to_string().starts_with("Custom has another address"), "{moved}");
    }

    #[test]
    fn accepts_the_demo_at_any_port() {
        let snapshot = TargetSnapshot::of(&target("http://127.0.0.1:1", "m"));
        assert!(snapshot.restore(target("http://127.0.0.1:2", "m")).is_ok());
    }
}
