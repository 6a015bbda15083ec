use breaker_runtime::circuit_breaker;

#[circuit_breaker(failure_if(_), ignore_if = is_ours, retry_after = hint, fallback = |_| std::process::exit(1), fallback_on = failure)]
fn serve() -> ! {
    std::process::exit(0)
}

fn main() {}
