#![allow(internal_features)]

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "payment", fallback = |_| 0)]
unsafe extern "C" fn print(format: i32, ...) -> i32 {
    format
}

fn main() {}
