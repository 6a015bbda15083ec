use breaker_runtime::{BreakerError, CircuitBreaker, circuit_breaker};

struct Shop {
    breaker: CircuitBreaker,
}

impl Shop {
    #[circuit_breaker(
        name = "payment",
        config = DATABASE,
        breaker = self.breaker,
        failure_threshold = 5,
        failure_rate = 0.5,
        ramp = "30s",
        hang = "10s",
        max_wait = "1s",
        shared = "quorum",
        mode = "shadow",
        critical = true,
        registry = REGISTRY,
        failure_if(Err(_)),
        ignore_if(Ok(0)),
        fallback = |_| Ok(0),
        fallback_on = failure,
        crate = ::breaker_runtime,
    )]
    fn price(&self) -> Result<u32, BreakerError> {
        Ok(1)
    }
}

fn main() {}
