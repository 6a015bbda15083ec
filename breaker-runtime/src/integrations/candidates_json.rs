//! The candidates of a breaker for `integrations::axum`.

use ::serde::Serialize;

use super::promotion::Promotion;
use crate::registry::Registry;
use crate::shadow;

/// Returns the candidates that run beside a breaker.
pub(super) fn read(registry: &Registry, circuit: &str) -> impl Serialize + use<> {
    registry.candidates(circuit)
}

/// Promotes a candidate, and runs listeners.
pub(super) fn promote(registry: &Registry, circuit: &str, candidate: &str, operator: &str) -> Promotion {
    match shadow::promote(registry, circuit, candidate, operator) {
        None => Promotion::UnknownCandidate,
        Some(Ok(_)) => Promotion::Done,
        Some(Err(error)) => Promotion::Refused(error.to_string()),
    }
}
