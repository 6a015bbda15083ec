//! Retries by backon through a breaker: each attempt is a call of the circuit, a rejected call waits for the circuit, and
//! the budget limits all of them.

use std::sync::Arc;
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use breaker_runtime::{CircuitBreaker, Config, RetryBudget, State};
use tokio::time::Instant;

use super::orders::next_wait;
use super::simulation::{Answer, CallError, PAUSE, wait};

/// A circuit that opens at the third failure, and a service that fails until its call with the number `heals_at`.
struct Service {
    breaker: CircuitBreaker,
    budget: RetryBudget,
    began: Instant,
    heals_at: usize,
    calls: std::sync::Mutex<Vec<Duration>>,
}

impl Service {
    fn new(recovery: Duration, heals_at: usize) -> Arc<Self> {
        let config = Config::builder().failure_threshold(3).success_threshold(1).recovery_timeout(recovery);
        let breaker =
            CircuitBreaker::new("retried", config.build().expect("valid settings")).expect("a name");
        let (budget, began) = (breaker.budget(), Instant::now());
        Arc::new(Self { breaker, budget, began, heals_at, calls: std::sync::Mutex::default() })
    }

    async fn attempt(&self) -> Result<Answer, CallError> {
        let call = async {
            let mut calls = self.calls.lock().expect("no panic");
            calls.push(self.began.elapsed());
            if calls.len() < self.heals_at { Err(CallError::Failed) } else { Ok(Answer::Real) }
        };
        self.breaker.call_async(call).await
    }

    async fn call(&self, retries: usize) -> Result<Answer, CallError> {
        let backoff = ConstantBuilder::new().with_delay(PAUSE).with_max_times(retries);
        let next = |error: &CallError, pause| next_wait(&self.budget, error, pause);
        (|| self.attempt()).retry(backoff).adjust(next).await
    }

    /// Returns when the calls reached the service.
    fn calls(&self) -> Vec<Duration> {
        self.calls.lock().expect("no panic").clone()
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_a_call_of_the_circuit_and_an_open_circuit_ends_the_retries() {
    let service = Service::new(Duration::from_secs(5), usize::MAX);
    let error = service.call(9).await.unwrap_err();
    assert!(matches!(error, CallError::Failed), "the caller gets the error of the service: {error}");
    assert_eq!(service.calls(), [Duration::ZERO, PAUSE, PAUSE * 2]);
    assert_eq!(service.breaker.state(), State::Open);
    assert_eq!(service.budget.remaining(), 8, "the third failure opened the circuit, so it took no retry");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_is_not_repeated_before_the_circuit_admits_it_and_takes_no_budget() {
    let service = Service::new(Duration::from_secs(1), 4);
    service.call(9).await.unwrap_err();
    wait(Duration::from_millis(300)).await;
    let remaining = service.budget.remaining();
    assert_eq!(service.call(9).await.unwrap(), Answer::Real);
    assert_eq!(service.calls().last(), Some(&(PAUSE * 2 + Duration::from_secs(1))), "after retry_after");
    assert_eq!(service.budget.remaining(), remaining);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_does_not_wait_longer_than_its_caller_wants() {
    let service = Service::new(Duration::from_secs(5), usize::MAX);
    service.call(9).await.unwrap_err();
    let before = Instant::now();
    assert!(matches!(service.call(9).await, Err(CallError::Breaker(_))));
    assert_eq!(before.elapsed(), Duration::ZERO);
    service.breaker.force_open();
    assert!(matches!(service.call(9).await, Err(CallError::Breaker(_))), "no time is known");
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_attempts_left_takes_no_budget() {
    let service = Service::new(Duration::from_secs(5), usize::MAX);
    service.call(0).await.unwrap_err();
    assert_eq!(service.budget.remaining(), 10);
    service.call(1).await.unwrap_err();
    assert_eq!(service.budget.remaining(), 9);
}

#[tokio::test(start_paused = true)]
async fn the_budget_limits_the_retries_of_all_callers_together() {
    let service = Service::new(Duration::from_secs(5), usize::MAX);
    // The circuit never opens.
    service.breaker.set_config(Config::builder().failure_threshold(1_000).build().unwrap());
    let callers = (0..40).map(|_| {
        let service = Arc::clone(&service);
        tokio::spawn(async move { service.call(5).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap_err();
    }
    assert_eq!(service.calls().len(), 50, "40 calls and 10 retries");
}
