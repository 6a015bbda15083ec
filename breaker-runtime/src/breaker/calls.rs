//! The methods that run a call.

use super::{CircuitBreaker, Guarded, Permit};
use crate::classifier::{AlreadyClassified, of_result, type_of_error};
use crate::error::BreakerError;
use crate::failure_text::failure_text;
use crate::outcome::Outcome;

impl CircuitBreaker {
    /// Runs `function` if the circuit admits a call. An `Err` counts as a failure. A panic counts as a
    /// failure and continues to unwind. Blocks the thread for up to `max_wait` while `max_concurrent` calls
    /// are running. [`Transition::last_failure`](crate::Transition) shows the type name of the error.
    ///
    /// The error of another breaker is a failure too: this method cannot inspect the error.
    /// [`ErrorKind::find_in`](crate::ErrorKind::find_in) shows how to ignore it. Inside another call of the same
    /// circuit that holds a slot, the call [runs in that slot](crate::circuit_breaker#calls-inside-calls).
    ///
    /// # Errors
    ///
    /// Returns the error of `function`, or a [`BreakerError`] if the call was rejected.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::{BreakerError, CircuitBreaker, Config, State};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// enum PaymentError {
    ///     #[error(transparent)]
    ///     Io(#[from] io::Error),
    ///     #[error(transparent)]
    ///     Breaker(#[from] BreakerError),
    /// }
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
    /// let paid = breaker.call(|| Ok::<_, PaymentError>("paid"));
    /// assert_eq!(paid.unwrap(), "paid");
    ///
    /// let failed = breaker.call(|| Err::<&str, _>(PaymentError::from(io::Error::other("no route to host"))));
    /// assert!(matches!(failed, Err(PaymentError::Io(_))));
    /// assert_eq!(breaker.state(), State::Open);
    /// assert!(matches!(breaker.call(|| Ok("paid")), Err(PaymentError::Breaker(_)))); // the call did not run
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call<T, E>(&self, function: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        E: From<BreakerError>,
    {
        let admission = self.circuit.admit_blocking().map_err(BreakerError::from)?;
        Permit::running(admission).run(function, of_result, &(of_result, type_of_error))
    }

    /// Runs `function` if the circuit admits a call, and classifies its output with `classify`. A panic of
    /// `function` or of `classify` counts as a failure and continues to unwind. Blocks like
    /// [`call`](Self::call). [`Transition::last_failure`](crate::Transition) is `None`, except after a panic;
    /// [`call_with_text`](Self::call_with_text) sets it.
    ///
    /// # Errors
    ///
    /// Returns an error if the call was rejected.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("stock", Config::builder().failure_threshold(1).build()?)?;
    /// let is_there = |found: &Option<u32>| match found {
    ///     Some(_) => Outcome::Success,
    ///     None => Outcome::Failure,
    /// };
    /// assert_eq!(breaker.call_with(is_there, || None)?, None);
    /// assert!(breaker.call_with(is_there, || Some(3)).is_err()); // the circuit is open
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_with<T>(
        &self,
        classify: impl FnOnce(&T) -> Outcome,
        function: impl FnOnce() -> T,
    ) -> Result<T, BreakerError> {
        let admission = self.circuit.admit_blocking()?;
        Ok(Permit::running(admission).run(function, classify, &AlreadyClassified))
    }

    /// Runs `function` like [`call_with`](Self::call_with). `text` describes an output that is a failure, for
    /// [`Transition::last_failure`](crate::Transition) and for [call events](crate::CallEventKind::Failed).
    ///
    /// `text` runs only if the failure changes the state or is reported. The text becomes one line of at most 1,024
    /// bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the call was rejected.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("stock", Config::builder().failure_threshold(1).build()?)?;
    /// let by_status = |status: &u16| if *status < 500 { Outcome::Success } else { Outcome::Failure };
    /// breaker.call_with_text(by_status, |status| format!("status {status}"), || 503)?;
    /// let opened = breaker.snapshot().last_transition.unwrap();
    /// assert_eq!(opened.last_failure.as_deref(), Some("status 503"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_with_text<T>(
        &self,
        classify: impl FnOnce(&T) -> Outcome,
        text: impl Fn(&T) -> String,
        function: impl FnOnce() -> T,
    ) -> Result<T, BreakerError> {
        let admission = self.circuit.admit_blocking()?;
        let describe = (|_: &T| Outcome::Failure, |output: &T| Some(failure_text(text(output))));
        Ok(Permit::running(admission).run(function, classify, &describe))
    }

