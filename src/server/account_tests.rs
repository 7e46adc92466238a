//! Tests of accounts over HTTP, as scripts and browsers.

use axum::body::Body as HttpBody;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::accounts::service::testing::PASSWORD;
use crate::database::Database;
use crate::server::testing::state;
use crate::server::{AppState, router};

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    /// Null if the response is no JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// Returns name and value of each cookie that is set, as a browser sends them back.
    pub fn cookies(&self) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter();
        set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }

    /// Returns whether the browser is to delete the cookie.
    fn clears(&self, name: &str) -> bool {
        self.cookies().split("; ").any(|cookie| cookie == format!("{name}="))
    }

    pub fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    pub fn token(&self) -> String {
        format!("Bearer {}", self.body["access_token"].as_str().unwrap())
    }
}

/// The app with an empty database.
pub(super) struct App(pub AppState, pub Database);

impl App {
    pub async fn new() -> Self {
        let (state, database) = state().await;
        Self(state, database)
    }

    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let content_type = (header::CONTENT_TYPE.as_str(), "application/json");
        let headers: Vec<_> = headers.iter().copied().chain([content_type]).collect();
        self.send(method, path, &headers, body.to_string()).await
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let request = Request::builder().method(method).uri(path).header(header::HOST, "studio.example");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response =
            router(self.0.clone()).oneshot(request.body(HttpBody::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body, text }
    }

    pub async fn page(&self, path: &str, cookies: &str) -> Answer {
        let page = self.get(path, &[("cookie", cookies)]).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page
    }

    /// Sends a form like a browser without a script.
    pub async fn form(&self, path: &str, page: &str, cookies: &str, form: String) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "studio.example")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::REFERER, format!("http://studio.example{page}"))
            .header(header::COOKIE, cookies)
            .header(SAME_ORIGIN.0, SAME_ORIGIN.1);
        let response =
            router(self.0.clone()).oneshot(request.body(HttpBody::from(form)).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: Value::Null, text: String::new() }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers, Value::Null).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.ask(Method::POST, path, headers, body).await
    }

    /// Posts text with this content type; with none if it is empty.
    async fn post_as(
        &self,
        content_type: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let content_type = [(header::CONTENT_TYPE.as_str(), content_type)];
        let content_type = content_type.into_iter().filter(|(_, value)| !value.is_empty());
        let headers: Vec<_> = headers.iter().copied().chain(content_type).collect();
        self.send(Method::POST, path, &headers, body).await
    }

    pub async fn register(&self, email: &str) -> Answer {
        self.post("/api/auth/register", &[], json!({ "email": email, "password": PASSWORD })).await
    }
}

pub(super) const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");

#[tokio::test]
async fn registering_returns_user_token_and_cookies() {
    let app = App::new().await;
    let answer = app.register("anna@example.org").await;
    assert_eq!(answer.status, StatusCode::OK);
    let user = &answer.body["user"];
    assert_eq!(
        (&user["email"], &user["role"], &user["onboarding_completed"]),
        (&json!("anna@example.org"), &json!("admin"), &json!(false))
    );
    let me = app.get("/api/auth/me", &[("authorization", &answer.token())]).await;
    assert_eq!(me.body["user"], *user);
    let me = app.get("/api/auth/me", &[("cookie", &answer.cookies())]).await;
    assert_eq!(me.body["user"], *user);
}

#[tokio::test]
async fn errors_have_the_documented_bodies() {
    let app = App::new().await;
    app.register("anna@example.org").await;
    let taken = app.register("anna@example.org").await;
    assert_eq!((taken.status, taken.body["error"].is_string()), (StatusCode::CONFLICT, true));
    let short = json!({ "email": "ben@example.org", "password": "short" });
    let short = app.post("/api/auth/register", &[], short).await;
    assert_eq!((short.status, short.body["error"].is_string()), (StatusCode::BAD_REQUEST, true));
    for body in [json!([]), json!({ "email": 7, "password": PASSWORD }), json!({ "email": "a@b.c" })] {
        let invalid = app.post("/api/auth/login", &[], body).await;
        assert_eq!(
            (invalid.status, invalid.body["detail"].is_string()),
            (StatusCode::UNPROCESSABLE_ENTITY, true)
        );
    }
    let signed_out = app.get("/api/auth/me", &[]).await;
    assert_eq!((signed_out.status, signed_out.body["detail"].is_string()), (StatusCode::UNAUTHORIZED, true));
    let wrong = json!({ "email": "anna@example.org", "password": "wrong password" });
    for _ in 0..5 {
        let refused = app.post("/api/auth/login", &[], wrong.clone()).await;
        assert_eq!((refused.status, refused.body["detail"].is_string()), (StatusCode::UNAUTHORIZED, true));
    }
    let locked = app.post("/api/auth/login", &[], wrong).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    let retry_after: u64 = locked.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((890..=900).contains(&retry_after), "{retry_after}");
}

