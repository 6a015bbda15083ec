//! The sources of taps of one registry, for the circuits that exist and for those that are created later.
//!
//! A source is added to the list before it is attached to the circuits that exist, and a new circuit looks at the list
//! once it can be found. So at least one of both attaches the tap, and attaching twice has no effect. The circuit of a
//! key looks at the list before it can be found too, so the sources that are in the list see all its calls.

use std::fmt;
use std::sync::Arc;

use crate::breaker::{Circuit, TapSource};
use crate::sync::{AtomicU32, Mutex, Ordering, fence, lock};

/// The sources of taps of one registry.
#[derive(Default)]
pub(crate) struct RegistryTaps {
    /// The number of sources. It is read for each new circuit.
    count: AtomicU32,
    sources: Mutex<Vec<Arc<dyn TapSource>>>,
}

impl RegistryTaps {
    /// Attaches the taps of all sources to a circuit. It must be called once the circuit can be found by others.
    #[inline]
    pub(super) fn attach_to(&self, circuit: &Arc<Circuit>) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::Relaxed) > 0 {
            self.attach_all(circuit);
        }
    }

    #[cold]
    fn attach_all(&self, circuit: &Arc<Circuit>) {
        let sources = lock(&self.sources).clone();
        for source in &sources {
            circuit.attach_tap(source);
            // The source may have been removed before its tap was attached.
            if !lock(&self.sources).iter().any(|other| Arc::ptr_eq(other, source)) {
                circuit.detach_tap(source);
            }
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<Arc<dyn TapSource>>)) {
        let mut sources = lock(&self.sources);
        change(&mut sources);
        self.count.store(u32::try_from(sources.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        drop(sources);
        fence(Ordering::SeqCst);
    }
}

impl fmt::Debug for RegistryTaps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RegistryTaps").finish_non_exhaustive()
    }
}
