use breaker_runtime::{BreakerError, circuit_breaker};

// resilience4j
#[circuit_breaker(failureRateThreshold = 50, slidingWindowSize = 100, waitDurationInOpenState = "60s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

// Polly
#[circuit_breaker(FailureRatio = 0.5, SamplingDuration = "30s", MinimumThroughput = 8, BreakDuration = "30s")]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

// gobreaker
#[circuit_breaker(ReadyToTrip = trip, MaxRequests = 3)]
fn pay() -> Result<u32, BreakerError> {
    Ok(1)
}

// failsafe and recloser
#[circuit_breaker(required_success_rate = 0.5, error_rate = 0.5, closed_len = 100, open_wait = "30s")]
fn send() -> Result<u32, BreakerError> {
    Ok(1)
}

// The keys of this library in another case.
#[circuit_breaker(failureThreshold = 3, RecoveryTimeout = "30s")]
fn stock() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
