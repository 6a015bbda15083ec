use breaker_runtime::circuit_breaker;

#[circuit_breaker(failure_if(_), ignore_if = is_ours, fallback = |_| std::process::exit(1))]
fn serve() -> ! {
    std::process::exit(0)
}

fn main() {}
