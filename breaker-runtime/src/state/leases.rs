//! The places of the trials of a half-open circuit, and until when each is taken.

use crate::clock::Moment;

/// When the lease of the trial in each place ends; none in a free place.
#[derive(Clone, Debug)]
pub(super) struct Leases(Vec<Option<Moment>>);

impl Leases {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    pub(super) fn first_to_end(&self) -> Moment {
        self.0.iter().flatten().copied().min().unwrap_or(Moment::NEVER)
    }

    pub(super) fn take(&mut self, until: Moment) -> u32 {
        let place = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        match self.0.get_mut(place) {
            Some(free) => *free = Some(until),
            None => self.0.push(Some(until)),
        }
        // There are at most half_open_max_calls places, a u32.
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    pub(super) fn give_back(&mut self, place: u32) {
        if let Some(lease) = self.0.get_mut(place as usize) {
            *lease = None;
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
