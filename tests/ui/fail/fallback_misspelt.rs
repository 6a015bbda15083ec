use breaker_runtime::circuit_breaker;

// One error: the function has a fallback, it is only misspelt.
#[circuit_breaker(name = "payment", fallbak = |_| ())]
fn pay() {}

fn main() {
    pay();
}
