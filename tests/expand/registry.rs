//! A registry that is evaluated at the first call.

use breaker_runtime::{BreakerError, Registry};

#[breaker_runtime::circuit_breaker(name = "charge", registry = registry)]
fn charge(registry: &Registry) -> Result<usize, BreakerError> {
    Ok(registry.iter().count())
}

fn main() {
    assert_eq!(charge(&Registry::new()).unwrap(), 1);
}
