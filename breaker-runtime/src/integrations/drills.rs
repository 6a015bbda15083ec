//! Starts and stops drills over HTTP, and runs no listener. Without the feature `chaos`, `no_drills` replaces this module.

use super::drill_order::{DrillOrder, DrillRefusal};
use crate::chaos::{self, Drill, DrillError};
use crate::event::Announcement;
use crate::registry::Registry;

pub(super) fn start(registry: &Registry, order: DrillOrder) -> Result<Option<Announcement>, DrillRefusal> {
    let DrillOrder { circuit, key, by, values } = order;
    let values = values.iter().map(|value| (value.name, &value.text));
    let started = Drill::parse(values)?.start_unannounced(registry, &circuit, key.as_deref(), &by)?;
    Ok(Some(started))
}

pub(super) fn stop(
    registry: &Registry,
    circuit: &str,
    key: Option<&str>,
) -> Result<Option<Announcement>, DrillRefusal> {
    Ok(chaos::stop_unannounced(registry, circuit, key)?)
}

impl From<DrillError> for DrillRefusal {
    fn from(error: DrillError) -> Self {
        match error {
            DrillError::UnknownCircuit { .. } | DrillError::WithoutKeys { .. } => Self::UnknownCircuit,
            DrillError::Invalid(_) | DrillError::KeyTooLong { .. } | DrillError::NoCircuitForKey { .. } => {
                Self::Invalid(error.to_string())
            }
        }
    }
}
