use breaker_runtime::circuit_breaker;

#[circuit_breaker(fallback = |_| std::process::exit(1))]
async fn price() -> u32 {
    1
}

fn main() {}
