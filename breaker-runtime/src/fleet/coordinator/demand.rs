//! The demand of one process for trial calls of a circuit that is due.
//!
//! A process without rejected calls has nothing to try. Of those that have, about four ask for the lease in each
//! window, whatever the size of the fleet is.

use super::random::Random;

/// Length of a window in milliseconds.
pub(super) const WINDOW: u64 = 250;

/// Number of processes that should ask in the first window. It doubles with each window.
const ASKING: u64 = 4;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Demand {
    /// Number of rejected calls when the circuit became due.
    rejected: u64,
    /// The window in which this process has drawn, counted from one; `None` while the circuit is not due.
    drawn: Option<u64>,
    asks: bool,
}

impl Demand {
    pub(super) const fn new(rejected: u64) -> Self {
        Self { rejected, drawn: None, asks: false }
    }

    /// Waits while a process has the lease, or this one cannot ask. The demand stays: if the lease ends without a trial
    /// call, because calls are rare, a process that has rejected one asks again, until a call meets a lease.
    pub(super) const fn wait(&mut self) {
        self.drawn = None;
        self.asks = false;
    }

    /// Takes note of the rejected calls while the circuit is not due.
    pub(super) const fn reset(&mut self, rejected: u64) {
        *self = Self::new(rejected);
    }

    /// Draws whether to ask, once in each window, if a call was rejected since the circuit became due. `overdue` is the
    /// time since then in milliseconds.
    pub(super) fn draw(&mut self, rejected: u64, overdue: u64, alive: u32, random: &mut Random) {
        let window = overdue / WINDOW;
        let is_new = self.drawn.is_none_or(|drawn| drawn < window + 1);
        self.drawn = self.drawn.or(Some(0));
        if rejected == self.rejected || !is_new {
            return;
        }
        self.drawn = Some(window + 1);
        let wanted = ASKING << window.min(32);
        self.asks = wanted >= u64::from(alive) || random.below(alive.into()) < wanted;
    }

    /// Returns `true` if the circuit is due.
    pub(super) const fn is_due(&self) -> bool {
        self.drawn.is_some()
    }

    /// Returns `true` if this process asks for the lease.
    pub(super) const fn asks(&self) -> bool {
        self.asks
    }

    /// Takes note that this process has asked in this window.
    pub(super) const fn has_asked(&mut self) {
        self.asks = false;
    }
}
