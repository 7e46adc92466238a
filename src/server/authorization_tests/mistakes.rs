//! A user's mistake is answered with 4xx and leaves no error in the log, which is for faults of the server.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use url::form_urlencoded::{Serializer, parse};

use super::examples::{examples, server_function_examples};
use super::fixture::{Caller, Fixture, on_each_database};
use super::without_hash;

/// Values that no field takes, or that only few take.
const MISTAKES: [&str; 12] = [
    "",
    " ",
    "no-such-thing",
    "-1",
    "0",
    "1.5",
    "1e308",
    "NaN",
    "18446744073709551616",
    "a\0b",
    "<b>\u{202e}&\"'",
    "\u{1f993}\u{1f993}\u{1f993}/../..?#%00",
];

/// The errors that were logged.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            let mut text = String::new();
            event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                write!(text, "{field}={value:?} ").unwrap();
            });
            self.0.lock().unwrap().push(text);
        }
    }
}

/// Returns the arguments with one mistake each.
fn with_mistakes(arguments: &str) -> Vec<String> {
    if arguments.starts_with('{') {
        let body = serde_json::from_str(arguments).unwrap();
        return json_with_mistakes(&body)
            .iter()
            .map(Value::to_string)
            .chain([String::new(), "{".into()])
            .collect();
    }
    let fields: Vec<(String, String)> = parse(arguments.as_bytes()).into_owned().collect();
    let form = |fields: &[(String, String)]| Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut all = vec![String::new(), "%ff=%fe&[=]&a[0][b".into()];
    for index in 0..fields.len() {
        let mut without = fields.clone();
        without.remove(index);
        all.push(form(&without));
        for mistake in MISTAKES {
            let mut wrong = fields.clone();
            wrong[index].1 = mistake.into();
            all.push(form(&wrong));
        }
    }
    all
}

/// Returns the body with one mistake each: in one field at each depth.
fn json_with_mistakes(body: &Value) -> Vec<Value> {
    let wrong =
        MISTAKES.map(Value::from).into_iter().chain([json!(null), json!(-1), json!(1e308), json!([[]])]);
    let mut all: Vec<Value> = wrong.collect();
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                let mut rest = fields.clone();
                rest.remove(name);
                all.push(Value::Object(rest));
                all.extend(json_with_mistakes(value).into_iter().map(|wrong| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), wrong);
                    Value::Object(fields)
                }));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                all.extend(json_with_mistakes(item).into_iter().map(|wrong| {
                    let mut items = items.clone();
                    items[index] = wrong;
                    Value::Array(items)
                }));
            }
        }
        _ => {}
    }
    all
}

/// Returns what is wrong if the answer is a fault of the server, or one was logged.
fn fault(errors: &Errors, what: &str, (status, answer): &(StatusCode, String)) -> Option<String> {
    // An endpoint that does not answer is a 502.
    let is_fault = status.is_server_error() && *status != StatusCode::BAD_GATEWAY;
    let logged = std::mem::take(&mut *errors.0.lock().unwrap());
    (is_fault || !logged.is_empty()).then(|| format!("{what}: {status} {answer}; logged {logged:?}"))
}

/// Fails if there are faults, and shows some.
fn assert_none(faults: &[String]) {
    let some = faults.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} faults:\n{some}", faults.len());
}

/// Returns whether the function works on endpoints: each call takes time and no argument.
fn calls_all_endpoints(name: &str) -> bool {
    matches!(name, "/api/refresh_models" | "/api/check_health")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_server_function_is_no_fault_of_the_server() {
    on_each_database(async |fixture| {
        let errors = Errors::default();
        let examples = server_function_examples(&fixture.annas);
        let (mut calls, mut faults) = (0, Vec::new());
        for (path, method) in leptos::server_fn::axum::server_fn_paths() {
            let name = without_hash(path);
            let arguments =
                examples.iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form.as_str());
            for arguments in with_mistakes(arguments) {
                for caller in [&fixture.ben, &fixture.anna, &fixture.admin, &Caller::Nobody] {
                    if calls_all_endpoints(&name) && !matches!(caller, Caller::Nobody) {
                        continue;
                    }
                    let call = fixture.call(caller, method.as_str(), path, &arguments);
                    let subscriber = tracing_subscriber::registry().with(errors.clone());
                    let answer = call.with_subscriber(subscriber).await;
                    faults.extend(fault(&errors, &format!("{name} {arguments:?}"), &answer));
                    calls += 1;
                }
            }
        }
        assert!(calls > 1_000, "{calls}");
        assert_none(&faults);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_request_is_no_fault_of_the_server() {
    on_each_database(async |fixture| {
        let (errors, mut faults) = (Errors::default(), Vec::new());
        for example in examples(&fixture.annas) {
            let Some(body) = &example.body else { continue };
            for wrong in json_with_mistakes(body) {
                let mut example = example.clone();
                example.body = Some(wrong.clone());
                for caller in [&fixture.ben, &fixture.admin] {
                    let call = fixture.send_example(caller, &example);
                    let subscriber = tracing_subscriber::registry().with(errors.clone());
                    let answer = call.with_subscriber(subscriber).await;
                    faults.extend(fault(&errors, &format!("{} {wrong}", example.route()), &answer));
                }
            }
        }
        assert_none(&faults);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_server_is_seen_by_these_tests() {
    let fixture = Fixture::sqlite().await;
    let errors = Errors::default();
    let caller = fixture.session_of_admin().await;
    fixture.database.close().await;
    let call = fixture.call(&caller, "POST", list_users(), "");
    let (status, _) = call.with_subscriber(tracing_subscriber::registry().with(errors.clone())).await;
    assert!(status.is_server_error(), "{status}");
    assert!(!errors.0.lock().unwrap().is_empty());
}

fn list_users() -> &'static str {
    leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path)
        .find(|path| without_hash(path) == "/api/list_users")
        .unwrap()
}
