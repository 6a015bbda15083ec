//! The clock that a test moves. It is not part of what loom explores, so its atomic and its lock are the
//! standard library's.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::Moment;

#[derive(Debug, Default)]
pub(crate) struct Hand {
    shows: AtomicU64,
    sleepers: Mutex<Vec<Waker>>,
}

/// Ends when the hand has moved to a moment.
#[derive(Debug)]
pub(crate) struct Sleep {
    hand: Arc<Hand>,
    until: Moment,
}

impl Hand {
    /// Never the end of time: what is never due must not become due.
    pub(super) fn shows(&self) -> Moment {
        Moment(self.shows.load(Ordering::SeqCst).min(u64::MAX - 1))
    }

    pub(crate) fn advance(&self, step: Duration) {
        let step = super::nanos_of(step);
        self.shows
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(now.saturating_add(step)))
            .ok();
        let sleepers = std::mem::take(&mut *self.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        sleepers.into_iter().for_each(Waker::wake);
    }

    fn wake_on_advance(&self, waker: &Waker) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if !sleepers.iter().any(|sleeper| sleeper.will_wake(waker)) {
            sleepers.push(waker.clone());
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.hand.shows() >= self.until {
            return Poll::Ready(());
        }
        self.hand.wake_on_advance(context.waker());
        // It may have been advanced before it knew of us.
        if self.hand.shows() >= self.until { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl super::Clock {
    pub(crate) fn by_hand(hand: Arc<Hand>) -> Self {
        Self { hand: Some(hand) }
    }

    /// A sleep on the clock that a test moves, if this is one.
    pub(crate) fn sleep_by_hand(&self, until: Moment) -> Option<Sleep> {
        self.hand.as_ref().map(|hand| Sleep { hand: Arc::clone(hand), until })
    }
}
