//! Generates arguments for tool calls: the smallest value that a JSON schema allows.

use std::cell::Cell;

use serde_json::{Map, Value, json};

/// Maximum nesting depth. Deeper values are `null`, because a schema may refer to itself.
const MAX_DEPTH: usize = 16;
/// Maximum number of values; further ones are `null`.
const MAX_VALUES: u32 = 10_000;

/// Returns a value that has every required property of `schema`, each of the right type. Constants,
/// enumerations and defaults are used; `$ref` is followed within the schema.
pub(super) fn for_schema(schema: &Value) -> Value {
    let value = Example { root: schema, values: Cell::new(0) }.of(schema, "value", 0);
    if value.is_object() { value } else { json!({}) }
}

struct Example<'a> {
    root: &'a Value,
    /// Number of values generated so far.
    values: Cell<u32>,
}

impl Example<'_> {
    fn of(&self, schema: &Value, name: &str, depth: usize) -> Value {
        self.values.set(self.values.get() + 1);
        if depth > MAX_DEPTH || self.values.get() > MAX_VALUES {
            return Value::Null;
        }
        if let Some(fixed) = fixed_value(schema) {
            return fixed;
        }
        if let Some(target) = self.referenced(schema) {
            return self.of(target, name, depth + 1);
        }
        if let Some(option) = first_option(schema) {
            return self.of(option, name, depth + 1);
        }
        match type_name(schema).as_str() {
            "string" => string(schema, name),
            "integer" => json!(lower_bound(schema).ceil() as i64),
            "number" => json!(lower_bound(schema)),
            "boolean" => json!(true),
            "array" => self.array(schema, name, depth),
            "null" => Value::Null,
            _ => self.object(schema, depth),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let entries =
            required.map(|name| (name.to_owned(), self.of(&schema["properties"][name], name, depth + 1)));
        Value::Object(entries.collect::<Map<_, _>>())
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let length = schema["minItems"].as_u64().or(schema["min_items"].as_u64()).unwrap_or(1).clamp(1, 16);
        (0..length).map(|_| self.of(&schema["items"], name, depth + 1)).collect()
    }

    fn referenced(&self, schema: &Value) -> Option<&Value> {
        self.root.pointer(schema["$ref"].as_str()?.strip_prefix('#')?)
    }
}

fn fixed_value(schema: &Value) -> Option<Value> {
    let first = schema["enum"].as_array().and_then(|values| values.first());
    schema.get("const").or(first).or(schema.get("default")).cloned()
}

fn first_option(schema: &Value) -> Option<&Value> {
    ["anyOf", "oneOf", "allOf", "any_of"].iter().find_map(|key| schema[key].as_array()?.first())
}

/// Returns the type in lower case (Gemini writes capitals), of a list the first. Without a type, a schema with
/// properties describes an object and any other a string.
fn type_name(schema: &Value) -> String {
    let first = schema["type"].as_array().and_then(|types| types.first());
    match first.unwrap_or(&schema["type"]).as_str() {
        Some(name) => name.to_ascii_lowercase(),
        None if schema.get("properties").is_some() => "object".to_owned(),
        None => "string".to_owned(),
    }
}

fn lower_bound(schema: &Value) -> f64 {
    let above = schema["exclusiveMinimum"].as_f64().map(|bound| bound + 1.0);
    let least = schema["minimum"].as_f64().or(above);
    let most = schema["maximum"].as_f64().unwrap_or(f64::INFINITY);
    least.unwrap_or_else(|| most.min(1.0))
}

fn string(schema: &Value, name: &str) -> Value {
    let length = schema["minLength"].as_u64().unwrap_or(0).min(1_024) as usize;
    match schema["format"].as_str() {
        Some("date") => json!("2025-01-31"),
        Some("date-time") => json!("2025-01-31T12:00:00Z"),
        Some("email") => json!("someone@example.org"),
        Some("uri") => json!("https://example.org/"),
        _ => json!(format!("{:x<length$}", format!("simulated {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Generates schemas as tools use them: objects of objects, arrays and plain values.
    fn any_schema() -> impl Strategy<Value = Value> {
        let leaf = prop::sample::select(vec![
            json!({"type": "string"}),
            json!({"type": "STRING", "minLength": 30}),
            json!({"type": "integer", "minimum": 5}),
            json!({"type": "number", "maximum": -2}),
            json!({"type": ["boolean", "null"]}),
            json!({"enum": ["metric", "imperial"]}),
        ]);
        leaf.prop_recursive(4, 32, 4, |inner| {
            let array =
                inner.clone().prop_map(|items| json!({"type": "array", "items": items, "minItems": 2}));
            let object = prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(object_schema);
            prop_oneof![array, object]
        })
    }

    fn object_schema(properties: std::collections::BTreeMap<String, Value>) -> Value {
        let required: Vec<_> = properties.keys().cloned().collect();
        json!({"type": "object", "properties": properties, "required": required})
    }

    fn satisfies(value: &Value, schema: &Value) -> bool {
        if let Some(values) = schema["enum"].as_array() {
            return values.contains(value);
        }
        match type_name(schema).as_str() {
            "string" => {
                value.as_str().is_some_and(|s| s.len() as u64 >= schema["minLength"].as_u64().unwrap_or(0))
            }
            "integer" => {
                value.as_i64().is_some_and(|n| n as f64 >= schema["minimum"].as_f64().unwrap_or(f64::MIN))
            }
            "number" => value.as_f64().is_some_and(|n| n <= schema["maximum"].as_f64().unwrap_or(f64::MAX)),
            "boolean" => value.is_boolean(),
            "array" => value.as_array().is_some_and(|items| {
                items.len() as u64 >= schema["minItems"].as_u64().unwrap_or(0)
                    && items.iter().all(|item| satisfies(item, &schema["items"]))
            }),
            _ => schema["required"].as_array().unwrap().iter().all(|name| {
                let name = name.as_str().unwrap();
                value.get(name).is_some_and(|value| satisfies(value, &schema["properties"][name]))
            }),
        }
    }

    proptest! {
        #[test]
        fn has_every_required_property_of_the_right_type(
            properties in prop::collection::btree_map("[a-z]{1,6}", any_schema(), 0..4),
        ) {
            let schema = object_schema(properties);
            let value = for_schema(&schema);
            prop_assert!(satisfies(&value, &schema), "{value} for {schema}");
        }
    }

    #[test]
    fn follows_references_and_ends_recursive_schemas() {
        let schema = json!({
            "type": "object", "required": ["city", "tree"],
            "properties": {"city": {"$ref": "#/$defs/city"}, "tree": {"$ref": "#/$defs/tree"}},
            "$defs": {
                "city": {"type": "string", "default": "Oslo"},
                "tree": {"type": "object", "required": ["child"], "properties": {"child": {"$ref": "#/$defs/tree"}}},
            },
        });
        let value = for_schema(&schema);
        assert_eq!(value["city"], "Oslo");
        assert!(value["tree"]["child"].is_object());
    }

    #[test]
    fn an_exponentially_growing_schema_is_truncated() {
        let child = json!({"type": "array", "minItems": 16, "items": {"$ref": "#"}});
        let schema =
            json!({"type": "object", "required": ["a", "b"], "properties": {"a": child, "b": child}});
        let values = for_schema(&schema).to_string().matches([',', '[', '{']).count();
        assert!(values <= 2 * MAX_VALUES as usize, "{values}");
    }

    #[test]
    fn a_tool_without_parameters_gets_an_empty_object() {
        assert_eq!(for_schema(&json!({})), json!({}));
        assert_eq!(for_schema(&Value::Null), json!({}));
    }
}
