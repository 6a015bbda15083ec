//! The right order, and the wrong ones. Each wrong order changes one thing.

use std::sync::Arc;
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use breaker_runtime::{Config, ConfigBuilder, ErrorKind, RetryBudget};
use tokio::time::timeout;

use super::simulation::{Answer, CallError, PATIENCE, PAUSE, Parts, RETRIES, TIMEOUT};

type Answered = Result<Answer, CallError>;

/// Returns the pauses before the retries.
pub(super) fn backoff() -> ConstantBuilder {
    ConstantBuilder::new().with_delay(PAUSE).with_max_times(RETRIES)
}

/// Returns the time to wait before a retry, or `None` if there must be none.
pub(super) fn next_wait(
    budget: &RetryBudget,
    error: &CallError,
    pause: Option<Duration>,
) -> Option<Duration> {
    let pause = pause?; // there are no attempts left
    match error {
        // The circuit has rejected the call, and says when it admits calls again.
        CallError::Breaker(rejection) if rejection.kind() != ErrorKind::TimedOut => {
            rejection.retry_after().filter(|wait| *wait <= PATIENCE).map(|wait| wait.max(pause))
        }
        // The call has reached the service.
        CallError::Breaker(_) | CallError::Failed | CallError::TimedOut | CallError::Full => {
            budget.try_retry().then_some(pause)
        }
    }
}

/// Returns the settings of the breaker in most orders: it stops each attempt that takes too long.
pub(super) fn settings() -> ConfigBuilder {
    Config::builder().call_timeout(TIMEOUT)
}

/// Makes one attempt: rate limit, breaker, timeout, in this order. A call that the circuit
/// would reject does not start to wait for a token.
async fn attempt(parts: &Parts) -> Answered {
    if parts.breaker.would_admit() {
        parts.token().await;
    }
    parts.breaker.call_async(parts.call()).await
}

pub(super) async fn right(parts: Arc<Parts>) -> Answered {
    (|| attempt(&parts)).retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}

pub(super) async fn without_retries(parts: Arc<Parts>) -> Answered {
    attempt(&parts).await
}

pub(super) async fn without_budget(parts: Arc<Parts>) -> Answered {
    (|| attempt(&parts)).retry(backoff()).await
}

pub(super) async fn without_breaker(parts: Arc<Parts>) -> Answered {
    let attempt = async || {
        parts.token().await;
        timeout(TIMEOUT, parts.call()).await.unwrap_or(Err(CallError::TimedOut))
    };
    attempt.retry(backoff()).await
}

pub(super) async fn tokens_for_rejected_calls(parts: Arc<Parts>) -> Answered {
    let attempt = async || {
        parts.token().await;
        parts.breaker.call_async(parts.call()).await
    };
    attempt.retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}

/// The breaker has no `call_timeout`, because it would end the retries.
pub(super) async fn retry_inside_breaker(parts: Arc<Parts>) -> Answered {
    let attempt = async || {
        parts.token().await;
        timeout(TIMEOUT, parts.call()).await.unwrap_or(Err(CallError::TimedOut))
    };
    let retried = attempt.retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause));
    parts.breaker.call_async(retried).await
}

/// The breaker has no `call_timeout`.
pub(super) async fn timeout_around_breaker(parts: Arc<Parts>) -> Answered {
    let attempt = async || timeout(TIMEOUT, attempt(&parts)).await.unwrap_or(Err(CallError::TimedOut));
    attempt.retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}

/// Returns settings with which a call that a timeout cancels is a failure.
pub(super) fn cancelled() -> ConfigBuilder {
    Config::builder().cancelled_after(Duration::from_millis(500))
}

/// The breaker has no `call_timeout`. The limit is the time of three attempts and the pauses between them.
pub(super) async fn timeout_around_retries(parts: Arc<Parts>) -> Answered {
    let retried =
        (|| attempt(&parts)).retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause));
    timeout(TIMEOUT * 3 + PAUSE * 2, retried).await.unwrap_or(Err(CallError::TimedOut))
}

pub(super) async fn limit_inside_breaker(parts: Arc<Parts>) -> Answered {
    let attempt = async || {
        let limited = async {
            parts.token().await;
            parts.call().await
        };
        parts.breaker.call_async(limited).await
    };
    attempt.retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}

pub(super) async fn limit_around_retries(parts: Arc<Parts>) -> Answered {
    parts.token().await;
    let attempt = async || parts.breaker.call_async(parts.call()).await;
    attempt.retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}

pub(super) async fn fallback_inside_retry(parts: Arc<Parts>) -> Answered {
    let attempt = async || Ok(attempt(&parts).await.unwrap_or(Answer::Fallback));
    attempt.retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}

/// The breaker of the right order with `max_concurrent`, so each attempt takes a slot.
pub(super) fn with_bulkhead() -> ConfigBuilder {
    settings().max_concurrent(2)
}

pub(super) async fn bulkhead_around_retries(parts: Arc<Parts>) -> Answered {
    let Ok(_slot) = parts.bulkhead.try_acquire() else {
        return Err(CallError::Full);
    };
    (|| attempt(&parts)).retry(backoff()).adjust(|error, pause| next_wait(&parts.budget, error, pause)).await
}
