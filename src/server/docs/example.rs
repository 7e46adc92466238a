//! Generates an example command for an operation, with values that match its schemas.

use serde_json::{Map, Value};

use super::fields::{Schemas, type_of};

/// Shell variable for the server's URL.
const SERVER: &str = "$STUDIO";

/// Returns a `curl` command that calls the operation, with the URL in `$STUDIO` and the token in `$TOKEN`.
pub fn curl(schemas: Schemas<'_>, method: &str, path: &str, operation: &Value, public: bool) -> String {
    let mut lines = vec![match method {
        "GET" => format!("curl \"{SERVER}{path}\""),
        _ => format!("curl -X {method} \"{SERVER}{path}\""),
    }];
    if !public {
        lines.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        lines.push("-H \"Content-Type: application/json\"".to_owned());
        lines.push(format!("-d '{}'", quoted(&value(schemas, schema, 0).to_string())));
    }
    lines.join(" \\\n  ")
}

/// Quotes text with single quotes for a shell.
fn quoted(text: &str) -> String {
    text.replace('\'', r"'\''")
}

/// Returns a value that matches the schema; of an object only the required fields.
fn value(schemas: Schemas<'_>, schema: &Value, depth: usize) -> Value {
    let resolved = schemas.resolve(schema);
    let given = [schema, resolved].into_iter().find_map(given);
    given.cloned().unwrap_or_else(|| match type_of(resolved) {
        "string" => "…".into(),
        "boolean" => false.into(),
        "integer" | "number" => resolved.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        "array" => match resolved.get("items") {
            Some(items) if depth < 4 => vec![value(schemas, items, depth + 1)].into(),
            _ => Value::Array(Vec::new()),
        },
        "object" if depth < 4 => object(schemas, resolved, depth).into(),
        _ => Value::Object(Map::new()),
    })
}

fn given(schema: &Value) -> Option<&Value> {
    let first = |name: &str| schema.get(name)?.as_array()?.first();
    schema
        .get("example")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("default"))
        .or_else(|| first("enum"))
        .filter(|value| !value.is_null())
}

fn object(schemas: Schemas<'_>, schema: &Value, depth: usize) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.map(|name| (name.to_owned(), value(schemas, &schema["properties"][name], depth + 1))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_has_token_and_body() {
        let operation = json!({ "requestBody": { "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["name", "runs", "tiers", "kind"],
            "properties": {
                "name": { "type": "string", "example": "it's mine" },
                "runs": { "type": "integer", "minimum": 3 },
                "tiers": { "type": "array", "items": { "type": "integer", "default": 0 } },
                "kind": { "type": "string", "enum": ["a", "b"] },
                "optional": { "type": "string" },
            },
        } } } } });
        let command = curl(Schemas(&Value::Null), "POST", "/api/things", &operation, false);
        let expected = r#"curl -X POST "$STUDIO/api/things" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{"name":"it'\''s mine","runs":3,"tiers":[0],"kind":"a"}'"#;
        assert_eq!(command, expected);
    }

    #[test]
    fn a_public_operation_needs_no_token() {
        let command = curl(Schemas(&Value::Null), "GET", "/healthz", &json!({}), true);
        assert_eq!(command, r#"curl "$STUDIO/healthz""#);
    }
}
