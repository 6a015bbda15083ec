//! The reasons why a candidate is not promoted over HTTP, the same with and without the feature `shadow`.

/// The reason why a candidate was not promoted.
#[derive(Debug)]
#[allow(dead_code, reason = "without the feature `shadow`, there are no candidates")]
pub(super) enum PromotionRefusal {
    /// No candidate of this name runs beside the breaker.
    UnknownCandidate,
    /// The breaker keeps its settings, for example because those of the candidate contradict them.
    Refused(String),
}
