use std::sync::LazyLock;
use std::sync::atomic::AtomicU32;

use breaker_runtime::{BreakerError, circuit_breaker};

static LIMIT: LazyLock<u32> = LazyLock::new(|| 5);
static CURRENT: AtomicU32 = AtomicU32::new(5);

#[circuit_breaker(failure_threshold = *LIMIT)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(max_concurrent = CURRENT.load(std::sync::atomic::Ordering::Relaxed))]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = std::time::Duration::from_secs(std::env::var("WAIT").unwrap().len() as u64))]
fn pay() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(failure_threshold = limit)]
fn send(limit: u32) -> Result<u32, BreakerError> {
    Ok(limit)
}

struct Shop {
    limit: u32,
}

impl Shop {
    #[circuit_breaker(failure_threshold = self.limit)]
    fn stock(&self) -> Result<u32, BreakerError> {
        Ok(self.limit)
    }
}

fn main() {}
