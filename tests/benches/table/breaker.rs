//! The rows of this crate: annotated functions, as users write them.

use std::hint::black_box;
use std::sync::OnceLock;

#[cfg(feature = "integrations")]
use breaker_runtime::Config;
use breaker_runtime::{CircuitBreaker, Outcome, Registry, circuit_breaker};
use proc_macro2::TokenStream;

use crate::recover::expand_or_report;

use super::work::{WorkResult, ready, repeat, work, work_async, work_or_fail};

macro_rules! row {
    ($row:ident calls $function:ident $(after $prepare:expr)?) => {
        pub(crate) fn $row(calls: u64) {
            $(
                static PREPARED: OnceLock<()> = OnceLock::new();
                PREPARED.get_or_init(|| $prepare);
            )?
            repeat(calls, |number| _ = black_box($function(number)));
        }
    };
}

#[circuit_breaker(name = "closed")]
fn closed_function(number: u64) -> WorkResult {
    work(number)
}

row!(closed calls closed_function);

/// The path of a call is the same with and without a connection to the fleet, which a task of its own uses.
#[cfg(feature = "integrations")]
#[circuit_breaker(name = "shared", shared = "quorum")]
fn shared_function(number: u64) -> WorkResult {
    work(number)
}

#[cfg(feature = "integrations")]
row!(shared calls shared_function);

/// A function with several callers is usually not inlined, so it needs a stack frame as well.
#[circuit_breaker(name = "closed, not inlined")]
#[inline(never)]
fn closed_not_inlined(number: u64) -> WorkResult {
    work(number)
}

row!(not_inlined calls closed_not_inlined);

#[circuit_breaker(name = "closed, async")]
async fn closed_async(number: u64) -> WorkResult {
    work(number)
}

pub(crate) fn asynchronous(calls: u64) {
    repeat(calls, |number| _ = black_box(ready(closed_async(number))));
}

#[circuit_breaker(name = "count window", window = 100, failure_rate = 0.5)]
fn in_count_window(number: u64) -> WorkResult {
    work(number)
}

row!(count_window calls in_count_window);

/// The window always holds a failure, so each success is recorded in it.
#[circuit_breaker(name = "count window, failing", window = 100, failure_rate = 0.5)]
fn in_failing_count_window(number: u64) -> WorkResult {
    work_or_fail(64, number)
}

row!(failing_count_window calls in_failing_count_window);

#[circuit_breaker(name = "time window", window = "60s", failure_rate = 0.5)]
fn in_time_window(number: u64) -> WorkResult {
    work(number)
}

row!(time_window calls in_time_window);

#[circuit_breaker(name = "timed", durations = true)]
fn timed_function(number: u64) -> WorkResult {
    work(number)
}

row!(timed calls timed_function);

#[cfg(feature = "integrations")]
#[circuit_breaker(name = "with a candidate")]
fn shadowed_function(number: u64) -> WorkResult {
    work(number)
}

#[cfg(feature = "integrations")]
row!(shadowed calls shadowed_function after start_candidate());

#[cfg(feature = "integrations")]
fn start_candidate() {
    let settings = Config::builder().failure_threshold(3);
    let candidate = Registry::global().shadow("with a candidate", "strict", settings);
    candidate.expect("the settings are valid").detach();
}

#[circuit_breaker(name = "keyed", key = host)]
fn of_host(host: &str, number: u64) -> WorkResult {
    work(number)
}

/// Uses a thousand keys in turn, since the cost of a single key depends on the seed of its hash.
pub(crate) fn keyed(calls: u64) {
    static HOSTS: OnceLock<Vec<String>> = OnceLock::new();
    let hosts = HOSTS.get_or_init(|| (0..1000).map(|host| format!("host-{host}")).collect());
    let numbers = 0..calls;
    for (number, host) in numbers.zip(hosts.iter().cycle()) {
        _ = black_box(of_host(black_box(host), number));
    }
}

#[circuit_breaker(name = "bounded", max_concurrent = 100)]
fn bounded_function(number: u64) -> WorkResult {
    work(number)
}

row!(bounded calls bounded_function);

#[circuit_breaker(name = "failing")]
fn failing_function(number: u64) -> WorkResult {
    work_or_fail(10, number)
}

row!(failing calls failing_function);

#[circuit_breaker(name = "open", recovery_timeout = "1d", fallback = |_| Ok(number))]
fn open_with_closure_fallback(number: u64) -> WorkResult {
    work(number)
}

#[circuit_breaker(name = "open", recovery_timeout = "1d", fallback = another)]
fn open_with_function_fallback(number: u64) -> WorkResult {
    work(number)
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the function returns")]
fn another(number: u64) -> WorkResult {
    Ok(number)
}

row!(open calls open_with_function_fallback after hold_open());
row!(open_with_closure calls open_with_closure_fallback after hold_open());

/// Opens the circuit through its rules, not by an operator.
fn hold_open() {
    _ = open_with_function_fallback(1);
    breaker("open").force_close();
    (0..5).for_each(|_| fail_once("open"));
}

/// Expands the attribute. Each expansion counts as a thousand calls, to keep the figure in range of the other rows.
pub(crate) fn expansion(calls: u64) {
    let [arguments, function] = [
        "name = \"payment\", failure_threshold = 5, fallback = cached",
        "pub async fn price(sku: &str) -> Result<u64, PriceError> { ask(sku).await }",
    ]
    .map(|text| text.parse::<TokenStream>().expect("these are tokens"));
    for _ in 0..calls / 1000 {
        black_box(expand_or_report(arguments.clone(), function.clone()));
    }
}

fn fail_once(name: &str) {
    breaker(name).try_acquire().expect("it is closed").settle(Outcome::Failure);
}

fn breaker(name: &str) -> CircuitBreaker {
    Registry::global().get(name).expect("its function was called")
}

/// Returns a line about the bytes that the attribute adds to a future.
pub(crate) fn future_sizes() -> String {
    let (raw, annotated) = (size_of_val(&work_async(1)), size_of_val(&closed_async(1)));
    format!("future: raw {raw} bytes, with the attribute {annotated} bytes")
}
