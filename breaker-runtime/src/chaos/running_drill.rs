//! A drill that was started.

use std::fmt;
use std::sync::Arc;

use super::target::Target;
use crate::breaker::Gate;
use crate::drill::{ActiveDrill, DrillEnd};
use crate::event::Announcement;

/// A drill that was started. Dropping it does not end the drill.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::chaos::Drill;
/// use breaker_runtime::{Config, Fault, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let running = Drill::new(Fault::fail(0.3), Duration::from_secs(60)).start(&registry, "search")?;
/// assert!(running.status().is_some_and(|drill| drill.remaining > Duration::from_secs(50)));
/// running.stop();
/// assert_eq!(running.status(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RunningDrill {
    pub(super) target: Target,
    pub(super) gate: Arc<Gate>,
}

/// A drill that has taken effect, and of which listeners have not been notified.
pub(super) struct UnannouncedDrill {
    pub(super) drill: RunningDrill,
    pub(super) announcement: Announcement,
}

impl RunningDrill {
    /// Returns what is known about the drill; `None` if it has ended.
    #[must_use]
    pub fn status(&self) -> Option<ActiveDrill> {
        self.gate.status(self.target.clock())
    }

    /// Ends the drill. It has no effect if the drill has ended already. A delay that has begun goes on.
    pub fn stop(&self) {
        let was_running = self.status().is_some();
        self.target.remove_gate(&self.gate);
        let end = if was_running { DrillEnd::Stopped } else { DrillEnd::Elapsed };
        drop(self.target.announcement(self.target.end(vec![Arc::clone(&self.gate)], end)));
    }
}

impl UnannouncedDrill {
    /// Notifies the listeners.
    pub(super) fn announce(self) -> RunningDrill {
        drop(self.announcement);
        self.drill
    }
}

impl fmt::Debug for RunningDrill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RunningDrill").field("status", &self.status()).finish_non_exhaustive()
    }
}
