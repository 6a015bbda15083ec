//! The candidates of a breaker for `integrations::axum`.

use ::serde::Serialize;

use super::promotion::PromotionRefusal;
use crate::registry::{Registry, UnannouncedReport};
use crate::shadow;

/// Returns the candidates that run beside a breaker.
pub(super) fn read(registry: &Registry, circuit: &str) -> impl Serialize + use<> {
    registry.candidates(circuit)
}

/// Promotes a candidate, and runs no listener.
pub(super) fn promote(
    registry: &Registry,
    circuit: &str,
    candidate: &str,
    operator: &str,
) -> Result<Option<UnannouncedReport>, PromotionRefusal> {
    match shadow::promote(registry, circuit, candidate, operator) {
        None => Err(PromotionRefusal::UnknownCandidate),
        Some(promoted) => promoted.map_err(|error| PromotionRefusal::Refused(error.to_string())),
    }
}
