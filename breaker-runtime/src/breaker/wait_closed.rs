//! Waiting until a circuit closes.

use std::future::poll_fn;
use std::task::Poll;

use super::CircuitBreaker;
use crate::state::State;

impl CircuitBreaker {
    /// Waits until the state is [`Closed`](State::Closed) or [`Disabled`](State::Disabled).
    ///
    /// No timer closes the circuit: an open circuit recovers through the trial calls of its callers. Do not
    /// await this in the only task whose calls could close the circuit. In shadow mode, an open circuit
    /// admits calls, and this method still waits. With [`ramp`](crate::ConfigBuilder::ramp), it returns when the ramp
    /// begins, so calls may still be rejected.
    ///
    /// If the circuit of a key is [removed](crate::KeyedBreaker::remove) meanwhile, this returns too, in any state,
    /// because the next call of the key gets a new circuit. A wait that begins after the removal waits for the state of
    /// the removed circuit, so get the circuit of the key again before each wait.
    ///
    /// # Cancellation
    ///
    /// The future can be dropped at any time without effect.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("warehouse", Config::default())?;
    /// breaker.force_open();
    /// let queue = tokio::spawn({
    ///     let breaker = breaker.clone();
    ///     async move {
    ///         breaker.wait_closed().await;
    ///         "drained"
    ///     }
    /// });
    /// tokio::task::yield_now().await;
    /// breaker.release();
    /// assert_eq!(queue.await?, "drained");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_closed(&self) {
        let waiter = self.circuit.hub().waiter();
        let was_removed = self.circuit.is_removed();
        poll_fn(|context| {
            waiter.register(context.waker());
            if self.circuit.is_removed() && !was_removed {
                return Poll::Ready(());
            }
            match self.circuit.state_under_lock() {
                State::Closed | State::Disabled => Poll::Ready(()),
                State::Open | State::HalfOpen | State::ForcedOpen => Poll::Pending,
            }
        })
        .await;
    }
}
