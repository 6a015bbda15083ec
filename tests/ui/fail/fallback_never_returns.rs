use breaker_runtime::circuit_breaker;

#[circuit_breaker(fallback = |_| stop())]
async fn price() -> u32 {
    1
}

fn stop() -> ! {
    std::process::exit(1)
}

fn main() {}
