//! The results of loading the configuration of a registry. It does not know where a configuration comes from.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{Mutex, lock};

/// The results of loading the configuration of a registry.
///
/// ```
/// use breaker_runtime::Registry;
///
/// assert_eq!(Registry::new().config_status(), None); // nothing has loaded a configuration
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigStatus {
    /// Number of times that a configuration was loaded and applied.
    pub applied: u64,
    /// Number of times that a configuration was refused. A refused one changes nothing.
    pub refused: u64,
    /// Time since a configuration was applied for the last time.
    pub last_applied: Option<Duration>,
    /// The reason why the configuration that was loaded last was refused: one line for each of the first 20 mistakes,
    /// and how many follow, at most 8 KiB. `None` if it was applied.
    pub last_error: Option<Arc<str>>,
}

/// The results of all loads.
#[derive(Default)]
pub(super) struct ConfigLoads(Mutex<Loads>);

#[derive(Default)]
struct Loads {
    applied: u64,
    refused: u64,
    applied_at: Option<Moment>,
    last_error: Option<Arc<str>>,
}

impl ConfigLoads {
    /// Records that a configuration was applied, or why it was refused.
    #[allow(dead_code, reason = "only the feature `config` loads configurations")]
    pub(super) fn record(&self, now: Moment, result: Result<(), Arc<str>>) {
        let mut loads = lock(&self.0);
        match result {
            Ok(()) => {
                loads.applied += 1;
                loads.applied_at = Some(now);
                loads.last_error = None;
            }
            Err(error) => {
                loads.refused += 1;
                loads.last_error = Some(error);
            }
        }
    }

    /// Returns the results, or `None` if there are none.
    pub(super) fn status(&self, now: Moment) -> Option<ConfigStatus> {
        let loads = lock(&self.0);
        let Loads { applied, refused, applied_at, last_error } = &*loads;
        (*applied + *refused > 0).then(|| ConfigStatus {
            applied: *applied,
            refused: *refused,
            last_applied: applied_at.map(|at| now.since(at)),
            last_error: last_error.clone(),
        })
    }
}
