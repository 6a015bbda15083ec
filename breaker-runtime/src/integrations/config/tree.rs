//! A document as a tree of tables and values with their lines, whatever its format. It does not know which names are
//! accepted.

use super::mistake::Position;
use crate::config::SettingValue;

/// A named part of a table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The line of the value, from 1.
    pub(super) line: u32,
    pub(super) node: Node,
}

/// A table or a value.
#[derive(Debug)]
pub(super) enum Node {
    Table(Vec<Entry>),
    Value(SettingValue<'static>),
    /// A table that cannot be read because one of its keys is not a text.
    InvalidTable,
    /// Anything that no setting accepts, in words: `an array`.
    Other(&'static str),
}

/// An error of syntax.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) position: Position,
    pub(super) message: String,
}

/// The lines of a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// The offset after each line break.
    starts: Vec<usize>,
}

/// The depth to which a tree is read: `breakers`, a name, `keys`, a key, and its settings.
pub(super) const MAX_DEPTH: usize = 5;

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, starts: text.match_indices('\n').map(|(at, _)| at + 1).collect() }
    }

    /// Returns the line that contains the byte at `offset`, from 1.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let breaks = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(breaks).map_or(u32::MAX, |breaks| breaks.saturating_add(1))
    }

    /// Returns the line and the character at `offset`.
    pub(super) fn position(&self, offset: usize) -> Position {
        let breaks = self.starts.partition_point(|start| *start <= offset);
        let start = breaks.checked_sub(1).and_then(|last| self.starts.get(last)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).map_or(0, |text| text.chars().count());
        Position { line: self.line(offset), column: Some(u32::try_from(before + 1).unwrap_or(u32::MAX)) }
    }
}
