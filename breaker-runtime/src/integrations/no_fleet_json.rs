//! Replaces `fleet_json` without the feature `redis`: no registry belongs to a fleet.

use serde::Serialize;

use super::fleet_order::{FleetOrder, FleetRefusal};
use crate::registry::{Registry, RegistryEntry};
use crate::snapshot::Snapshot;

#[derive(Debug)]
pub(super) struct FleetReading;

#[derive(Clone, Debug, Serialize)]
pub(super) enum FleetSummary {}

#[derive(Clone, Debug, Serialize)]
pub(super) enum FleetCircuit {}

impl FleetReading {
    pub(super) const fn new(_: &Registry) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as with the feature `redis`")]
    pub(super) const fn summary(&self) -> Option<FleetSummary> {
        None
    }

    #[expect(clippy::unused_self, reason = "as with the feature `redis`")]
    pub(super) const fn complete(&self) -> Option<FleetSummary> {
        None
    }

    #[expect(clippy::unused_self, reason = "as with the feature `redis`")]
    pub(super) const fn circuit(&self, _: &RegistryEntry, _: &Snapshot) -> Option<FleetCircuit> {
        None
    }
}

#[expect(clippy::unused_async, reason = "as with the feature `redis`")]
pub(super) async fn run(_: &Registry, _: FleetOrder) -> Result<(), FleetRefusal> {
    Err(FleetRefusal::NoFleet)
}

impl FleetCircuit {
    pub(super) const fn has_same_figures(&self, _: &Self) -> bool {
        match *self {}
    }
}
