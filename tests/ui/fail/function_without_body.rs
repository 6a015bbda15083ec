use breaker_runtime::{BreakerError, circuit_breaker};

trait Prices {
    #[circuit_breaker(name = "payment")]
    fn price(&self) -> Result<u32, BreakerError>;
}

fn main() {}
