use breaker_runtime::circuit_breaker;

#[derive(Debug)]
struct PriceError;

#[circuit_breaker(name = "payment")]
fn price() -> Result<u32, PriceError> {
    Err(PriceError)
}

#[circuit_breaker(name = "order")]
async fn order() -> Result<u32, PriceError> {
    Err(PriceError)
}

fn main() {}
