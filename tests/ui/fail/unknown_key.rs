use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_treshold = 3, colour = "red", scope = "local")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

// A misspelled key is one error: it does not also cause a missing `fallback` or `window`.
#[circuit_breaker(fallbak = |_| ())]
fn pay() {}

#[circuit_breaker(windw = 100, failure_rate = 0.5)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(timeout = "10s")]
fn send() -> Result<u32, BreakerError> {
    Ok(1)
}

// The names of resilience4j, Polly, gobreaker, failsafe and recloser.
#[circuit_breaker(failureRateThreshold = 50, slidingWindowSize = 100, waitDurationInOpenState = "60s")]
fn resilience() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(FailureRatio = 0.5, SamplingDuration = "30s", MinimumThroughput = 8, BreakDuration = "30s")]
fn polly() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ReadyToTrip = trip, MaxRequests = 3)]
fn gobreaker() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(required_success_rate = 0.5, error_rate = 0.5, closed_len = 100, open_wait = "30s")]
fn others() -> Result<u32, BreakerError> {
    Ok(1)
}

// The keys of this library in another case.
#[circuit_breaker(failureThreshold = 3, RecoveryTimeout = "30s")]
fn other_case() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
