use breaker_runtime::{BreakerError, CircuitBreaker, circuit_breaker};

struct Shop(CircuitBreaker);

impl Shop {
    #[circuit_breaker(call_timeout = "2s", fallback = Self::cached)]
    async fn timed(&mut self, stock: &mut u32) -> Result<u32, BreakerError> {
        Ok(*stock)
    }

    #[circuit_breaker(fallback = Self::cached, fallback_on = failure)]
    fn price(&mut self, stock: &mut u32) -> Result<u32, BreakerError> {
        Ok(*stock)
    }

    fn cached(&mut self, stock: &mut u32) -> Result<u32, BreakerError> {
        Ok(*stock)
    }

    // The settings of this circuit breaker may contain a `call_timeout`.
    #[circuit_breaker(breaker = self.0, fallback = |_| self.last())]
    async fn close(self) -> Result<u32, BreakerError> {
        self.last()
    }

    fn last(&self) -> Result<u32, BreakerError> {
        Ok(1)
    }
}

fn main() {}
