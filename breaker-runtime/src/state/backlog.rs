//! The transitions that listeners must still be notified of. There are at most [`MAX_PENDING`]: a listener that
//! hangs loses the oldest ones.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::transition::Transition;
use crate::clock::Moment;

/// Maximum number of transitions that wait for listeners.
const MAX_PENDING: usize = 1024;

/// Pending transitions, oldest first, and the number of older ones that were dropped.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pending: VecDeque<DatedTransition>,
    lost: u64,
}

/// A transition, and the moment at which it happened. It may have been noticed later.
#[derive(Debug)]
pub(crate) struct DatedTransition {
    pub(crate) transition: Arc<Transition>,
    pub(crate) at: Moment,
}

/// The next notification of listeners.
#[derive(Debug)]
pub(crate) enum Notification {
    Transition(DatedTransition),
    /// This many transitions were dropped before the next one.
    Lost(NonZeroU64),
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Adds a transition, and drops the oldest one if there are too many.
    pub(super) fn push(&mut self, transition: DatedTransition) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            self.lost += 1;
        }
        self.pending.push_back(transition);
    }

    /// Removes and returns the oldest notification.
    pub(super) fn pop(&mut self) -> Option<Notification> {
        if let Some(lost) = NonZeroU64::new(std::mem::take(&mut self.lost)) {
            return Some(Notification::Lost(lost));
        }
        self.pending.pop_front().map(Notification::Transition)
    }
}
