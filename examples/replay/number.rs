//! Numbers in traces and on the command line.

use std::str::FromStr;

/// Parses a number. A plus sign before it is refused: it belongs to no status, time or duration.
pub(crate) fn parse_number<N: FromStr>(text: &str) -> Option<N> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}
