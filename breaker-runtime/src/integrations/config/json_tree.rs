//! Reads JSON. A document is read once for each level of its tables, which keeps the place of each value.

use std::fmt;

use ::serde::de::{MapAccess, Visitor};
use ::serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::mistake::Position;
use super::tree::{Entry, Lines, MAX_DEPTH, Node, SyntaxError};

/// Returns the root table of a document.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Vec<SyntaxError>> {
    let error = |error: serde_json::Error| {
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let message = text.strip_suffix(&suffix).unwrap_or(&text).to_owned();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        let position = Position { line: number(error.line()), column: Some(number(error.column())) };
        vec![SyntaxError { position, message }]
    };
    let document = Document { text, lines: Lines::new(text) };
    document.entries(text, MAX_DEPTH).map_err(error)
}

struct Document<'a> {
    text: &'a str,
    lines: Lines<'a>,
}

/// The parts of an object, in order, with repeated ones.
struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    key: String,
    value: &'a RawValue,
}

impl<'a> Document<'a> {
    fn entries(&self, object: &'a str, depth: usize) -> Result<Vec<Entry>, serde_json::Error> {
        let Members(members) = serde_json::from_str(object)?;
        let entry = |Member { key, value }| Entry {
            key,
            line: self.line_of(value),
            node: self.node(value.get(), depth - 1),
        };
        Ok(members.into_iter().map(entry).collect())
    }

    fn node(&self, value: &'a str, depth: usize) -> Node {
        match value.bytes().next() {
            Some(b'{') if depth > 0 => self.entries(value, depth).map_or(Node::InvalidTable, Node::Table),
            Some(b'{') => Node::Other("a table"),
            Some(b'[') => Node::Other("an array"),
            Some(b'n') => Node::Other("null"),
            _ => serde_json::from_str(value)
                .map_or(Node::Other("a number or text that cannot be represented"), Node::Value),
        }
    }

    /// Returns the line of a value, which is a part of the text.
    fn line_of(&self, value: &RawValue) -> u32 {
        let offset = value.get().as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        self.lines.line(offset)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.push(Member { key, value });
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
