//! Reads TOML. It finds all errors of syntax, not only the first one.

use toml::de::{DeInteger, DeTable, DeValue};

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
    Err(first_errors(errors, &lines))
}

/// Returns the first error of each line, which is usually the cause of the others. There can be as many errors as
/// characters, so only those that are returned are located.
fn first_errors(mut errors: Vec<toml::de::Error>, lines: &Lines<'_>) -> Vec<SyntaxError> {
    let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    errors.sort_by_key(offset);
    let mut line_before = None;
    let starts_line = |error: &&toml::de::Error| {
        let line = Some(lines.line(offset(error)));
        std::mem::replace(&mut line_before, line) != line
    };
    let located = |error: &toml::de::Error| SyntaxError {
        position: lines.position(offset(error)),
        message: error.message().to_owned(),
    };
    errors.iter().filter(starts_line).take(MAX_ERRORS).map(located).collect()
}

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
