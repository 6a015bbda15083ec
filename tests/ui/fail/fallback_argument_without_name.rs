use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = cached)]
fn price((width, height): (u32, u32), _: u32, #[cfg(all())] depth: u32) -> Result<u32, BreakerError> {
    Ok(width * height * depth)
}

fn cached(size: (u32, u32), _: u32, depth: u32) -> Result<u32, BreakerError> {
    Ok(size.0 * depth)
}

fn main() {
    let _ = cached((1, 2), 3, 4);
}
