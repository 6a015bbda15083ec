//! Memory of circuit breakers, in bytes that are allocated and not freed, including the value itself.
//!
//! `cargo bench -p breaker-benches --bench memory`
//!
//! The allocator of the system adds up to 16 bytes to each allocation. The last column is the growth of the resident
//! memory of the process, which includes them; it is measured on Linux, for many circuits at once. `--write` also writes
//! the table of the performance page. Figures are never checked here; `tests/soak` checks some of them.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

mod pages;
mod peers;
#[allow(dead_code, reason = "the bench `table` uses the rest")]
mod work;

use std::fmt::Write as _;
use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Registry};
use tower::service_fn;
use work::{work_async, work_or_fail};

const BREAKERS: u32 = 10_000;
const KEYS: u32 = 1_000_000;

fn main() {
    let mut table = format!(
        "{}, 64 bits.\n\n| kept in memory | bytes for each | resident |\n|---|---|---|\n",
        pages::conditions()
    );
    for row in [own(), peers()].concat() {
        _ = writeln!(table, "{row}");
    }
    println!("{table}");
    if std::env::args().any(|arg| arg == "--write") {
        pages::replace(pages::PERFORMANCE, "memory", &table);
    }
}

fn own() -> Vec<String> {
    let second = Duration::from_secs(1);
    let counted = |length| Config::builder().window_calls(length).failure_rate(1.0);
    vec![
        breakers("circuit breaker", 0, Config::builder()),
        registered(),
        keys(1000),
        keys(KEYS),
        breakers("circuit breaker with `max_concurrent`", 10, Config::builder().max_concurrent(10)),
        breakers("circuit breaker with `durations`", 10, Config::builder().durations(true)),
        breakers("count-based window of 100 calls, half of them failures", 200, counted(100)),
        breakers("count-based window of 10,000 calls, half of them failures", 20_000, counted(10_000)),
        breakers("time-based window", 100, Config::builder().window_time(second * 60).failure_rate(1.0)),
    ]
}

fn peers() -> Vec<String> {
    vec![
        each("recloser, window of 100 calls", BREAKERS, |_| peers::recloser()),
        each("failsafe", BREAKERS, |_| peers::failsafe()),
        each("failsafe, time-based window", BREAKERS, |_| peers::failsafe_in_time()),
        each("breaker crate 2.0 (unrelated), window of 100 calls", BREAKERS, |_| peers::breaker(100)),
        each("tower-resilience, five in a row", BREAKERS, |_| service(&peers::tower_in_a_row())),
        each("tower-resilience, window of 100 calls", BREAKERS, |_| service(&peers::tower_window())),
        each("seatbelt, time-based window", BREAKERS, |_| peers::seatbelt(work_async)),
    ]
}

fn service(layer: &peers::TowerLayer) -> impl Sized + use<> {
    layer.layer_fn(service_fn(work_async))
}

/// Measures breakers after this number of calls, every second of which fails.
fn breakers(name: &str, calls: u32, config: ConfigBuilder) -> String {
    let config = config.build().expect("the settings are valid");
    each(name, if calls > 1000 { 100 } else { BREAKERS }, |_| {
        let breaker = CircuitBreaker::new("payment", config.clone()).expect("the name is valid");
        for number in 0..u64::from(calls) {
            _ = breaker.call(|| work_or_fail(2, number + 1));
        }
        breaker
    })
}

/// Measures breakers with a name of 15 bytes and the entry in their registry.
fn registered() -> String {
    let registry = Registry::new();
    each("registered circuit breaker, name of 15 bytes", BREAKERS, |number| {
        registry.register(format!("payment/{number:07}"), Config::default()).expect("the name is new")
    })
}

fn keys(keys: u32) -> String {
    let registry = Registry::new();
    let breaker = registry.register_keyed("host", Config::default(), keys).expect("the name is new");
    each(&format!("key of 20 bytes, one of {keys}"), keys, |number| {
        _ = breaker.get(&format!("host-{number:07}.example"));
    })
}

/// Returns a row with the memory of one of `count` values. All of them exist at the same time.
fn each<T>(name: &str, count: u32, make: impl Fn(u32) -> T) -> String {
    // Statics, and what the first value allocates for all.
    drop(make(0));
    let (mut values, before) = (Vec::new(), resident());
    let allocated = allocation_counter::measure(|| values = (0..count).map(&make).collect()).bytes_current;
    let resident = resident().zip(before).map(|(after, before)| after.saturating_sub(before));
    let share = |bytes: i64| (bytes + i64::from(count) / 2) / i64::from(count);
    let resident = resident.and_then(|bytes| i64::try_from(bytes).ok());
    let resident = resident.filter(|_| count >= KEYS).map_or(String::new(), |bytes| share(bytes).to_string());
    format!("| {name} | {} | {resident} |", share(allocated))
}

/// Returns the resident memory of this process in bytes, if the system is Linux.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}
