//! A call that waits for a slot: it blocks its thread, or is a future.
//!
//! A waiting call is woken when it has an offer. In case that a call ahead of it has been forgotten, it also looks at
//! the queue by itself, to end an offer that has lapsed. The pause between two looks starts with the time of an offer
//! and doubles up to [`MAX_PAUSE`], so that a call waits at most about twice as long as without the forgotten
//! ones, and thousands of waiting calls cost little. Each lapsed offer that it finds shortens the pause again.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::limit::Bulkhead;
use super::queue::{OFFER, Turn};
use crate::clock::{Clock, Moment, Sleep, Timeout};
use crate::sync::blocked_thread::BlockedThread;

/// Longest pause between two looks.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A call in the queue of a bulkhead. Dropping it removes the call, and passes on its offer.
struct WaitingCall<'a> {
    bulkhead: &'a Bulkhead,
    clock: &'a Clock,
    /// Position in the queue. `None` before the first turn, and once the call has a slot.
    arrival: Option<u64>,
    pause: Duration,
    next_look: Moment,
}

impl Bulkhead {
    /// Acquires a slot, and blocks the thread for at most `wait` until one is free.
    pub(crate) fn acquire_blocking(&self, wait: Duration, clock: &Clock) -> bool {
        WaitingCall::new(self, clock).block(wait)
    }

    /// Acquires a slot, and waits for at most `wait` until one is free. Without a timer it does not wait.
    pub(crate) async fn acquire_within(&self, wait: Duration, clock: &Clock) -> bool {
        match clock.alarm(wait) {
            Some(limit) => Timeout::new(WaitingCall::new(self, clock).acquire(), limit).await.is_some(),
            None => false,
        }
    }
}

impl<'a> WaitingCall<'a> {
    const fn new(bulkhead: &'a Bulkhead, clock: &'a Clock) -> Self {
        Self { bulkhead, clock, arrival: None, pause: OFFER, next_look: Moment::NEVER }
    }

    /// Waits until the call has a slot.
    async fn acquire(mut self) {
        let mut look = pin!(None::<Sleep>);
        let mut look_at = Moment::NEVER;
        poll_fn(|context| {
            loop {
                let now = self.clock.now();
                if self.take_turn(context.waker(), now).is_ready() {
                    return Poll::Ready(());
                }
                if look_at != self.next_look {
                    look_at = self.next_look;
                    look.set(look_at.wait_from(now).and_then(|wait| self.clock.alarm_if_possible(wait)));
                }
                match look.as_mut().as_pin_mut().map(|look| look.poll(context)) {
                    Some(Poll::Ready(())) => look_at = Moment::NEVER,
                    Some(Poll::Pending) | None => return Poll::Pending,
                }
            }
        })
        .await;
    }

    /// Blocks this thread until the call has a slot, for at most `wait`. Returns `false` if it has none.
    fn block(mut self, wait: Duration) -> bool {
        let until = self.clock.now_while_blocked().after(wait);
        let thread = BlockedThread::new();
        loop {
            let now = self.clock.now_while_blocked();
            if self.take_turn(thread.waker(), now).is_ready() {
                return true;
            }
            if now >= until {
                return false;
            }
            self.clock.block_until(until.min(self.next_look), &thread);
        }
    }

    /// Takes the turn of this call, and determines when it looks again by itself.
    fn take_turn(&mut self, waker: &Waker, now: Moment) -> Poll<()> {
        match self.bulkhead.take_turn(&mut self.arrival, waker.clone(), now) {
            Turn::Acquired => {
                self.arrival = None;
                return Poll::Ready(());
            }
            Turn::First => self.next_look = Moment::NEVER,
            Turn::Behind => self.look_after_pause(now),
            Turn::BehindLapsed => {
                (self.pause, self.next_look) = (OFFER, now);
                self.look_after_pause(now);
            }
        }
        Poll::Pending
    }

    /// Sets the next look after a pause, unless the call has one that is not due.
    fn look_after_pause(&mut self, now: Moment) {
        if self.next_look == Moment::NEVER || self.next_look <= now {
            self.next_look = now.after(self.pause);
            self.pause = self.pause.saturating_mul(2).min(MAX_PAUSE);
        }
    }
}

impl Drop for WaitingCall<'_> {
    fn drop(&mut self) {
        if let Some(arrival) = self.arrival {
            self.bulkhead.leave(arrival, self.clock);
        }
    }
}
