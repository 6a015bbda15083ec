//! The fleets that this process belongs to: at most one for each registry.

use std::sync::{Arc, Weak};

use once_cell::sync::Lazy;
use tokio::sync::mpsc;

use super::error::FleetError;
use super::operator::FleetCommander;
use super::order::Order;
use super::status::{FleetStatus, StatusCell};
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

/// The fleets of this process, and the registries that they belong to.
static FLEETS: Lazy<Mutex<Vec<KnownFleet>>> = Lazy::new(Mutex::default);

struct KnownFleet {
    registry: usize,
    status: Weak<StatusCell>,
    orders: mpsc::WeakSender<Order>,
}

/// Returns what the process knows about the fleet of a registry; `None` if it belongs to none.
///
/// ```
/// use breaker_runtime::{Registry, fleet};
///
/// assert!(fleet::status(&Registry::new()).is_none());
/// ```
#[must_use]
pub fn status(registry: &Registry) -> Option<FleetStatus> {
    let known = lock(&FLEETS);
    let cell = known.iter().find_map(|fleet| fleet.status_in(registry));
    drop(known);
    cell.map(|cell| cell.read())
}

/// Returns a commander of the fleet of a registry; `None` if it belongs to none. It serves code that does not have the
/// [`Fleet`](super::Fleet), such as a page for operators.
///
/// ```
/// use breaker_runtime::{Registry, fleet};
///
/// assert!(fleet::commander(&Registry::new()).is_none());
/// ```
#[must_use]
pub fn commander(registry: &Registry) -> Option<FleetCommander> {
    let known = lock(&FLEETS);
    let orders = known.iter().find(|fleet| fleet.status_in(registry).is_some())?.orders.upgrade();
    drop(known);
    orders.map(FleetCommander::new)
}

/// Remembers that the registry belongs to a fleet.
pub(super) fn enlist(
    registry: &Registry,
    status: &Arc<StatusCell>,
    orders: &mpsc::Sender<Order>,
) -> Result<(), FleetError> {
    let mut known = lock(&FLEETS);
    known.retain(|fleet| fleet.current_status().is_some());
    if known.iter().any(|fleet| fleet.status_in(registry).is_some()) {
        return Err(FleetError::AlreadyConnected);
    }
    let (registry, status) = (address(registry), Arc::downgrade(status));
    known.push(KnownFleet { registry, status, orders: orders.downgrade() });
    Ok(())
}

impl KnownFleet {
    /// Returns the status; `None` once the membership has ended, although its handle may still exist.
    fn current_status(&self) -> Option<Arc<StatusCell>> {
        self.status.upgrade().filter(|status| !status.has_ended())
    }

    /// Returns the status if this is the fleet of a registry.
    fn status_in(&self, registry: &Registry) -> Option<Arc<StatusCell>> {
        self.current_status().filter(|_| self.registry == address(registry))
    }
}

/// Returns a number that differs between registries that exist at the same time.
fn address(registry: &Registry) -> usize {
    std::ptr::from_ref(registry.store()).addr()
}
