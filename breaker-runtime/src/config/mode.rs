//! The mode of a circuit breaker. It decides about rejections only, never about counting or states.

/// The effect of a circuit breaker on calls.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Mode, Outcome, State};
///
/// let config = Config::builder().failure_threshold(1).mode(Mode::Shadow).build()?;
/// let breaker = CircuitBreaker::new("search", config)?;
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// assert_eq!(breaker.state(), State::Open);
/// breaker.try_acquire()?.settle(Outcome::Success); // admitted although the circuit is open
/// assert_eq!(breaker.snapshot().shadow_rejections, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Rejects calls that the circuit does not admit.
    #[default]
    Enforce,
    /// Admits every call, but counts it, changes the state and notifies listeners as usual.
    ///
    /// A circuit that an operator forces open admits calls too, and `call_timeout` stops no call. Use this
    /// mode to try out settings in production.
    Shadow,
}
