//! Warnings on stderr, for faults of a program that nothing else reports.

use std::fmt::Display;
use std::io::Write as _;

/// Writes one line to stderr. Unlike `eprintln!`, this does not panic if stderr is closed.
#[cold]
pub(crate) fn warn(message: impl Display) {
    _ = writeln!(std::io::stderr(), "warning: {message}");
}
