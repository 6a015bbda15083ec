//! All breakers at a glance: one snapshot for each name, for monitoring.

use super::{Claim, Declaration, Kind, Registry};
use crate::breaker::{CircuitBreaker, Identity};
use crate::snapshot::Snapshot;

impl Registry {
    /// What all breakers look like, sorted by name; of one that has a circuit for each key, what they look like
    /// [together](crate::KeyedBreaker::snapshot). Functions that were [declared](Self::declared) and never called are
    /// among them: what is there from the start is not missed when it begins.
    #[must_use]
    pub fn snapshots_by_name(&self) -> Vec<Snapshot> {
        let mut summaries: Vec<Snapshot> = self
            .kinds()
            .into_iter()
            .map(|kind| match kind {
                Kind::Single(breaker) => breaker.snapshot(),
                Kind::Keyed(breaker) => breaker.snapshot(),
            })
            .collect();
        summaries.extend(self.declared_here().map(|declared| self.uncalled(declared).snapshot()));
        // A stable sort: of one name the breaker comes first, and then the functions that will share it.
        summaries.sort_by(|one, other| one.name().cmp(other.name()));
        summaries.dedup_by(|one, other| one.name() == other.name());
        summaries
    }

    /// The functions that register here, called or not.
    pub(crate) fn declared_here(&self) -> impl Iterator<Item = &'static Declaration> + use<> {
        let declared = self.is_of_functions().then(Self::declared);
        declared.into_iter().flatten().filter(|declared| !declared.has_own_registry())
    }

    /// What the circuit of this function will be when it is called.
    pub(crate) fn uncalled(&self, declared: &'static Declaration) -> CircuitBreaker {
        let Claim { name, settings, .. } = declared.claim();
        CircuitBreaker::new_unchecked(Identity::Alone { name, hub: None }, settings, self.clock().clone())
    }
}
