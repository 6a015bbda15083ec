//! Replaces `drills` without the feature `chaos`: there are no drills.

use super::drill_order::{DrillOrder, DrillRefusal};
use crate::registry::Registry;

pub(super) fn start(_: &Registry, _: DrillOrder) -> Result<(), DrillRefusal> {
    Err(DrillRefusal::Disabled)
}

pub(super) const fn stop(_: &Registry, _: &str, _: Option<&str>) -> Result<(), DrillRefusal> {
    Err(DrillRefusal::Disabled)
}
