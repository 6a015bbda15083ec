//! The circuits that must be looked at again, in the order of their times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::fleet::protocol::SharedName;

/// The times at which circuits must be looked at again. Each circuit is listed at most once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Agenda {
    times: BTreeMap<SharedName, Duration>,
    order: BTreeSet<(Duration, SharedName)>,
}

impl Agenda {
    pub(super) const fn new() -> Self {
        Self { times: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Plans to look at a circuit at this time, instead of the time that was planned before.
    pub(super) fn plan(&mut self, name: &SharedName, at: Duration) {
        match self.times.get_mut(name) {
            Some(planned) if *planned == at => return,
            Some(planned) => {
                let entry = (std::mem::replace(planned, at), name.clone());
                self.order.remove(&entry);
            }
            None => _ = self.times.insert(name.clone(), at),
        }
        self.order.insert((at, name.clone()));
    }

    /// Removes a circuit that need not be looked at.
    pub(super) fn remove(&mut self, name: &SharedName) {
        if let Some((name, at)) = self.times.remove_entry(name) {
            self.order.remove(&(at, name));
        }
    }

    /// Returns the time of the next look.
    pub(super) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Returns the circuits whose time has come.
    pub(super) fn due(&self, now: Duration) -> impl Iterator<Item = &SharedName> {
        self.order.iter().take_while(move |(at, _)| *at <= now).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circuits_are_due_in_the_order_of_their_last_planned_times() {
        let [a, b, c] = ["a", "b", "c"].map(|name| SharedName::new(name, None));
        let second = Duration::from_secs;
        let mut agenda = Agenda::new();
        assert_eq!(agenda.next(), None);
        for (name, at) in [(&a, 3), (&b, 2), (&c, 1), (&a, 1), (&b, 5), (&b, 5)] {
            agenda.plan(name, second(at));
        }
        assert_eq!(agenda.next(), Some(second(1)));
        assert_eq!(agenda.due(second(4)).collect::<Vec<_>>(), [&a, &c]);
        agenda.remove(&a);
        agenda.remove(&a);
        assert_eq!(agenda.due(second(5)).collect::<Vec<_>>(), [&c, &b]);
    }
}
