//! Health checks of providers.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde::Deserialize;

use super::{ProviderError, ProviderService, key_for};
use crate::accounts::UserId;
use crate::providers::listing::{HealthStatus, ProviderHealth};
use crate::providers::store::StoredProvider;
use endpoint::egress::{Client, Limits};
use endpoint::types::{Protocol, Provider};
use endpoint::wire;

/// Number of providers checked concurrently.
const CONCURRENCY: usize = 8;

/// Limits of the request to LM Studio.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(2), total: Duration::from_secs(10), max_bytes: 1024 * 1024 };

/// The models of an LM Studio server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LmStudio {
    /// Id and format (`gguf`, `mlx`) of each model.
    pub models: Vec<(String, Option<String>)>,
}

impl ProviderService {
    /// Requests the model list of every enabled provider, which is free, each with a timeout of 10 seconds.
    /// Returns them in the order of the user's list.
    pub async fn health(&self, user: &UserId) -> Result<Vec<ProviderHealth>, ProviderError> {
        let stored = self.store.list(user).await?.into_iter();
        let asked =
            stored.filter(|stored| stored.settings.enabled).map(|stored| self.resolve_demo_url(stored));
        let checks = asked.map(|stored| async move { self.check(user, &stored).await });
        let checks = stream::iter(checks.collect::<Vec<_>>()).buffered(CONCURRENCY);
        Ok(checks.collect().await)
    }

    async fn check(&self, user: &UserId, stored: &StoredProvider) -> ProviderHealth {
        let started = Instant::now();
        let answer = self.list_models(user, stored).await;
        let elapsed_ms = started.elapsed().as_secs_f64() * 1e3;
        let (status, latency_ms, error) = match answer {
            Ok(Ok(_)) => (HealthStatus::Ok, Some(elapsed_ms), None),
            Ok(Err(error)) => (HealthStatus::Error, None, Some(error.message)),
            Err(error @ (ProviderError::Keyless(_) | ProviderError::KeylessShared(_))) => {
                (HealthStatus::NoKey, None, Some(error.to_string()))
            }
            Err(ProviderError::Store(error)) => {
                tracing::error!("{error}");
                (HealthStatus::Error, None, Some("The check failed. Try again.".to_owned()))
            }
            Err(error) => (HealthStatus::Error, None, Some(error.to_string())),
        };
        ProviderHealth {
            name: stored.settings.provider.display_name.clone(),
            provider_key: key_for(user, stored).to_owned(),
            status,
            latency_ms,
            error,
        }
    }

    /// Requests the models and formats of LM Studio at the provider's URL. Of a server that does not tell formats
    /// it returns the models without.
    ///
    /// # Errors
    /// If the user has no such provider, or it lists no models in either way.
    pub async fn lm_studio(&self, user: &UserId, key: &str) -> Result<LmStudio, ProviderError> {
        let stored = self.resolve_demo_url(self.stored_by_key(user, key).await?);
        match self.lm_studio_formats(user, &stored).await {
            Err(error @ (ProviderError::Unlisted { .. } | ProviderError::Invalid(_))) => {
                let listed = self.list_models(user, &stored).await?;
                let models = listed.map_err(|_| error)?.into_iter().map(|model| (model.id, None));
                Ok(LmStudio { models: models.collect() })
            }
            found => found,
        }
    }

    async fn lm_studio_formats(
        &self,
        user: &UserId,
        stored: &StoredProvider,
    ) -> Result<LmStudio, ProviderError> {
        let name = stored.settings.provider.display_name.clone();
        let unlisted = |error| ProviderError::Unlisted { name: name.clone(), error };
        let api_key = self.key(user, stored)?;
        let origin = super::keys::origin(&stored.settings.provider.base_url).unwrap_or_default();
        let provider = Provider {
            base_url: format!("{origin}/api/v0"),
            protocol: Protocol::OpenaiChat,
            ..stored.settings.provider.clone()
        };
        let request = wire::models_request(&provider, api_key.as_ref())
            .map_err(|error| ProviderError::Invalid(error.to_string()))?;
        let policy = self.policy_for(self.networks().await?, &provider);
        let client = Client::new(policy, LIMITS).map_err(unlisted)?;
        let answer = client.get(request.url, request.headers).await.map_err(unlisted)?;
        if !answer.status.is_success() {
            let status = answer.status.as_u16();
            return Err(unlisted(wire::decode_error(&provider, status, &answer.headers, &answer.body)));
        }
        let list: LmStudioList = serde_json::from_slice(&answer.body)
            .map_err(|_| ProviderError::Invalid(format!("{name} is not an LM Studio server.")))?;
        let models = list.data.into_iter().map(|model| (model.id, model.compatibility_type));
        Ok(LmStudio { models: models.collect() })
    }
}

#[derive(Deserialize)]
struct LmStudioList {
    data: Vec<LmStudioModel>,
}

#[derive(Deserialize)]
struct LmStudioModel {
    id: String,
    compatibility_type: Option<String>,
}
