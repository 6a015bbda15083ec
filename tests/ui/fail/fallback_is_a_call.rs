use breaker_runtime::{BreakerError, circuit_breaker};

struct Shop;

impl Shop {
    #[circuit_breaker(fallback = self.cached)]
    fn price(&self, sku: &str) -> Result<usize, BreakerError> {
        self.cached(sku)
    }

    #[circuit_breaker(fallback = self.cached(sku))]
    fn stock(&self, sku: &str) -> Result<usize, BreakerError> {
        self.cached(sku)
    }

    fn cached(&self, sku: &str) -> Result<usize, BreakerError> {
        Ok(sku.len())
    }
}

#[circuit_breaker(fallback = backup(error, sku))]
fn order(sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

fn backup(error: BreakerError, _sku: &str) -> Result<usize, BreakerError> {
    Err(error)
}

fn main() {}
