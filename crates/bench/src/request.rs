//! Builds the request of one run: prompt, filler, nonce and the parameters that the registry allows.

use std::sync::OnceLock;

use serde_json::Value;

use super::{
    engine::Target,
    filler::fill,
    tokenizer::Tokenizer,
    types::{Parameters, RowHead, Skip},
};
use endpoint::{
    Provider,
    registry::{self, Adjustment, AdjustmentAction, Requested, Resolved},
    wire::{ChatRequest, Message, Role, WireError, WireRequest, encode},
};

/// Tokens reserved in the context window for chat templates and counting differences.
const HEADROOM: u64 = 100;

/// The common part of all requests to one model.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    pub target: Target,
    pub tokenizer: Tokenizer,
    pub adjustments: Vec<Adjustment>,
    params: serde_json::Map<String, Value>,
    prompt: String,
    /// Counted once, when first asked for.
    prompt_tokens: OnceLock<u64>,
    max_tokens: u64,
}

/// One run's request, ready for the wire.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub wire: WireRequest,
    /// All text that was sent, to count its tokens if the server reports none.
    pub text: String,
}

impl RequestTemplate {
    /// Applies the parameter rules of the target's provider.
    pub fn new(target: Target, parameters: &Parameters) -> Self {
        let Target { provider, model, .. } = &target;
        let limit = model.max_output_tokens.and_then(|limit| u32::try_from(limit).ok());
        let max_tokens = limit.map_or(parameters.max_tokens, |limit| parameters.max_tokens.min(limit));
        let requested = Requested {
            max_tokens: Some(max_tokens),
            temperature: Some(parameters.temperature),
            params: &parameters.params,
        };
        let Resolved { params, mut adjustments } = registry::resolve(
            provider.kind,
            provider.protocol,
            &model.id,
            &model.skip_params,
            &model.params,
            &requested,
        );
        if max_tokens < parameters.max_tokens {
            adjustments.insert(0, output_limit(&model.display_name, parameters.max_tokens, max_tokens));
        }
        Self {
            tokenizer: Tokenizer::of(provider, model),
            prompt: parameters.prompt.clone(),
            prompt_tokens: OnceLock::new(),
            max_tokens: limit_sent(&params).unwrap_or(max_tokens.into()),
            adjustments,
            params,
            target,
        }
    }

    /// Returns the provider.
    pub fn provider(&self) -> &Provider {
        &self.target.provider
    }

    /// Returns the limit of output tokens: the limit that is sent or, if the model accepts none, the requested
    /// limit capped at the model's own.
    pub fn max_tokens(&self) -> u64 {
        self.max_tokens
    }

    /// Returns the tokens of the prompt and the model's system prompt. Must not be called on the measured path.
    pub fn prompt_tokens(&self) -> u64 {
        *self.prompt_tokens.get_or_init(|| {
            let system = self.target.model.system_prompt.as_deref().unwrap_or_default();
            self.tokenizer.count(&self.prompt) + self.tokenizer.count(system)
        })
    }

    /// Returns why a tier cannot be run with this model; `None` if it fits or the context window is unknown.
    /// Counts the prompt, so it must not be called on the measured path.
    pub fn skip_reason(&self, tier: u64) -> Option<String> {
        let window = self.target.model.context_window.filter(|_| tier > 0)?;
        let prompt = self.prompt_tokens();
        let room = window.saturating_sub(self.max_tokens + HEADROOM + prompt);
        (tier > room).then(|| {
            format!(
                "{tier} tokens of context do not fit: the window of {window} leaves room for {room} beside \
                 {} output tokens, a prompt of {prompt} and a reserve of {HEADROOM}",
                self.max_tokens
            )
        })
    }

    /// Returns the head of this model's row at `tier`. Counts the prompt, so it must not be called on the
    /// measured path.
    pub fn row_head(&self, tier: u64) -> RowHead {
        let Target { provider, model, .. } = &self.target;
        RowHead {
            provider: provider.display_name.clone(),
            provider_key: provider.key.clone(),
            model: model.display_name.clone(),
            model_id: model.id.clone(),
            protocol: provider.protocol,
            simulated: provider.simulated(),
            reported: false,
            context_tokens: tier,
            context_token_source: self.tokenizer.source().filter(|_| tier > 0),
            price: model.price,
            adjustments: self.adjustments.clone(),
            skipped: self.skip_reason(tier).map(|reason| Skip { reason }),
        }
    }

    /// Builds one run's request. The time grows with the tier, so do not call it on the measuring thread.
    ///
    /// # Errors
    /// When the provider's address, key or headers cannot be put into a request.
    pub fn prepare(&self, tier: u64, include_usage: bool) -> Result<Prepared, WireError> {
        let nonce = format!("[{}]", uuid::Uuid::new_v4().simple());
        let system_prompt = self.target.model.system_prompt.clone();
        let mut messages = Vec::with_capacity(2);
        if tier > 0 {
            let filler = fill(tier, &nonce, &self.tokenizer);
            let parts = [Some(filler.text), system_prompt];
            messages.push(message(Role::System, join(parts)));
            messages.push(message(Role::User, self.prompt.clone()));
        } else if system_prompt.is_some() {
            messages.push(message(Role::System, join([Some(nonce), system_prompt])));
            messages.push(message(Role::User, self.prompt.clone()));
        } else {
            messages.push(message(Role::User, join([Some(nonce), Some(self.prompt.clone())])));
        }
        let text = join(messages.iter().map(|message| Some(message.content.clone())));
        let request = ChatRequest {
            model: self.target.model.id.clone(),
            messages,
            tools: Vec::new(),
            tool_choice: None,
            params: self.params.clone(),
            stream: true,
            include_usage,
        };
        let wire = encode(self.provider(), self.target.key.as_ref(), &request)?;
        Ok(Prepared { wire, text })
    }
}

/// The limit on output among parameters under the providers' own names. A model's own parameters
/// and the request's may set another one than the benchmark's.
fn limit_sent(params: &serde_json::Map<String, Value>) -> Option<u64> {
    ["max_tokens", "max_completion_tokens", "max_output_tokens"]
        .iter()
        .find_map(|name| params.get(*name)?.as_u64())
}

fn output_limit(model: &str, asked: u32, limit: u32) -> Adjustment {
    Adjustment {
        param: "max_tokens".into(),
        original: asked.into(),
        adjusted: Some(limit.into()),
        action: AdjustmentAction::Clamp,
        reason: format!("{model} generates at most {limit} tokens."),
    }
}

fn message(role: Role, content: String) -> Message {
    Message { role, content, tool_calls: Vec::new(), tool_call_id: None }
}

fn join(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use endpoint::{Model, egress::AddressPolicy};

    fn skip_reason(params: Value) -> Option<String> {
        let model = Model { context_window: Some(8_192), ..Model::named("m") };
        let provider = mock::demo_provider("http://127.0.0.1:1");
        let params = params.as_object().cloned().unwrap_or_default();
        let parameters = Parameters { params, ..Parameters::default() };
        RequestTemplate::new(
            Target { provider, key: None, model, policy: AddressPolicy::PUBLIC },
            &parameters,
        )
        .skip_reason(5_000)
    }

    #[test]
    fn room_is_left_for_the_limit_that_is_sent() {
        assert_eq!(skip_reason(json!({})), None);
        let reason = skip_reason(json!({"max_tokens": 4_000})).unwrap();
        assert!(reason.contains("4000 output tokens"), "{reason}");
    }
}
