//! Reads TOML. It finds all errors of syntax, not only the first one.

use toml::de::{DeInteger, DeTable, DeValue};

use super::mistake::Position;
use super::toml_depth::{MAX_LEVELS, too_deep};
use super::tree::{Entry, Lines, MAX_DEPTH, Node, SyntaxError};
use crate::config::SettingValue;

/// Maximum number of errors of syntax that are reported: one can be the cause of many others.
const MAX_ERRORS: usize = 20;

/// Returns the root table of a document.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Vec<SyntaxError>> {
    let lines = Lines::new(text);
    if let Some(offset) = too_deep(text) {
        let message = format!("the document has more than {MAX_LEVELS} levels of tables and arrays");
        return Err(vec![SyntaxError { position: lines.position(offset), message }]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(entries(root.get_ref(), &lines, MAX_DEPTH));
    }
    let mut errors: Vec<_> = errors
        .iter()
        .map(|error| SyntaxError {
            position: error.span().map_or(START, |span| lines.position(span.start)),
            message: error.message().to_owned(),
        })
        .collect();
    errors.sort_by_key(|error| error.position);
    // A second error in a line is usually a consequence of the first one.
    errors.dedup_by_key(|error| error.position.line);
    errors.truncate(MAX_ERRORS);
    Err(errors)
}

const START: Position = Position { line: 1, column: None };

fn entries(table: &DeTable<'_>, lines: &Lines<'_>, depth: usize) -> Vec<Entry> {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| Entry {
        line: lines.line(key.span().start),
        key: AsRef::<str>::as_ref(key.get_ref()).to_owned(),
        node: node(value.get_ref(), lines, depth - 1),
    };
    table.iter().map(entry).collect()
}

fn node(value: &DeValue<'_>, lines: &Lines<'_>, depth: usize) -> Node {
    match value {
        DeValue::String(text) => Node::Value(text.clone().into_owned().into()),
        DeValue::Integer(number) => integer(number)
            .map_or(Node::Other("an integer that is too large"), |number| {
                Node::Value(SettingValue::Integer(number))
            }),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Node::Other("a number"), |number| Node::Value(SettingValue::Float(number))),
        DeValue::Boolean(flag) => Node::Value(SettingValue::Bool(*flag)),
        DeValue::Datetime(_) => Node::Other("a date or time of day"),
        DeValue::Array(_) => Node::Other("an array"),
        DeValue::Table(_) if depth == 0 => Node::Other("a table"),
        DeValue::Table(table) => Node::Table(entries(table, lines, depth)),
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}