    /// Awaits `future` if the circuit admits a call, which is decided on the first poll. An `Err` counts as a
    /// failure. A panic counts as a failure and continues to unwind. Waits for up to `max_wait` while
    /// `max_concurrent` calls are running, and stops the call after `call_timeout`.
    /// [`Transition::last_failure`](crate::Transition) shows the type name of the error.
    ///
    /// The error of another breaker is a failure too, as in [`call`](Self::call). Inside another call of the same
    /// circuit that holds a slot, the call [runs in that slot](crate::circuit_breaker#calls-inside-calls).
    ///
    /// # Errors
    ///
    /// Returns the error of `future`, or a [`BreakerError`] if the call was rejected or timed out.
    ///
    /// # Panics
    ///
    /// Panics if `call_timeout` is set, or if the call must wait and `max_wait` is not `Duration::MAX`, outside
    /// a tokio runtime with timers enabled.
    ///
    /// # Cancellation
    ///
    /// Dropping the future before it completes cancels the call and releases its slots. The call counts as a
    /// failure if it had run for [`cancelled_after`](crate::ConfigBuilder::cancelled_after), otherwise it is
    /// ignored.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, CircuitBreaker, Config};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let found = breaker.call_async(async { Ok::<_, BreakerError>("rust") }).await?;
    /// assert_eq!(found, "rust");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call_async<T, E>(&self, future: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        E: From<BreakerError>,
    {
        let call = self.circuit.start_async();
        Guarded::new(call, future, (of_result, type_of_error)).await.map_err(BreakerError::from)?
    }

    /// Awaits `future` if the circuit admits a call, and classifies its output with `classify`. Otherwise it
    /// behaves like [`call_async`](Self::call_async), but [`Transition::last_failure`](crate::Transition) is
    /// `None`, except after a panic or a timeout; [`call_async_with_text`](Self::call_async_with_text) sets it.
    ///
    /// # Errors
    ///
    /// Returns an error if the call was rejected or timed out.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime in the same cases as [`call_async`](Self::call_async).
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the call, as in [`call_async`](Self::call_async).
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("stock", Config::builder().failure_threshold(1).build()?)?;
    /// let by_status = |status: &u16| match status {
    ///     500.. => Outcome::Failure,
    ///     400..500 => Outcome::Ignored, // the fault of the caller
    ///     _ => Outcome::Success,
    /// };
    /// assert_eq!(breaker.call_async_with(by_status, async { 404 }).await?, 404);
    /// assert_eq!(breaker.call_async_with(by_status, async { 503 }).await?, 503);
    /// assert!(breaker.call_async_with(by_status, async { 200 }).await.is_err()); // the circuit is open
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call_async_with<T>(
        &self,
        classify: impl Fn(&T) -> Outcome,
        future: impl Future<Output = T>,
    ) -> Result<T, BreakerError> {
        let call = self.circuit.start_async();
        Ok(Guarded::new(call, future, (classify, |_: &_| None)).await?)
    }

    /// Awaits `future` like [`call_async_with`](Self::call_async_with). `text` describes an output that is a failure,
    /// as in [`call_with_text`](Self::call_with_text).
    ///
    /// # Errors
    ///
    /// Returns an error if the call was rejected or timed out.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime in the same cases as [`call_async`](Self::call_async).
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the call, as in [`call_async`](Self::call_async).
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("stock", Config::builder().failure_threshold(1).build()?)?;
    /// let by_status = |status: &u16| if *status < 500 { Outcome::Success } else { Outcome::Failure };
    /// breaker.call_async_with_text(by_status, |status| format!("status {status}"), async { 503 }).await?;
    /// let opened = breaker.snapshot().last_transition.unwrap();
    /// assert_eq!(opened.last_failure.as_deref(), Some("status 503"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call_async_with_text<T>(
        &self,
        classify: impl Fn(&T) -> Outcome,
        text: impl Fn(&T) -> String,
        future: impl Future<Output = T>,
    ) -> Result<T, BreakerError> {
        let call = self.circuit.start_async();
        Ok(Guarded::new(call, future, (classify, |output: &_| Some(failure_text(text(output))))).await?)
    }
}
