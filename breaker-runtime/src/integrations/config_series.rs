//! The metrics of the configuration of a registry, independent of how they are exported. A registry whose configuration
//! nothing has loaded has none of them.

use super::series::{MetricPoint, Series, counter};
use crate::registry::{ConfigStatus, Registry};

pub(super) const SERIES: &[Series<ConfigStatus>] =
    &[counter("circuit_breaker_config_reloads", "Configurations that were loaded by outcome", |status| {
        [("applied", status.applied), ("refused", status.refused)]
            .map(|(outcome, count)| MetricPoint::labeled("outcome", outcome, count))
            .into()
    })];

/// Returns what the series are read from; `None` if nothing has loaded a configuration.
pub(super) fn read(registry: &Registry) -> Option<ConfigStatus> {
    registry.config_status()
}
