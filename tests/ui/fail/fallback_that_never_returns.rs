use breaker_runtime::circuit_breaker;

#[circuit_breaker(fallback = |_| panic!("there is no price"))]
async fn price() -> u32 {
    1
}

fn main() {}
