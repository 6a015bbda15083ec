//! Faulty async functions, most of them named after the lint that reports the fault.

#![warn(
    clippy::pedantic,
    missing_docs,
    rust_2018_idioms,
    rust_2024_compatibility,
    single_use_lifetimes,
    unreachable_pub,
    unsafe_code,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]

use std::future::ready;
use std::sync::Mutex;

#[cfg(protected)]
use breaker_runtime::circuit_breaker;
use breaker_runtime::BreakerError;

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unused_variables(number: u32) -> u32 {
    let unused = 1;
    ready(2).await
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unused_mut(mut number: u32) -> u32 {
    let mut other = number;
    ready(other).await
}

#[cfg_attr(protected, circuit_breaker)]
async fn dead_code() -> Result<u32, BreakerError> {
    ready(Ok(1)).await
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unused_must_use() -> u32 {
    use std::collections::HashMap;
    ready(1);
    std::fs::remove_file("x");
    unused_variables(1);
    ready(1).await
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unreachable_code(number: u32) -> u32 {
    if number > 1 {
        return 5;
        println!("{number}");
    }
    ready(()).await;
    panic!("always");
    7
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unused_braces(number: u32) -> u32 {
    { ready(number).await }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unused_parens(number: u32) -> u32 {
    (ready(number).await)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn needless_return(number: u32) -> u32 {
    return ready(number).await;
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub async fn needless_return_of_nothing() {
    ready(1).await;
    return;
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn needless_return_in_branches(number: u32) -> u32 {
    ready(()).await;
    if number > 1 {
        return number;
    } else {
        match number {
            0 => return 1,
            _ => return 2,
        }
    }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn let_and_return(number: u32) -> u32 {
    let more = ready(number + 1).await;
    more
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub async fn let_unit_value(number: u32) {
    let unit = ready(()).await;
    let more = println!("{number}");
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn blocks_in_conditions(number: u32) -> u32 {
    if {
        let more = ready(number + 1).await;
        more > 2
    } {
        1
    } else {
        2
    }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn unused_async(number: u32) -> u32 {
    number + 1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn needless_pass_by_value(text: String, list: Vec<u32>) -> usize {
    ready(()).await;
    text.len() + list.len()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn ptr_arg(text: &String, list: &Vec<u32>) -> usize {
    ready(()).await;
    text.len() + list.len()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| text))]
pub async fn needless_lifetimes<'a>(text: &'a str) -> &'a str {
    ready(()).await;
    text.trim()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| Ok(1)))]
async fn unnecessary_wraps(number: u32) -> Result<u32, BreakerError> {
    ready(()).await;
    Ok(number)
}

#[cfg_attr(protected, circuit_breaker)]
pub async fn missing_errors_doc(number: u32) -> Result<u32, BreakerError> {
    unnecessary_wraps(number).await?;
    Ok(unnecessary_wraps(number).await?)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn missing_panics_doc(text: &str) -> u32 {
    ready(()).await;
    assert!(!text.is_empty());
    text.parse().unwrap()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn await_holding_lock(list: &Mutex<Vec<usize>>) -> usize {
    let guard = list.lock().unwrap();
    ready(()).await;
    guard.len()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn large_futures(number: usize) -> usize {
    let large = async {
        let block = [number; 10_000];
        ready(()).await;
        block.len()
    };
    large.await
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub async fn semicolon_if_nothing_returned(list: &mut Vec<u32>) {
    ready(()).await;
    list.clear()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| panic!()))]
pub async fn async_yields_async() -> std::future::Ready<u32> {
    ready(()).await;
    ready(1)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub async fn too_many_arguments(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) -> u32 {
    ready(a + b + c + d + e + f + g + h).await
}

pub struct Shop(u32);

impl Shop {
    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    pub async fn unused_self(&self) -> u32 {
        ready(1).await
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    pub async fn into_number(&self) -> u32 {
        return ready(self.0).await;
    }
}

/// A policy.
pub const POLICY: breaker_runtime::ConfigBuilder = breaker_runtime::Config::builder().max_concurrent(5);

#[cfg_attr(protected, circuit_breaker(config = POLICY, failure_threshold = 3, fallback = |_| number))]
pub async fn with_policy(number: u32) -> u32 {
    let unused = number;
    return ready(1).await;
}

#[cfg_attr(protected, circuit_breaker(call_timeout = "1s", max_concurrent = 5, max_wait = "1s", key = number, fallback = |_| 0))]
pub async fn all_keys(number: u32) -> u32 {
    let unused = number;
    return ready(1).await;
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn boxed(number: u32) -> std::pin::Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move {
        let unused = 1;
        return ready(number).await;
    })
}

/// Has no fault.
#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
#[forbid(warnings, clippy::all, clippy::pedantic)]
pub async fn all_lints_forbidden(number: u32) -> u32 {
    ready(number + 1).await
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
#[allow(warnings, clippy::all, clippy::pedantic)]
async fn all_lints_allowed(number: u32) -> u32 {
    let unused = number;
    return number;
}
