//! Example calls of each route with Anna's data, and who may make them.
//!
//! The owner can make all calls in this order: data that other calls need is deleted last.

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::fixture::{SLOW, UserData};

/// Who may make the call of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It names data of Anna's; other users get 404.
    Hidden,
    /// It names no data; each user gets their own.
    Own,
    /// It names data of Anna's in its body; other users get this status.
    Rejected(StatusCode),
    AdminsOnly,
    /// Needs no session.
    Public,
}

/// One example call.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub method: &'static str,
    /// The path in the OpenAPI description, with `{names}`.
    path: &'static str,
    pub access: Access,
    /// The path with its parameters filled in, and the query.
    pub address: String,
    pub body: Option<Value>,
}

impl Example {
    fn new(access: Access, route: &'static str) -> Self {
        let (method, path) = route.split_once(' ').unwrap();
        Self { method, path, access, address: path.to_owned(), body: None }
    }

    pub(super) fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Everything that the caller sends.
    pub(super) fn sent(&self) -> String {
        format!("{} {}", self.address, self.body.clone().unwrap_or_default())
    }

    fn id(mut self, id: &str) -> Self {
        self.address = self.address.replace("{id}", id);
        self
    }

    fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.address = format!("{}?{}", self.address, query(pairs));
        self
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn hidden(route: &'static str) -> Example {
    Example::new(Access::Hidden, route)
}

fn own(route: &'static str) -> Example {
    Example::new(Access::Own, route)
}

fn refused(status: StatusCode, route: &'static str) -> Example {
    Example::new(Access::Rejected(status), route)
}

fn admins(route: &'static str) -> Example {
    Example::new(Access::AdminsOnly, route)
}

fn public(route: &'static str) -> Example {
    Example::new(Access::Public, route)
}

/// Returns one example for each operation of the OpenAPI description.
pub(super) fn examples(annas: &UserData) -> Vec<Example> {
    [server(), configuration(annas), benchmarks(annas), admin(annas), removals(annas), accounts(annas)]
        .concat()
}

fn server() -> Vec<Example> {
    // They return no user data.
    vec![public("GET /healthz"), public("GET /api/openapi.json"), public("GET /api/docs")]
}

fn configuration(annas: &UserData) -> Vec<Example> {
    let UserData { provider_key, provider, model_id, model, .. } = annas;
    let which = [("provider_key", provider_key.as_str())];
    let bens = json!({ "provider_key": "bens", "api_base": "http://127.0.0.1:9/v1" });
    vec![
        own("GET /api/config"),
        own("GET /api/config/prompts"),
        own("GET /api/keys"),
        own("GET /api/v2/providers"),
        own("GET /api/v2/models"),
        own("GET /api/health/providers"),
        own("GET /api/provider-params/registry"),
        own("POST /api/param-support/seed"),
        hidden("GET /api/v2/providers/{id}").id(provider),
        hidden("GET /api/v2/providers/{id}/models").id(provider),
        hidden("GET /api/models/discover").query(&which),
        hidden("GET /api/lm-studio/detect").query(&which),
        // Judged by the rules of an unknown provider.
        own("POST /api/provider-params/validate")
            .body(json!({ "provider_key": provider_key, "model_id": model_id })),
        own("POST /api/config/provider").body(bens),
        own("POST /api/v2/providers")
            .body(json!({ "key": "bens-2", "name": "Ben's", "api_base": "http://127.0.0.1:9/v1" })),
        own("POST /api/config/prompts").body(json!({ "key": "bens", "label": "Ben's", "prompt": "Hello?" })),
        hidden("PUT /api/config/provider")
            .body(json!({ "provider_key": provider_key, "display_name": "Ben was here" })),
        hidden("PUT /api/v2/providers/{id}").id(provider).body(json!({ "name": "Ben was here" })),
        // Kept for a provider of Ben's.
        own("PUT /api/keys").body(json!({ "provider_key": provider_key, "value": "sk-bens-0123456789" })),
        hidden("POST /api/config/model").body(json!({ "provider_key": provider_key, "id": "bens-model" })),
        hidden("POST /api/v2/providers/{id}/models")
            .id(provider)
            .body(json!({ "litellm_id": "bens-other-model" })),
        hidden("PUT /api/config/model").body(
            json!({ "provider_key": provider_key, "model_id": model_id, "display_name": "Ben was here" }),
        ),
        hidden("PUT /api/v2/models/{id}").id(model).body(json!({ "display_name": "Ben was here" })),
    ]
}

fn benchmarks(annas: &UserData) -> Vec<Example> {
    let UserData { provider_key, model_id, finished, running, .. } = annas;
    let targets = json!({ "targets": [{ "provider_key": provider_key, "model_id": model_id }] });
    let run = [("provider_key", provider_key.as_str()), ("model_id", model_id), ("run_number", "1")];
    vec![
        own("GET /api/history"),
        own("GET /api/jobs"),
        own("GET /api/user/rate-limit"),
        hidden("GET /api/history/{id}").id(finished),
        hidden("GET /api/jobs/{id}").id(running),
        hidden("GET /api/benchmark/{id}/timeline").id(finished).query(&run),
        refused(StatusCode::UNPROCESSABLE_ENTITY, "POST /api/benchmark").body(targets.clone()),
        refused(StatusCode::UNPROCESSABLE_ENTITY, "POST /api/benchmark/estimate").body(targets),
        own("POST /api/benchmark/direct-results").body(json!({ "results": [{
            "provider": provider_key, "model_id": model_id, "run_number": 1, "success": false,
        }] })),
        hidden("POST /api/jobs/{id}/cancel").id(running),
        hidden("POST /api/benchmark/cancel").body(json!({ "job_id": running })),
    ]
}

fn admin(annas: &UserData) -> Vec<Example> {
    let user = annas.user.as_str();
    vec![
        admins("GET /api/admin/jobs"),
        admins("POST /api/admin/jobs/{id}/cancel").id(&annas.running),
        admins("GET /api/admin/users"),
        admins("PUT /api/admin/users/{id}/role").id(user).body(json!({ "role": "user" })),
        admins("GET /api/admin/users/{id}/rate-limit").id(user),
        admins("PUT /api/admin/users/{id}/rate-limit").id(user).body(json!({
            "benchmarks_per_hour": 1, "max_concurrent": 1, "max_runs_per_benchmark": 1,
        })),
        admins("POST /api/admin/users/{id}/password-link").id(user),
        admins("GET /api/admin/settings"),
        admins("PUT /api/admin/settings").body(json!({ "registration": "open", "local_networks": true })),
        admins("GET /api/admin/invitations"),
        admins("POST /api/admin/invitations").body(json!({ "email": "invited@example.org" })),
        admins("DELETE /api/admin/invitations/{id}").id(&annas.invitation),
        admins("DELETE /api/admin/users/{id}").id(user),
        admins("GET /api/env"),
        admins("PUT /api/env").body(json!({ "name": "OPENAI_API_KEY", "value": "sk-bens-0123456789" })),
        admins("DELETE /api/env").body(json!({ "name": "OPENAI_API_KEY" })),
    ]
}

fn removals(annas: &UserData) -> Vec<Example> {
    let UserData { provider_key, provider, other_provider_key, model, prompt, finished, .. } = annas;
    vec![
        hidden("DELETE /api/history/{id}").id(finished),
        hidden("DELETE /api/config/prompts").body(json!({ "key": prompt })),
        // Ben's own, which was kept above.
        own("DELETE /api/keys").body(json!({ "provider_key": provider_key })),
        hidden("DELETE /api/config/model").body(json!({ "provider_key": provider_key, "model_id": SLOW })),
        hidden("DELETE /api/v2/models/{id}").id(model),
        hidden("DELETE /api/config/provider").body(json!({ "provider_key": other_provider_key })),
        hidden("DELETE /api/v2/providers/{id}").id(provider),
    ]
}

fn accounts(annas: &UserData) -> Vec<Example> {
    let wrong = "not the password";
    vec![
        own("GET /api/auth/me"),
        own("GET /api/auth/tokens"),
        own("POST /api/auth/tokens").body(json!({ "name": "Ben's" })),
        own("POST /api/auth/cli-token"),
        own("POST /api/auth/ws-ticket"),
        own("GET /api/onboarding/status"),
        own("POST /api/onboarding/complete"),
        hidden("DELETE /api/auth/tokens/{id}").id(&annas.token),
        // With the right password they would end the session that this test still uses.
        refused(StatusCode::BAD_REQUEST, "POST /api/auth/change-password")
            .body(json!({ "current_password": wrong, "new_password": "another password" })),
        refused(StatusCode::BAD_REQUEST, "DELETE /api/auth/account").body(json!({ "password": wrong })),
        // Sign-in.
        public("POST /api/auth/register")
            .body(json!({ "email": "new@example.org", "password": "long enough" })),
        public("POST /api/auth/login").body(json!({ "email": "nobody@example.org", "password": wrong })),
        public("POST /api/auth/refresh"),
        public("GET /api/auth/renew").query(&[("next", "/providers")]),
        public("POST /api/auth/logout"),
        public("GET /api/auth/google/authorize"),
        public("GET /api/auth/google/callback").query(&[("code", "none"), ("state", "none")]),
        public("POST /api/auth/forgot-password").body(json!({ "email": "nobody@example.org" })),
        public("POST /api/auth/reset-password").body(json!({ "token": "none", "password": "long enough" })),
    ]
}

/// Returns a call of each server function that is not public: its name and its arguments, as a form or as JSON.
pub(super) fn server_function_examples(annas: &UserData) -> Vec<(&'static str, String)> {
    let UserData { provider_key, provider, model_id, model, prompt, finished, running, token, .. } = annas;
    let user = annas.user.as_str();
    let own = |name| (name, String::new());
    let one = |name, field, value: &str| (name, query(&[(field, value)]));
    let pair = format!("{provider_key}/{model_id}");
    let target = json!({ "provider_key": provider_key, "model_id": model_id });
    vec![
        own("/api/load_job_board"),
        one("/api/cancel_job", "job_id", running),
        one("/api/list_history", "before", finished),
        one("/api/delete_benchmark", "id", finished),
        own("/api/list_providers"),
        own("/api/refresh_models"),
        own("/api/check_health"),
        one("/api/get_provider", "id", provider),
        (
            "/api/add_provider",
            query(&[
                ("kind", "custom"),
                ("display_name", "Ben's"),
                ("base_url", "http://127.0.0.1:9/v1"),
                ("api_key", ""),
            ]),
        ),
        (
            "/api/change_provider",
            query(&[
                ("provider", provider),
                ("display_name", "Ben was here"),
                ("base_url", "http://127.0.0.1:9/v1"),
                ("model_prefix", ""),
            ]),
        ),
        ("/api/switch_provider", query(&[("provider", provider), ("on", "false")])),
        ("/api/step_provider", query(&[("provider", provider), ("step", "up")])),
        ("/api/share_provider", query(&[("provider", provider), ("shared", "true")])),
        one("/api/delete_provider", "provider", provider),
        ("/api/save_key", query(&[("provider", provider), ("api_key", "sk-bens-0123456789")])),
        one("/api/remove_key", "provider", provider),
        one("/api/discover_models", "provider", provider),
        ("/api/add_models", query(&[("provider", provider), ("models[0]", "bens-model")])),
        ("/api/add_model", query(&[("provider", provider), ("model_id", "bens-model")])),
        ("/api/switch_model", query(&[("model", model), ("on", "false")])),
        ("/api/step_model", query(&[("model", model), ("step", "up")])),
        ("/api/delete_model", query(&[("provider", provider), ("model", model)])),
        ("/api/change_model", change_model(provider, model, model_id)),
        ("/api/estimate_benchmark", json!({ "request": { "targets": [target] } }).to_string()),
        ("/api/start_benchmark", query(&[("models[0]", &pair), ("runs", "1"), ("tiers[0]", "0")])),
        one("/api/load_set_up", "like", finished),
        one("/api/run_again", "id", finished),
        one("/api/cancel_benchmark", "id", running),
        one("/api/load_benchmark", "id", finished),
        (
            "/api/load_runs",
            query(&[
                ("id", finished),
                ("model[provider_key]", provider_key),
                ("model[model_id]", model_id),
                ("context_tokens", "0"),
            ]),
        ),
        (
            "/api/load_timeline",
            query(&[
                ("id", finished),
                ("model[provider_key]", provider_key),
                ("model[model_id]", model_id),
                ("context_tokens", "0"),
                ("run_number", "1"),
            ]),
        ),
        own("/api/list_templates"),
        (
            "/api/save_template",
            query(&[("key", "bens"), ("label", "Ben's"), ("category", "general"), ("prompt", "Hello?")]),
        ),
        one("/api/delete_template", "key", prompt),
        own("/api/auth/forms/tokens"),
        ("/api/auth/forms/create-token", query(&[("name", "Ben's"), ("days", "1")])),
        one("/api/auth/forms/revoke-token", "id", token),
        // With the right password they would end the session that this test still uses.
        (
            "/api/auth/forms/change-password",
            query(&[("current_password", "not the password"), ("new_password", "another password")]),
        ),
        one("/api/auth/forms/delete-account", "password", "not the password"),
        one("/api/auth/forms/confirm", "password", "not the password"),
        own("/api/auth/forms/connection"),
        own("/api/auth/forms/disconnect"),
        own("/api/list_users"),
        one("/api/load_user", "user", user),
        (
            "/api/set_user_limits",
            query(&[
                ("user", user),
                ("benchmarks_per_hour", "1"),
                ("max_concurrent", "1"),
                ("max_runs_per_benchmark", "1"),
            ]),
        ),
        ("/api/set_user_role", query(&[("user", user), ("role", "admin")])),
        one("/api/make_password_link", "user", user),
        one("/api/delete_user", "user", user),
        own("/api/load_installation"),
        ("/api/change_settings", query(&[("registration", "closed"), ("local_networks", "off")])),
        ("/api/invite", query(&[("email", ""), ("days", "7")])),
        one("/api/withdraw_invitation", "id", &annas.invitation),
    ]
}

fn change_model(provider: &str, model: &str, model_id: &str) -> String {
    let fields = [
        "display_name",
        "context_window",
        "max_output_tokens",
        "input_price",
        "cached_input_price",
        "output_price",
        "skip_params",
        "aliases",
        "system_prompt",
        "params",
    ];
    let which = [("provider", provider), ("model", model), ("model_id", model_id)];
    let form = fields.map(|field| (format!("form[{field}]"), ""));
    Serializer::new(String::new()).extend_pairs(which).extend_pairs(form).finish()
}

/// Server functions that need no session, and why.
pub(super) const PUBLIC_SERVER_FUNCTIONS: &[(&str, &str)] = &[
    ("/api/auth/forms/registration", "the sign-in page shows whether registration is open"),
    ("/api/auth/forms/forgot-password", "mails a password reset link"),
    ("/api/auth/forms/reset-password", "sets a new password with a reset link"),
    ("/api/auth/forms/register", "creates an account"),
    ("/api/auth/forms/sign-in", "begins a session"),
    ("/api/auth/forms/sign-out", "ends a session, which may have expired"),
    ("/api/set_theme", "sets a cookie of the browser"),
];
