//! A call that may time out. The fallback receives clones of the arguments that it uses.

use breaker_runtime::BreakerError;

#[breaker_runtime::circuit_breaker(name = "charge", call_timeout = "2s", fallback = cached)]
async fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    drop(order);
    Ok(note.to_owned())
}

fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}

#[breaker_runtime::circuit_breaker(name = "price", call_timeout = "2s", fallback = |error| format!("{sku}: {error}"))]
async fn price(mut sku: String, amount: Box<u32>) -> String {
    sku.push('x');
    format!("{sku}{amount}")
}

#[breaker_runtime::circuit_breaker(name = "ping", call_timeout = "2s")]
async fn ping() -> Result<(), BreakerError> {
    Ok(())
}

fn main() {
    drop((charge("tea".to_owned(), ""), price("tea".to_owned(), Box::new(1)), ping()));
}
