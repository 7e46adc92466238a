//! Adds the parts that all operations share to their descriptions, so that modules do not repeat them.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Returns the description with a unique id for each operation and with the errors that middleware can return.
pub fn complete(openapi: OpenApi) -> Value {
    let mut description = serde_json::to_value(openapi).unwrap_or_default();
    let paths = description.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                set_unique_id(operation);
                add_errors(operation);
            }
        }
    }
    description
}

/// Makes the operation id unique by prefixing the tag: handlers of different modules share names.
fn set_unique_id(operation: &mut Value) {
    let tag = operation["tags"][0].as_str().unwrap_or("server");
    let handler = operation["operationId"].as_str().unwrap_or_default();
    operation["operationId"] = format!("{tag}_{handler}").into();
}

/// Adds the errors that every operation of this kind can return, and the body of errors without one.
fn add_errors(operation: &mut Value) {
    for (status, meaning) in errors_of(operation) {
        let known = &mut operation["responses"][status];
        if known.is_null() {
            *known = json!({ "description": meaning });
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    let body = json!({ "$ref": "#/components/schemas/ErrorBody" });
    for (_, response) in responses.iter_mut().filter(|(status, _)| is_error(status)) {
        if response.get("content").is_none() && response.get("$ref").is_none() {
            response["content"] = json!({ "application/json": { "schema": body } });
        }
    }
}

fn errors_of(operation: &Value) -> Vec<(&'static str, &'static str)> {
    let takes_body = operation.get("requestBody").is_some();
    let takes_parameters = operation.get("parameters").is_some();
    let mut errors = Vec::new();
    if !is_public(operation) {
        errors.push(("401", "Not signed in"));
    }
    if takes_body {
        errors.push(("413", "The body is too long"));
    }
    if takes_body || takes_parameters {
        errors.push(("422", "A field is missing, malformed or out of bounds"));
    }
    errors.push(("500", "Something went wrong on the server; it has been logged"));
    errors
}

/// Returns whether no sign-in is needed: `security` is empty.
fn is_public(operation: &Value) -> bool {
    operation["security"] == json!([{}])
}

fn is_error(status: &str) -> bool {
    status.starts_with('4') || status.starts_with('5')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(operation: Value) -> Value {
        let description = json!({
            "openapi": "3.1.0", "info": { "title": "", "version": "" }, "paths": { "/a": { "post": operation } }
        });
        complete(serde_json::from_value(description).unwrap())["paths"]["/a"]["post"].take()
    }

    fn schema(operation: &Value, status: &str) -> Value {
        operation["responses"][status]["content"]["application/json"]["schema"]["$ref"].clone()
    }

    #[test]
    fn errors_are_described_as_they_are_written() {
        let operation = completed(json!({
            "tags": ["jobs"], "operationId": "cancel", "requestBody": { "content": {} },
            "responses": { "200": { "description": "" }, "404": { "description": "No such job" } },
        }));
        assert_eq!(operation["operationId"], "jobs_cancel");
        assert_eq!(operation["responses"]["404"]["description"], "No such job");
        for status in ["404", "401", "413", "422"] {
            assert_eq!(schema(&operation, status), "#/components/schemas/ErrorBody", "{status}");
        }
        assert_eq!(schema(&operation, "200"), Value::Null);
    }

    #[test]
    fn a_public_operation_has_no_401() {
        let operation = completed(json!({ "tags": ["server"], "security": [{}], "responses": {} }));
        assert_eq!(operation["responses"].get("401"), None);
        assert!(operation["responses"].get("500").is_some());
    }
}
