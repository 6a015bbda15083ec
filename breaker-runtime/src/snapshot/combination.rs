//! The snapshot of a breaker with keys. Metrics, JSON and [`KeyedBreaker::snapshot`] all read it here, so their
//! figures agree.
//!
//! [`KeyedBreaker::snapshot`]: crate::KeyedBreaker::snapshot

use super::{CumulativeParts, KeyCounts, QueueCounts, Snapshot};
use crate::drill::ActiveDrill;
use crate::window::WindowCounts;

/// The sum over the circuits of one name, which are added one by one.
#[derive(Debug)]
pub(crate) struct Combination {
    sums: CumulativeParts,
    window: Option<WindowCounts>,
    calls_in_flight: Option<u32>,
    trials_in_flight: usize,
    drill: Option<ActiveDrill>,
    keys: KeyCounts,
    /// The worst circuits, worst first.
    pub(crate) worst: Vec<Snapshot>,
    max_worst: usize,
}

impl Combination {
    /// Creates an empty sum that keeps at most `max_worst` circuits, at least one.
    pub(crate) fn new(max_worst: usize) -> Self {
        Self {
            sums: CumulativeParts::default(),
            window: None,
            calls_in_flight: None,
            trials_in_flight: 0,
            drill: None,
            keys: KeyCounts::default(),
            worst: Vec::new(),
            max_worst: max_worst.max(1),
        }
    }

    /// Adds the circuit of a key, or the overflow circuit.
    pub(crate) fn add(&mut self, circuit: Snapshot) {
        self.sums.add(&circuit);
        if let Some(window) = circuit.window {
            *self.window.get_or_insert_default() += window;
        }
        if let Some(calls) = circuit.calls_in_flight {
            self.calls_in_flight = Some(self.calls_in_flight.unwrap_or(0).saturating_add(calls));
        }
        self.trials_in_flight += circuit.trials_in_flight;
        self.drill = self.drill.take().or_else(|| circuit.drill.clone());
        if circuit.key.is_some() {
            self.keys.add(circuit.state);
        }
        let index = self.worst.partition_point(|other| other.badness() >= circuit.badness());
        if index < self.max_worst {
            self.worst.truncate(self.max_worst - 1);
            self.worst.insert(index, circuit);
        }
    }

    /// Returns one snapshot for all circuits. Counts add up, and the state and its times are those of the worst
    /// circuit.
    ///
    /// `unused` is a circuit of this name that has never been called. It provides the state if there is no
    /// other circuit. `removed` holds the counts of circuits that no longer exist.
    pub(crate) fn finish(&mut self, unused: &Snapshot, removed: &CumulativeParts) -> Snapshot {
        self.sums.merge(removed);
        self.sums.add(unused);
        let CumulativeParts {
            totals,
            shadow_rejections,
            waived_rejections,
            durations,
            changes,
            time_open,
            excess_open,
            queue,
        } = self.sums.clone();
        Snapshot {
            key: None,
            waives: false,
            window: self.window.or(unused.window),
            calls_in_flight: self.calls_in_flight.or(unused.calls_in_flight),
            trials_in_flight: self.trials_in_flight,
            totals,
            shadow_rejections,
            waived_rejections,
            durations,
            changes,
            time_open: time_open.saturating_sub(excess_open),
            keys: Some(self.keys),
            queue,
            drill: self.drill.clone(),
            critical: unused.critical,
            settings: unused.settings.clone(),
            ..self.worst.first().unwrap_or(unused).clone()
        }
    }
}

impl CumulativeParts {
    /// Adds the counts of a circuit.
    pub(crate) fn add(&mut self, circuit: &Snapshot) {
        self.totals.add(circuit.totals);
        self.shadow_rejections += circuit.shadow_rejections;
        self.waived_rejections += circuit.waived_rejections;
        self.changes.add(circuit.changes);
        self.time_open = self.time_open.saturating_add(circuit.time_open);
        if let Some(durations) = &circuit.durations {
            self.durations.get_or_insert_default().add(durations);
        }
        self.add_queue(circuit.queue);
    }

    /// Adds the counts of several circuits.
    fn merge(&mut self, other: &Self) {
        self.totals.add(other.totals);
        self.shadow_rejections += other.shadow_rejections;
        self.waived_rejections += other.waived_rejections;
        self.changes.add(other.changes);
        self.time_open = self.time_open.saturating_add(other.time_open);
        self.add_excess_open(other.excess_open);
        if let Some(durations) = &other.durations {
            self.durations.get_or_insert_default().add(durations);
        }
        self.add_queue(other.queue);
    }

    fn add_queue(&mut self, queue: Option<QueueCounts>) {
        if let Some(queue) = queue {
            self.queue.get_or_insert_default().add(queue);
        }
    }
}
