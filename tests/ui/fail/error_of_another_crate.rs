use std::io;
use std::num::ParseIntError;

use breaker_runtime::circuit_breaker;

#[circuit_breaker]
fn price() -> io::Result<u32> {
    Ok(1)
}

#[circuit_breaker]
async fn order() -> Result<u32, ParseIntError> {
    "1".parse()
}

fn main() {}
