//! The limit `max_open`: how many circuits of one keyed breaker may reject calls at the same time.
//!
//! A circuit needs an *open slot* to reject calls. An open circuit takes one when it opens or, if none is free, later
//! for a call that it would reject, and keeps it until its state changes or until it is due, from which on it rejects
//! no call. A half-open circuit takes one for a call that it would reject because all its trial slots are in use, and
//! keeps it until a trial call ends, a lease ends, or its state changes. A circuit without a slot admits the calls that
//! it would reject: it *waives* the rejections.
//!
//! A slot belongs to a circuit while the set contains it. The copy of its end in [`OpenSlot`] lets a rejection skip
//! the lock. The lock is taken before that of a machine, never after it, and no user code runs under it.

use std::collections::BTreeSet;

use crate::clock::Moment;
use crate::sync::{AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering, lock};

/// The open slots of all circuits of one keyed breaker.
#[derive(Debug)]
pub(crate) struct OpenLimit {
    taken: Mutex<TakenSlots>,
    /// Changes when all circuits lose their slots.
    epoch: AtomicU64,
    /// While the time is before this moment, in nanoseconds, no slot is free. A hint that is read without the lock.
    full_until: AtomicU64,
}

#[derive(Debug)]
struct TakenSlots {
    share: f64,
    /// Number of circuits, including the overflow circuit.
    keys: u64,
    slots: BTreeSet<TakenSlot>,
}

/// The slot of one circuit, in the order in which slots end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TakenSlot {
    until: Moment,
    /// The address of the circuit, which gives up its slot before it is dropped.
    circuit: usize,
}

/// The open slot of one circuit, if it has one, and the rejections that it waived.
#[derive(Debug)]
pub(super) struct OpenSlot {
    /// The end of the slot in nanoseconds; 0 without a slot. Written under the lock of the limit.
    until: AtomicU64,
    /// The epoch in which the circuit took the slot.
    epoch: AtomicU64,
    /// 1 from the first rejection that the circuit must waive until it gets a slot or closes. Decides whether the
    /// next one is reported.
    is_waiving: AtomicU32,
    waived: AtomicU64,
}

/// The result of a request for an open slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotRequest {
    Granted,
    /// The circuit rejects no calls now, or was removed from its breaker.
    Unneeded,
    Refused(OpenCounts),
}

/// The number of circuits that reject calls, and of all circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenCounts {
    pub(crate) open: u64,
    pub(crate) keys: u64,
}

impl OpenLimit {
    pub(crate) fn new(share: f64) -> Self {
        let taken = TakenSlots { share, keys: 0, slots: BTreeSet::new() };
        Self { taken: Mutex::new(taken), epoch: AtomicU64::new(0), full_until: AtomicU64::new(0) }
    }

    /// Changes the share. If it differs, all circuits lose their slots, and each takes one again when its settings
    /// change, or for the next call that it would reject.
    pub(crate) fn set_share(&self, share: f64) {
        let mut taken = self.lock();
        if taken.share.to_bits() == share.to_bits() {
            return;
        }
        taken.share = share;
        self.take_all_back(&mut taken);
    }

    /// Adds a circuit, which may increase the number of slots.
    pub(crate) fn add_key(&self) {
        let mut taken = self.lock();
        taken.keys += 1;
        self.publish(&taken);
    }

