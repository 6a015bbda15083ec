use breaker_runtime::circuit_breaker;

#[circuit_breaker]
const LIMIT: u32 = 1;

#[circuit_breaker]
unsafe trait Priced {}

fn main() {
    let _ = LIMIT;
}
