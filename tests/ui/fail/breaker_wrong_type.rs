use breaker_runtime::{BreakerError, KeyedBreaker, circuit_breaker};

struct Shop {
    breakers: KeyedBreaker,
}

impl Shop {
    #[circuit_breaker(breaker = self.breakers)]
    fn price(&self) -> Result<u32, BreakerError> {
        Ok(1)
    }
}

#[circuit_breaker(breaker = "payment")]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
