use breaker_runtime::{BreakerError, circuit_breaker};

struct Shop;

impl Shop {
    #[circuit_breaker(call_timeout = "2s", fallback = Self::cached)]
    async fn price(&mut self, stock: &mut u32) -> Result<u32, BreakerError> {
        Ok(*stock)
    }

    fn cached(&mut self, stock: &mut u32) -> Result<u32, BreakerError> {
        Ok(*stock)
    }

    #[circuit_breaker(call_timeout = "2s", fallback = |_| self.last())]
    async fn close(self) -> Result<u32, BreakerError> {
        self.last()
    }

    fn last(&self) -> Result<u32, BreakerError> {
        Ok(1)
    }
}

fn main() {}