    /// Removes a circuit with its slot, which `slot` returns under the lock. The circuit requests no other one then.
    /// If the others have too many slots, they lose them, and each takes one again for the next call that it would
    /// reject.
    pub(super) fn remove_key<'a>(&self, circuit: usize, slot: impl FnOnce() -> Option<&'a OpenSlot>) {
        let mut taken = self.lock();
        taken.keys = taken.keys.saturating_sub(1);
        if let Some(slot) = slot() {
            taken.remove(circuit, slot);
        }
        if taken.open() > taken.limit() {
            self.take_all_back(&mut taken);
        }
        self.publish(&taken);
    }

    /// Takes back the slot of a circuit, and takes another one for it, if one is free. `until` runs under the lock; it
    /// returns the end of the slot, or `None` if the circuit rejects no calls now.
    pub(super) fn request(
        &self,
        circuit: usize,
        slot: &OpenSlot,
        now: Moment,
        until: impl FnOnce() -> Option<Moment>,
    ) -> SlotRequest {
        let mut taken = self.lock();
        taken.remove(circuit, slot);
        taken.remove_ended(now);
        let request = match until() {
            None => SlotRequest::Unneeded,
            Some(_) if taken.open() >= taken.limit() => SlotRequest::Refused(taken.counts()),
            Some(until) => {
                taken.slots.insert(TakenSlot { until, circuit });
                // A rejection reads the end first, so it never combines this end with an older epoch.
                slot.epoch.store(self.epoch.load(Ordering::Relaxed), Ordering::Relaxed);
                slot.until.store(until.nanos(), Ordering::Release);
                SlotRequest::Granted
            }
        };
        self.publish(&taken);
        request
    }

    /// Takes back the slot of a circuit that needs none.
    pub(super) fn release(&self, circuit: usize, slot: &OpenSlot) {
        let mut taken = self.lock();
        taken.remove(circuit, slot);
        self.publish(&taken);
    }

    /// Returns `true` if no slot was free when the set last changed and none has ended since then.
    pub(super) fn is_full(&self, now: Moment) -> bool {
        now.nanos() < self.full_until.load(Ordering::Relaxed)
    }

    fn take_all_back(&self, taken: &mut TakenSlots) {
        taken.slots.clear();
        self.epoch.fetch_add(1, Ordering::Release);
        self.publish(taken);
    }

    fn publish(&self, taken: &TakenSlots) {
        let first = taken.slots.first().filter(|_| taken.open() >= taken.limit());
        self.full_until.store(first.map_or(0, |slot| slot.until.nanos()), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, TakenSlots> {
        lock(&self.taken)
    }
}

impl TakenSlots {
    /// Returns the number of slots: the share of the circuits, rounded down, but at least one.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are at most a million keys, and the share is above 0 and at most 1"
    )]
    fn limit(&self) -> u64 {
        // A product such as 0.29 * 100 may be slightly too small.
        const ROUNDING: f64 = 1e-9;
        ((self.share * self.keys as f64 + ROUNDING).floor() as u64).max(1)
    }

    fn open(&self) -> u64 {
        self.slots.len() as u64
    }

    fn counts(&self) -> OpenCounts {
        OpenCounts { open: self.open(), keys: self.keys }
    }

    /// Removes the slots that have ended.
    fn remove_ended(&mut self, now: Moment) {
        while self.slots.first().is_some_and(|first| first.until <= now) {
            self.slots.pop_first();
        }
    }

    /// Removes the slot of a circuit, if it has one.
    fn remove(&mut self, circuit: usize, slot: &OpenSlot) {
        let until = Moment::from_nanos(slot.until.load(Ordering::Relaxed));
        self.slots.remove(&TakenSlot { until, circuit });
        slot.until.store(0, Ordering::Relaxed);
    }
}

impl OpenSlot {
    pub(super) fn new() -> Self {
        Self {
            until: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            is_waiving: AtomicU32::new(0),
            waived: AtomicU64::new(0),
        }
    }

    /// Returns `true` if the circuit has a slot, and may reject calls.
    pub(super) fn is_held(&self, limit: &OpenLimit, now: Moment) -> bool {
        let until = self.until.load(Ordering::Acquire);
        let is_current = self.epoch.load(Ordering::Relaxed) == limit.epoch.load(Ordering::Acquire);
        now.nanos() < until && is_current
    }

    /// Returns `true` if the circuit could take no slot since it opened.
    pub(super) fn is_waiving(&self) -> bool {
        self.is_waiving.load(Ordering::Relaxed) != 0
    }

    /// Notes that the circuit has no slot. Returns `true` the first time since it had one or was closed.
    pub(super) fn begin_waiving(&self) -> bool {
        self.is_waiving.swap(1, Ordering::Relaxed) == 0
    }

