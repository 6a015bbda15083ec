use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "payment")]
fn price() -> u32 {
    1
}

#[circuit_breaker(name = "order")]
async fn order() -> Option<u32> {
    Some(1)
}

fn main() {}
