use breaker_runtime::{BreakerError, KeyedBreaker, circuit_breaker};

struct Shop {
    breakers: KeyedBreaker,
}

impl Shop {
    #[circuit_breaker(breaker = self.breakers, key = tenant, max_keys = 10, max_open = 0.5)]
    fn price(&self, tenant: &str) -> Result<usize, BreakerError> {
        Ok(tenant.len())
    }
}

fn main() {}
