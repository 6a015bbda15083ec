use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(
    recovery_timeout = "soon",
    half_open_timeout = "",
    max_recovery_timeout = "300000000000000d",
    backoff = 2.0,
    slow_call = "30 parsecs",
    window = "1.5s",
    call_timeout = "30",
)]
async fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = true)]
fn not_a_duration() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
