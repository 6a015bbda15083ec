use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "payment")]
struct Price(u32);

#[circuit_breaker]
const LIMIT: u32 = 1;

#[circuit_breaker(name = "payment")]
impl Price {
    fn new() -> Self {
        Self(LIMIT)
    }
}

#[circuit_breaker]
unsafe trait Priced {}

fn main() {
    let _ = Price::new();
}
