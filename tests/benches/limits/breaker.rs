//! The rows of this crate, with the settings of the same rows of `table`.

use std::hint::black_box;

use breaker_runtime::circuit_breaker;

use super::keys;
use super::work::{WorkResult, repeat, work, work_or_fail};

#[circuit_breaker(name = "closed")]
fn closed_function(number: u64) -> WorkResult {
    work(number)
}

pub(crate) fn closed(calls: u64) {
    repeat(calls, |number| _ = black_box(closed_function(number)));
}

#[circuit_breaker(name = "failing")]
fn failing_function(number: u64) -> WorkResult {
    work_or_fail(10, number)
}

pub(crate) fn failing(calls: u64) {
    repeat(calls, |number| _ = black_box(failing_function(number)));
}

#[circuit_breaker(name = "count window", window = 100, failure_rate = 0.5)]
fn failing_function_in_window(number: u64) -> WorkResult {
    work_or_fail(64, number)
}

pub(crate) fn in_failing_window(calls: u64) {
    repeat(calls, |number| _ = black_box(failing_function_in_window(number)));
}

#[circuit_breaker(name = "bounded", max_concurrent = 100)]
fn bounded_function(number: u64) -> WorkResult {
    work(number)
}

pub(crate) fn bounded(calls: u64) {
    repeat(calls, |number| _ = black_box(bounded_function(number)));
}

#[circuit_breaker(name = "time window", window = "60s", failure_rate = 0.5)]
fn function_in_time_window(number: u64) -> WorkResult {
    work(number)
}

pub(crate) fn in_time_window(calls: u64) {
    repeat(calls, |number| _ = black_box(function_in_time_window(number)));
}

#[circuit_breaker(name = "keyed", key = host)]
fn function_of_host(host: &str, number: u64) -> WorkResult {
    work(number)
}

pub(crate) fn keyed(calls: u64) {
    keys::with_each(calls, |host, number| _ = black_box(function_of_host(host, number)));
}
