//! The slots of the trial calls of a half-open circuit, each with the lease of the trial call that holds it.

use crate::clock::Moment;

/// The end of the lease of the trial call in each slot; `None` for a free slot.
#[derive(Clone, Debug)]
pub(super) struct TrialSlots(Vec<Option<Moment>>);

impl TrialSlots {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the number of slots in use.
    pub(super) fn in_use(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Returns when the first lease ends, or never.
    pub(super) fn first_expiry(&self) -> Moment {
        self.0.iter().flatten().copied().min().unwrap_or(Moment::NEVER)
    }

    /// Acquires the first free slot until `lease` and returns its index.
    pub(super) fn acquire(&mut self, lease: Moment) -> u32 {
        let slot = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        match self.0.get_mut(slot) {
            Some(free) => *free = Some(lease),
            None => self.0.push(Some(lease)),
        }
        // There are at most `half_open_max_calls` slots, which is a u32.
        u32::try_from(slot).unwrap_or(u32::MAX)
    }

    /// Sets the lease of a slot in use.
    pub(super) fn renew(&mut self, slot: u32, lease: Moment) {
        if let Some(Some(current)) = self.0.get_mut(slot as usize) {
            *current = lease;
        }
    }

    /// Releases a slot.
    pub(super) fn release(&mut self, slot: u32) {
        if let Some(lease) = self.0.get_mut(slot as usize) {
            *lease = None;
        }
    }

    /// Releases all slots.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