/// Strangers can lock an account, but not for its user's own browser.
#[tokio::test]
async fn a_locked_account_opens_on_a_known_device_and_its_password_can_be_changed() {
    let app = App::new().await;
    let anna = app.register("anna@example.org").await;
    let ben = app.register("ben@example.org").await.cookies();
    let sign_in = async |cookies: &str, password: &str| {
        let body = json!({ "email": "anna@example.org", "password": password });
        app.post("/api/auth/login", &[("cookie", cookies), SAME_ORIGIN], body).await
    };
    let device =
        anna.cookies().split("; ").find(|set| set.starts_with("studio_devices=")).unwrap().to_owned();
    for _ in 0..5 {
        assert_eq!(sign_in("", "wrong password").await.status, StatusCode::UNAUTHORIZED);
    }
    let mut forged = device.clone();
    forged.pop();
    forged.push(if device.ends_with('A') { 'B' } else { 'A' });
    for cookies in ["", &forged, &ben] {
        assert_eq!(sign_in(cookies, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS, "{cookies}");
    }
    let opened = sign_in(&device, PASSWORD).await;
    assert_eq!(opened.status, StatusCode::OK);
    let again = opened.cookies();
    assert!(again.contains("studio_devices="), "{again}");

    for _ in 0..5 {
        assert_eq!(sign_in(&device, "wrong password").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(sign_in(&device, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS, "its own limit");

    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": "another password" });
        app.post("/api/auth/change-password", &[("cookie", &again), SAME_ORIGIN], body).await
    };
    assert_eq!(change("wrong password").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(change(PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cookie_is_rejected_from_another_site() {
    let app = App::new().await;
    let cookies = app.register("anna@example.org").await.cookies();
    let cookie = ("cookie", cookies.as_str());
    for from in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let answer = app.post("/api/auth/cli-token", &[cookie, from], json!({})).await;
        assert_eq!(
            (answer.status, answer.body["detail"].is_string()),
            (StatusCode::FORBIDDEN, true),
            "{from:?}"
        );
    }
    let old_browser = ("user-agent", "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534.57");
    let silent = app.post("/api/auth/cli-token", &[cookie, old_browser], json!({})).await;
    assert_eq!(silent.status, StatusCode::FORBIDDEN);
    for from in [SAME_ORIGIN, ("origin", "https://studio.example")] {
        let answer = app.post("/api/auth/cli-token", &[cookie, from], json!({})).await;
        assert_eq!(
            (answer.status, &answer.body["expires_in_days"]),
            (StatusCode::OK, &json!(30)),
            "{from:?}"
        );
    }
}

/// As `requests.Session` and `curl -b` do.
#[tokio::test]
async fn a_script_that_keeps_cookies_signs_in_again_refreshes_and_signs_out() {
    let app = App::new().await;
    let cookies = app.register("anna@example.org").await.cookies();
    let script = [("cookie", cookies.as_str()), ("user-agent", "python-requests/2.34.2")];
    let again = json!({ "email": "anna@example.org", "password": PASSWORD });
    for (path, body) in [
        ("/api/auth/login", again),
        ("/api/auth/refresh", Value::Null),
        ("/api/auth/cli-token", Value::Null),
        ("/api/auth/logout", Value::Null),
    ] {
        let answer = app.post(path, &script, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_body_is_json_whatever_its_header_says() {
    let app = App::new().await;
    app.register("anna@example.org").await;
    let body = json!({ "email": "anna@example.org", "password": PASSWORD });
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/json"] {
        let sent = app.post_as(content_type, "/api/auth/login", &[], body.to_string()).await;
        assert_eq!(sent.status, StatusCode::OK, "{content_type}: {}", sent.body);
        let foreign = [("origin", "https://evil.example")];
        let sent = app.post_as(content_type, "/api/auth/login", &foreign, body.to_string()).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{content_type}: {}", sent.body);
    }
}

#[tokio::test]
async fn an_invalid_body_is_described_without_the_parser_s_words() {
    let app = App::new().await;
    for (body, expected) in [
        (r#"{"email": "a@b.c"}"#, "`password` is missing."),
        (r#"{"email": 7, "password": "x"}"#, "`email`: invalid type: integer `7`, expected a string."),
        ("[]", "The body must be a JSON object."),
        ("", "The body is empty. Send a JSON object."),
        ("{", "The body is not valid JSON: EOF while parsing an object at line 1 column 1."),
    ] {
        let sent = app.post_as("application/json", "/api/auth/login", &[], body.to_owned()).await;
        assert_eq!((sent.status, &sent.body["detail"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(expected)));
    }
}

#[tokio::test]
async fn with_an_invalid_bearer_the_cookie_is_ignored() {
    let app = App::new().await;
    let cookies = app.register("anna@example.org").await.cookies();
    let answer = app.get("/api/auth/me", &[("authorization", "Bearer nonsense"), ("cookie", &cookies)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn refreshing_replaces_the_cookie_and_pages_refresh_automatically() {
    let app = App::new().await;
    let first = app.register("anna@example.org").await.cookies();
    let second = app.post("/api/auth/refresh", &[("cookie", &first), SAME_ORIGIN], json!({})).await;
    assert_eq!(second.status, StatusCode::OK);
    assert!(second.body["access_token"].is_string() && second.cookies() != first);
    let refresh_only = second.cookies().split("; ").nth(1).unwrap().to_owned();
    let renewed = app.get("/api/auth/renew?next=%2Fproviders", &[("cookie", &refresh_only)]).await;
    assert_eq!((renewed.status, renewed.location()), (StatusCode::SEE_OTHER, "/providers"));
    let me = app.get("/api/auth/me", &[("cookie", &renewed.cookies())]).await;
    assert_eq!(me.status, StatusCode::OK);
    let elsewhere = app.get("/api/auth/renew?next=%2F%2Fevil.example", &[]).await;
    assert_eq!(elsewhere.location(), "/login?next=%2F");
}

#[tokio::test]
async fn signing_out_clears_the_cookies_and_ends_the_session() {
    let app = App::new().await;
    let answer = app.register("anna@example.org").await;
    let cookies = answer.cookies();
    let out = app.post("/api/auth/logout", &[("cookie", &cookies), SAME_ORIGIN], json!({})).await;
    assert_eq!((out.status, &out.body), (StatusCode::OK, &json!({ "status": "ok" })));
    assert_eq!(out.cookies(), "studio_session=; studio_refresh=");
    for headers in [("cookie", cookies.clone()), ("authorization", answer.token())] {
        let me = app.get("/api/auth/me", &[(headers.0, &headers.1)]).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn tokens_are_created_listed_used_and_revoked() {
    let app = App::new().await;
    let anna = app.register("anna@example.org").await.token();
    let ben = app.register("ben@example.org").await.token();
    let (anna, ben) = (("authorization", anna.as_str()), ("authorization", ben.as_str()));
    let made = app.post("/api/auth/tokens", &[anna], json!({ "name": "ci", "expires_in_days": 7 })).await;
    let token = made.body["token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    assert_eq!(app.get("/api/auth/me", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    let listed = app.get("/api/auth/tokens", &[anna]).await.body;
    assert_eq!(listed["tokens"][0]["name"], "ci");
    assert!(!listed.to_string().contains(token));
    let path = format!("/api/auth/tokens/{}", made.body["id"].as_str().unwrap());
    assert_eq!(app.ask(Method::DELETE, &path, &[ben], json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.ask(Method::DELETE, &path, &[anna], json!({})).await.status, StatusCode::OK);
    assert_eq!(app.get("/api/auth/me", &[("authorization", &bearer)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_admins_manage_users() {
    let app = App::new().await;
    let admin = app.register("anna@example.org").await;
    let user = app.register("ben@example.org").await;
    let id = user.body["user"]["id"].as_str().unwrap();
    let limit = json!({ "benchmarks_per_hour": 5, "max_concurrent": 2, "max_runs_per_benchmark": 3 });
    let settings = json!({ "registration": "closed", "local_networks": true });
    let (role, limits) = (format!("/api/admin/users/{id}/role"), format!("/api/admin/users/{id}/rate-limit"));
    let requests = [
        (Method::GET, "/api/admin/users", Value::Null),
        (Method::GET, limits.as_str(), Value::Null),
        (Method::PUT, limits.as_str(), limit.clone()),
        (Method::GET, "/api/admin/settings", Value::Null),
        (Method::PUT, "/api/admin/settings", settings.clone()),
        (Method::GET, "/api/admin/invitations", Value::Null),
        (Method::POST, "/api/admin/invitations", json!({})),
        (Method::PUT, role.as_str(), json!({ "role": "admin" })),
    ];
    let (admin, user) = (admin.token(), user.token());
    for (method, path, body) in requests {
        let ask = async |token: Option<&str>| {
            let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
            app.ask(method.clone(), path, &headers, body.clone()).await.status
        };
        assert_eq!(ask(None).await, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(ask(Some(&user)).await, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(ask(Some(&admin)).await, StatusCode::OK, "{method} {path}");
    }
    let admin = [("authorization", admin.as_str())];
    assert_eq!(app.get(&limits, &admin).await.body, limit);
    assert_eq!(app.get("/api/admin/settings", &admin).await.body, settings);
    let users = app.get("/api/admin/users?limit=1", &admin).await.body;
    assert_eq!((users["users"].as_array().unwrap().len(), users["next"].is_string()), (1, true));
    let me = app.get("/api/auth/me", &[("authorization", &user)]).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED, "changing the role ended the session");
    let much = json!({ "benchmarks_per_hour": 5, "max_concurrent": 51, "max_runs_per_benchmark": 3 });
    assert_eq!(app.ask(Method::PUT, &limits, &admin, much).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = app.ask(Method::DELETE, "/api/admin/users/signed_out", &admin, Value::Null).await;
    assert_eq!((unknown.status, unknown.body["error"].is_string()), (StatusCode::NOT_FOUND, true));
}

#[tokio::test]
async fn a_form_signs_in_and_redirects() {
    let app = App::new().await;
    app.register("anna@example.org").await;
    let send = async |password: &str| {
        let form = format!("email=anna%40example.org&password={password}&next=%2Fproviders");
        app.form("/api/auth/forms/sign-in", "/login?next=%2Fproviders", "", form).await
    };
    let wrong = send("wrong+password").await;
    assert!(wrong.status.is_redirection(), "{}", wrong.status);
    assert_eq!(wrong.location(), "http://studio.example/login?next=%2Fproviders");
    let (error, cookies) = ("Wrong email or password.", wrong.cookies());
    let elsewhere = app.page("/register", &cookies).await;
    assert!(!elsewhere.text.contains(error), "the error of another page");
    assert!(!elsewhere.cookies().contains("studio_form_error"), "still to be shown");
    let page = app.page("/login?next=%2Fproviders", &cookies).await;
    assert!(page.text.contains(error) && page.text.contains("Error: Sign in"), "{}", page.text);
    assert!(page.clears("studio_form_error"), "shown once: {}", page.cookies());
    assert!(!app.page("/login", "").await.text.contains(error));
    let right = send(&PASSWORD.replace(' ', "+")).await;
    assert_eq!((right.status, right.location()), (StatusCode::FOUND, "/providers"));
    let me = app.get("/api/auth/me", &[("cookie", &right.cookies())]).await;
    assert_eq!(me.status, StatusCode::OK);
}

#[tokio::test]
async fn the_error_of_a_form_is_shown_once_on_its_page() {
    let app = App::new().await;
    let session = app.register("anna@example.org").await.cookies();
    let form = "current_password=wrong+password&new_password=another+password".to_owned();
    let wrong = app.form("/api/auth/forms/change-password", "/account", &session, form).await;
    assert_eq!(wrong.location(), "http://studio.example/account");
    let page = app.page("/account", &format!("{session}; {}", wrong.cookies())).await;
    assert!(page.text.contains("The current password is wrong."), "{}", page.text);
    assert!(page.clears("studio_form_error"), "{}", page.cookies());
    let forged = "studio_form_error=eyJwYWdlIjoiL2FjY291bnQifQ";
    let page = app.page("/account", &format!("{session}; {forged}")).await;
    assert!(!page.text.contains("The current password is wrong."));
}

#[tokio::test]
async fn a_server_function_redirects_signed_out_users_to_sign_in() {
    let app = App::new().await;
    let path = <crate::providers::api::ListProviders as leptos::server_fn::ServerFn>::PATH;
    let referer = ("referer", "http://studio.example/providers?q=a");
    let script = app.post(path, &[referer, SAME_ORIGIN], Value::Null).await;
    assert_eq!(
        (script.status, script.location()),
        (StatusCode::UNAUTHORIZED, "/login?next=%2Fproviders%3Fq%3Da")
    );
    assert!(script.headers.contains_key("serverfnredirect"));
    let form = app.post(path, &[referer, SAME_ORIGIN, ("accept", "text/html")], Value::Null).await;
    assert_eq!((form.status, form.location()), (StatusCode::SEE_OTHER, "/login?next=%2Fproviders%3Fq%3Da"));
}

#[tokio::test]
async fn setting_the_theme_needs_no_session() {
    let app = App::new().await;
    let path = <ui::theme::SetTheme as leptos::server_fn::ServerFn>::PATH;
    let request = Request::post(path)
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::REFERER, "http://studio.example/login")
        .header(SAME_ORIGIN.0, SAME_ORIGIN.1)
        .body(HttpBody::from("theme=dark"))
        .unwrap();
    let response = router(app.0.clone()).oneshot(request).await.unwrap();
    assert!(response.headers().contains_key(header::SET_COOKIE), "{response:?}");
}

#[tokio::test]
async fn a_reset_request_discloses_no_account_and_is_rate_limited() {
    let app = App::new().await;
    app.register("anna@example.org").await;
    let ask = async |email: &str| app.post("/api/auth/forgot-password", &[], json!({ "email": email })).await;
    let (known, unknown) = (ask("Anna@example.org").await, ask("signed_out@example.org").await);
    assert_eq!((known.status, unknown.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(known.body, unknown.body);
    assert!(known.body["message"].as_str().unwrap().contains("set up on this server"), "{}", known.body);
    let none = ask("anna").await;
    assert_eq!((none.status, none.body["error"].is_string()), (StatusCode::BAD_REQUEST, true));
    for _ in 0..4 {
        ask("signed_out@example.org").await;
    }
    let often = ask("signed_out@example.org").await;
    assert_eq!((often.status, often.body["detail"].is_string()), (StatusCode::TOO_MANY_REQUESTS, true));
    assert!(often.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(ask("anna@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_link_of_an_admin_works_once() {
    let app = App::new().await;
    let admin = app.register("anna@example.org").await;
    let ben = app.register("ben@example.org").await;
    let make = async |user: &Value| {
        let path = format!("/api/admin/users/{}/password-link", user["id"].as_str().unwrap());
        app.post(&path, &[("authorization", &admin.token())], Value::Null).await
    };
    let own = make(&admin.body["user"]).await;
    assert_eq!((own.status, own.body["error"].is_string()), (StatusCode::BAD_REQUEST, true));
    let link = make(&ben.body["user"]).await;
    assert_eq!(link.status, StatusCode::OK);
    assert_eq!(link.body["path"], format!("/reset-password?token={}", link.body["token"].as_str().unwrap()));

    let set = async |password: &str| {
        let body = json!({ "token": link.body["token"], "password": password });
        app.post("/api/auth/reset-password", &[], body).await
    };
    let short = set("short").await;
    assert_eq!((short.status, short.body["error"].is_string()), (StatusCode::BAD_REQUEST, true));
    let done = set("another password").await;
    assert_eq!((done.status, done.body["message"].is_string()), (StatusCode::OK, true));
    assert_eq!(set("a third password").await.status, StatusCode::BAD_REQUEST);
    let me = app.get("/api/auth/me", &[("authorization", &ben.token())]).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED, "all sessions have ended");
    let login = json!({ "email": "ben@example.org", "password": "another password" });
    assert_eq!(app.post("/api/auth/login", &[], login).await.status, StatusCode::OK);
}
