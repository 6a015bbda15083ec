use breaker_runtime::circuit_breaker;

struct Price;

#[circuit_breaker(name = "payment")]
impl Price {
    fn new() -> Self {
        Self
    }
}

fn main() {
    let _ = Price::new();
}
