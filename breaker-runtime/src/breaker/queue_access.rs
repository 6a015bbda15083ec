//! The access of the queue for rejected calls to a circuit: its counters, its clock, and waiting until a call is
//! admitted.
//!
//! This module does not know what a queue does.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::CircuitBreaker;
use super::attachments::AttachmentOwner;
use super::circuit::Circuit;
use super::queue_counters::QueueCounters;
use crate::clock::{Moment, Sleep};
use crate::snapshot::QueueCounts;

impl Circuit {
    /// Returns the figures of the queues of this circuit; `None` if it has never had one.
    pub(super) fn queue_counts(&self) -> Option<QueueCounts> {
        Some(self.existing_attachments()?.get::<QueueCounters>(AttachmentOwner::Circuit)?.read())
    }
}

impl CircuitBreaker {
    /// Returns the counters that all queues of this circuit share.
    pub(crate) fn queue_counters(&self) -> Arc<QueueCounters> {
        self.circuit.attachments().get_or_create(AttachmentOwner::Circuit, QueueCounters::default)
    }

    /// Returns the time on the clock of the circuit.
    pub(crate) fn now(&self) -> Moment {
        self.circuit.clock.now()
    }

    /// Returns a future that completes after `wait` on the clock of the circuit. Panics outside a tokio runtime with
    /// timers enabled.
    pub(crate) fn sleep(&self, wait: Duration) -> Sleep {
        self.circuit.clock.alarm(wait).unwrap_or(Sleep::Never)
    }

    /// Waits until the circuit would admit a call, for at most `limit`. Changes of the state end the wait at once; a
    /// slot that is released does not.
    pub(crate) async fn wait_until_admits(&self, limit: Duration) {
        let waiter = self.circuit.hub().waiter();
        let mut limit = pin!(self.sleep(limit));
        poll_fn(|context| {
            // Registered before the state is read, so that no change in between is missed.
            waiter.register(context.waker());
            if self.would_admit() { Poll::Ready(()) } else { limit.as_mut().poll(context) }
        })
        .await;
    }
}
