//! Waiting until a circuit closes.
//!
//! No removal is missed. A removal sets the mark of the circuit (a), locks its machine (b), and then wakes the waiters
//! of its hub, if it finds one (c). A wait creates the hub and registers its waker (1), locks the machine to read the
//! state (2), and then reads the mark (3). If (b) is before (2), then (a) happens before (3), and the wait reads the
//! mark. Otherwise (1) happens before (c), and the removal wakes the task.

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
    /// If the circuit of a key is [removed](crate::KeyedBreaker::remove), this returns at once in any state, also if the
    /// removal came before the wait, because the next call of the key gets a new circuit. Get the circuit of the key
    /// again before each wait: a loop that keeps a removed circuit does not pause. To wait for a removed circuit,
    /// [listen](Self::listen) to its changes.
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
        poll_fn(|context| {
            waiter.register(context.waker());
            match self.circuit.state_under_lock() {
                State::Closed | State::Disabled => Poll::Ready(()),
                State::Open | State::HalfOpen | State::ForcedOpen if self.circuit.is_removed() => {
                    Poll::Ready(())
                }
                State::Open | State::HalfOpen | State::ForcedOpen => Poll::Pending,
            }
        })
        .await;
    }
}
