//! Readable JSON: objects are indented, lists of plain values are on one line (a run has hundreds of chunk
//! offsets).

use std::io::{self, Write};

use endpoint::printable::printable_json;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::types::Report;

/// As many spaces of an indentation as are written at once.
const SPACES: &[u8; 32] = &[b' '; 32];

/// Formats a results file. Compiled here, with the optimisation of this crate: a load of short answers spends a
/// noticeable part of its CPU time on it.
///
/// # Errors
/// If the report cannot be serialised.
pub fn report(report: &Report) -> serde_json::Result<String> {
    pretty(report)
}

/// Formats `value` as indented JSON, ending with a line break. Characters that control a terminal are escaped.
///
/// # Errors
/// If `value` cannot be serialised.
pub fn pretty<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Layout::default()))?;
    bytes.push(b'\n');
    let text = String::from_utf8(bytes).map_err(|error| serde_json::Error::io(io::Error::other(error)))?;
    Ok(printable_json(text))
}

#[derive(Default)]
struct Layout {
    depth: usize,
    /// Per open object or list: its kind, and whether its content is on separate lines.
    open: Vec<Open>,
}

#[derive(Clone, Copy)]
struct Open {
    list: bool,
    spread: bool,
}

impl Layout {
    fn new_line<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(open) = self.open.last_mut() {
            open.spread = true;
        }
        self.indent(writer)
    }

    fn indent<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        let mut left = 2 * self.depth;
        while left > 0 {
            let part = left.min(SPACES.len());
            writer.write_all(&SPACES[..part])?;
            left -= part;
        }
        Ok(())
    }

    fn enter(&mut self, list: bool) {
        self.open.push(Open { list, spread: false });
        self.depth += 1;
    }

    fn leave<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        match self.open.pop() {
            Some(Open { spread: true, .. }) => self.indent(writer),
            _ => Ok(()),
        }
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter(true);
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.leave(writer)?;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.open.last().is_some_and(|open| open.list) {
            self.new_line(writer)?;
        }
        self.enter(false);
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.leave(writer)?;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.new_line(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn objects_are_indented_and_lists_of_numbers_are_not() {
        let value = json!({"runs": [{"deltas": [1, 2, 3]}, {"deltas": []}], "empty": {}});
        let expected = r#"{
  "runs": [
    {
      "deltas": [1,2,3]
    },
    {
      "deltas": []
    }
  ],
  "empty": {}
}
"#;
        assert_eq!(pretty(&value).unwrap(), expected);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((".{0,5}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn formatting_changes_no_value(value in any_json()) {
            let text = pretty(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
