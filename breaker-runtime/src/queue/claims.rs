//! The items that are being delivered or evicted, so that none is both.
//!
//! A drain reads the oldest item that is not being evicted and then claims it, and an eviction does the same with the
//! oldest item that is not claimed. Either claim fails if an item was removed in between, because it may have been that
//! one. So an item is in the store when it is claimed, and only the owner of the claim removes it. The claim of an item
//! that was delivered remains until the item is removed, so the item is not delivered again if the removal fails or the
//! drain is dropped.
//!
//! No claim lapses. One whose future was forgotten cannot be told apart from one whose store is slow, and an item that
//! is claimed twice could be delivered twice.

use crate::sync::{Mutex, lock};

#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<ClaimState>);

#[derive(Debug, Default)]
struct ClaimState {
    current: Option<Claim>,
    evicting: Vec<u64>,
    /// Number of claims after which an item was removed, or may have been.
    removals: u64,
}

/// The item that a drain has claimed.
#[derive(Clone, Copy, Debug)]
struct Claim {
    id: u64,
    /// Set once the item has been delivered or discarded.
    end: Option<End>,
}

/// The end of a delivery that is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    Discarded,
}

/// An item that must be removed from the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removal {
    pub(super) id: u64,
    pub(super) end: End,
}

/// The number of removals at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// The evictions that are running at a moment, and the removals until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Evictions {
    pub(super) running: usize,
    epoch: Epoch,
}

/// An item that is being delivered. Dropping it before the delivery has ended releases the claim.
pub(super) struct ClaimedItem<'a> {
    claims: &'a Claims,
    id: u64,
}

/// The attempt to claim an item for its eviction.
pub(super) enum Eviction<'a> {
    Claimed(EvictedItem<'a>),
    /// The item is being delivered or evicted.
    InUse,
    /// The item may have been removed since it was read.
    Outdated,
}

/// An item that is being evicted.
pub(super) struct EvictedItem<'a> {
    claims: &'a Claims,
    id: u64,
}

impl Claims {
    /// Returns the moment to pass to [`claim`](Self::claim) or [`evict`](Self::evict). It is read before the store.
    pub(super) fn epoch(&self) -> Epoch {
        lock(&self.0).epoch()
    }

    /// Claims an item that was read from the store since `epoch`. Returns `None` if it may have been evicted since.
    pub(super) fn claim(&self, id: u64, epoch: Epoch) -> Option<ClaimedItem<'_>> {
        let mut state = lock(&self.0);
        if state.epoch() != epoch || state.evicting.contains(&id) {
            return None;
        }
        state.current = Some(Claim { id, end: None });
        Some(ClaimedItem { claims: self, id })
    }

    /// Returns the item that has been delivered or discarded, but not removed.
    pub(super) fn removal(&self) -> Option<Removal> {
        let Claim { id, end } = lock(&self.0).current?;
        end.map(|end| Removal { id, end })
    }

    /// Ends the claim of an item that was removed.
    pub(super) fn removed(&self) {
        let mut state = lock(&self.0);
        state.current = None;
        state.removals += 1;
    }

    /// Claims an item for its eviction that was read from the store since `epoch`.
    pub(super) fn evict(&self, id: u64, epoch: Epoch) -> Eviction<'_> {
        let mut state = lock(&self.0);
        if state.current.is_some_and(|claim| claim.id == id) || state.evicting.contains(&id) {
            return Eviction::InUse;
        }
        if state.epoch() != epoch {
            return Eviction::Outdated;
        }
        state.evicting.push(id);
        Eviction::Claimed(EvictedItem { claims: self, id })
    }

    /// Returns `true` if the item is being evicted.
    pub(super) fn is_evicting(&self, id: u64) -> bool {
        lock(&self.0).evicting.contains(&id)
    }

    /// Returns the evictions that are running, and the removals until now.
    pub(super) fn evictions(&self) -> Evictions {
        let state = lock(&self.0);
        Evictions { running: state.evicting.len(), epoch: state.epoch() }
    }

    /// Evicts all items except the claimed one, whose id `evict` receives. `evict` runs with the lock.
    pub(super) fn evict_all<R>(&self, evict: impl FnOnce(Option<u64>) -> R) -> R {
        let mut state = lock(&self.0);
        state.removals += 1;
        evict(state.current.map(|claim| claim.id))
    }
}

impl ClaimState {
    const fn epoch(&self) -> Epoch {
        Epoch(self.removals)
    }
}

impl ClaimedItem<'_> {
    /// Records that the item must be removed.
    pub(super) fn end(self, end: End) -> Removal {
        let Self { claims, id } = &self;
        lock(&claims.0).current = Some(Claim { id: *id, end: Some(end) });
        Removal { id: *id, end }
    }
}

impl Drop for ClaimedItem<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.claims.0);
        state.current = state.current.filter(|claim| claim.end.is_some());
    }
}

impl Drop for EvictedItem<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.claims.0);
        state.evicting.retain(|id| *id != self.id);
        state.removals += 1;
    }
}
