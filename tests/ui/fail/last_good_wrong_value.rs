use breaker_runtime::{BreakerError, circuit_breaker};

struct Price;

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn option() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn without_clone() -> Result<Price, BreakerError> {
    Ok(Price)
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
async fn for_one_thread() -> Result<std::rc::Rc<u32>, BreakerError> {
    Ok(std::rc::Rc::new(1))
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn other_error() -> Result<u32, std::io::Error> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(max_age = "5m", on_stale = 5))]
fn wrong_callback() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
