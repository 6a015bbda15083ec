//! A call in the queue, and when it checks the queue by itself.
//!
//! A waiting call is woken when it has an offer. It also checks the queue by itself and ends offers that have lapsed,
//! because a call ahead of it may have been forgotten. The pause between two checks begins with the lifetime of an
//! offer and doubles up to [`MAX_PAUSE`]. So a call waits at most about twice as long as without the forgotten ones,
//! and thousands of waiting calls cost little. A lapsed offer that it finds makes the pause short again.

use std::task::Waker;
use std::time::Duration;

use super::limit::Bulkhead;
use super::queue::{Attempt, OFFER_LIFETIME, Position, Standing};
use crate::clock::{Clock, Moment};

/// Longest pause between two checks.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A call in the queue of a bulkhead. Dropping it removes the call, and passes on its offer.
#[derive(Debug)]
pub(crate) struct QueuedCall<'a> {
    bulkhead: &'a Bulkhead,
    clock: &'a Clock,
    position: Position,
    pause: Duration,
    next_check: Moment,
}

impl<'a> QueuedCall<'a> {
    /// Returns a call that enters the queue with its first turn.
    pub(crate) const fn new(bulkhead: &'a Bulkhead, clock: &'a Clock) -> Self {
        let position = Position::new();
        Self { bulkhead, clock, position, pause: OFFER_LIFETIME, next_check: Moment::NEVER }
    }

    /// Takes the turn of this call, and determines when it checks again by itself.
    pub(crate) fn take_turn(&mut self, waker: &Waker, now: Moment) -> Attempt {
        let turn = self.bulkhead.take_turn(&mut self.position, waker.clone(), now);
        match turn.standing {
            Standing::First => self.next_check = Moment::NEVER,
            Standing::Behind => self.check_after_pause(now),
            Standing::BehindLapsed => {
                (self.pause, self.next_check) = (OFFER_LIFETIME, now);
                self.check_after_pause(now);
            }
        }
        turn.attempt
    }

    /// Returns the moment at which the call checks again even if it is not woken.
    pub(crate) const fn next_check(&self) -> Moment {
        self.next_check
    }

    /// Removes the call from the queue, and passes on its offer.
    pub(crate) fn leave(&mut self) {
        if self.position.is_waiting() {
            self.bulkhead.leave(&mut self.position, self.clock);
        }
    }

    /// Sets the next check after a pause, unless the call has one that is not due.
    fn check_after_pause(&mut self, now: Moment) {
        if self.next_check == Moment::NEVER || self.next_check <= now {
            self.next_check = now.after(self.pause);
            self.pause = self.pause.saturating_mul(2).min(MAX_PAUSE);
        }
    }
}

impl Drop for QueuedCall<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
