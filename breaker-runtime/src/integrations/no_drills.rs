//! Replaces `drills` without the feature `chaos`: there are no drills.

use super::drill_order::{DrillOrder, DrillRefusal};
use crate::event::Announcement;
use crate::registry::Registry;

pub(super) fn start(_: &Registry, _: DrillOrder) -> Result<Option<Announcement>, DrillRefusal> {
    Err(DrillRefusal::Disabled)
}

pub(super) const fn stop(
    _: &Registry,
    _: &str,
    _: Option<&str>,
) -> Result<Option<Announcement>, DrillRefusal> {
    Err(DrillRefusal::Disabled)
}
