//! Starts and stops drills over HTTP. Without the feature `chaos`, `no_drills` replaces this module.

use super::drill_order::{DrillOrder, DrillRefusal};
use crate::chaos::{self, Drill, DrillError};
use crate::registry::Registry;

pub(super) fn start(registry: &Registry, order: DrillOrder) -> Result<(), DrillRefusal> {
    let DrillOrder { circuit, key, by, values } = order;
    let values = values.iter().map(|value| (value.name, &value.text));
    let drill = Drill::parse(values)?.operator(by);
    _ = match key {
        None => drill.start(registry, &circuit),
        Some(key) => drill.start_key(registry, &circuit, &key),
    }?;
    Ok(())
}

pub(super) fn stop(registry: &Registry, circuit: &str, key: Option<&str>) -> Result<(), DrillRefusal> {
    _ = chaos::stop(registry, circuit, key)?;
    Ok(())
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
