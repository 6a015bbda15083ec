//! Numbers in results, and texts of files and of the command line in errors.

/// Maximum number of characters of a text in an error.
const MAX_SHOWN: usize = 64;

/// Returns a number of things: `1 call`, `2 calls`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the text in quotes with escapes for an error. A long one is cut.
pub(crate) fn shown(text: &str) -> String {
    let start: String = text.chars().take(MAX_SHOWN).collect();
    let end = if start.len() < text.len() { ".." } else { "" };
    format!("{start:?}{end}")
}
