//! A return type that cannot be named.

use breaker_runtime::BreakerError;

#[breaker_runtime::circuit_breaker(name = "evens")]
fn evens(most: u32) -> Result<impl Iterator<Item = u32>, BreakerError> {
    Ok((0..most).filter(|number| number % 2 == 0))
}

fn main() {
    assert_eq!(evens(4).unwrap().collect::<Vec<_>>(), [0, 2]);
}