    /// Notes that the circuit has a slot or needs none.
    pub(super) fn end_waiving(&self) {
        self.is_waiving.store(0, Ordering::Relaxed);
    }

    pub(super) fn count_waived(&self) {
        self.waived.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of rejections that the circuit waived.
    pub(super) fn waived(&self) -> u64 {
        self.waived.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_nanos(100);

    fn limit(share: f64, keys: u64) -> OpenLimit {
        let limit = OpenLimit::new(share);
        (0..keys).for_each(|_| limit.add_key());
        limit
    }

    fn is_granted(limit: &OpenLimit, circuit: usize, slot: &OpenSlot, until: u64) -> bool {
        limit.request(circuit, slot, NOW, || Some(Moment::from_nanos(until))) == SlotRequest::Granted
    }

    #[test]
    fn the_number_of_slots_is_the_share_rounded_down_and_at_least_one() {
        let slots = |share, keys| limit(share, keys).lock().limit();
        assert_eq!(
            [slots(0.5, 0), slots(0.5, 1), slots(0.5, 3), slots(0.5, 4), slots(1.0, 7)],
            [1, 1, 1, 2, 7]
        );
        assert_eq!([slots(0.29, 100), slots(0.1, 10), slots(0.7, 10), slots(0.001, 500)], [29, 1, 7, 1]);
    }

    #[test]
    fn a_slot_that_has_ended_is_free_and_its_circuit_no_longer_holds_it() {
        let limit = limit(0.5, 2);
        let slots = [OpenSlot::new(), OpenSlot::new()];
        assert!(is_granted(&limit, 0, &slots[0], 200));
        assert!(!is_granted(&limit, 1, &slots[1], 300));
        assert!(limit.is_full(NOW) && limit.is_full(Moment::from_nanos(199)));
        assert!(!limit.is_full(Moment::from_nanos(200)));
        let later = Moment::from_nanos(200);
        assert!(!slots[0].is_held(&limit, later) && !slots[1].is_held(&limit, later));
        let request = limit.request(1, &slots[1], later, || Some(Moment::from_nanos(300)));
        assert_eq!(request, SlotRequest::Granted);
        assert!(slots[1].is_held(&limit, later));
        assert_eq!(
            limit.request(0, &slots[0], later, || Some(Moment::NEVER)),
            SlotRequest::Refused(OpenCounts { open: 1, keys: 2 })
        );
    }

    #[test]
    fn a_circuit_has_one_slot_however_often_it_requests_one() {
        let limit = limit(0.5, 4);
        let slots = [OpenSlot::new(), OpenSlot::new(), OpenSlot::new()];
        assert!([200, 300, 250].into_iter().all(|until| is_granted(&limit, 0, &slots[0], until)));
        assert!(is_granted(&limit, 1, &slots[1], 200) && !is_granted(&limit, 2, &slots[2], 200));
        limit.release(0, &slots[0]);
        assert!(!slots[0].is_held(&limit, NOW) && is_granted(&limit, 2, &slots[2], 200));
    }

    #[test]
    fn fewer_circuits_and_another_share_take_all_slots_back() {
        let limit = limit(0.5, 4);
        let slots = [OpenSlot::new(), OpenSlot::new()];
        assert!(is_granted(&limit, 0, &slots[0], 200) && is_granted(&limit, 1, &slots[1], 200));
        limit.remove_key(2, || None);
        assert!(!slots[0].is_held(&limit, NOW) && !slots[1].is_held(&limit, NOW));
        assert!(is_granted(&limit, 0, &slots[0], 200) && !is_granted(&limit, 1, &slots[1], 200));
        limit.set_share(1.0);
        assert!(!slots[0].is_held(&limit, NOW));
        assert!(is_granted(&limit, 0, &slots[0], 200) && is_granted(&limit, 1, &slots[1], 200));
        limit.remove_key(0, || Some(&slots[0]));
        assert!(!slots[0].is_held(&limit, NOW) && slots[1].is_held(&limit, NOW));
        assert_eq!(limit.lock().open(), 1);
    }
}
