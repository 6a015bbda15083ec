//! The result of promoting a candidate over HTTP, the same with and without the feature `shadow`.

/// The result of the promotion of a candidate.
#[derive(Debug)]
#[allow(dead_code, reason = "without the feature `shadow`, there are no candidates")]
pub(super) enum Promotion {
    Done,
    /// No candidate of this name runs beside the breaker.
    UnknownCandidate,
    /// Its settings contradict those that the breaker has now.
    Refused(String),
}
