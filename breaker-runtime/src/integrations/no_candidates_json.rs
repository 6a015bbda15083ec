//! Replaces `candidates_json` without the feature `shadow`: no breaker has candidates.

use ::serde::Serialize;

use super::promotion::PromotionRefusal;
use crate::registry::{Registry, UnannouncedReport};

pub(super) const fn read(_: &Registry, _: &str) -> impl Serialize + use<> {
    [(); 0]
}

pub(super) const fn promote(
    _: &Registry,
    _: &str,
    _: &str,
    _: &str,
) -> Result<Option<UnannouncedReport>, PromotionRefusal> {
    Err(PromotionRefusal::UnknownCandidate)
}
