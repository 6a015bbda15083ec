//! The data that all breakers of a registry share.

use std::sync::Arc;

use super::taps::RegistryTaps;
use crate::clock::Clock;
use crate::event::Hub;

/// The clock, the listeners and the taps that all breakers of a registry share.
#[derive(Clone, Debug, Default)]
pub struct RegistryContext {
    pub(super) clock: Clock,
    pub(super) hub: Arc<Hub>,
    pub(super) taps: Arc<RegistryTaps>,
}
