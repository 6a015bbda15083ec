//! Memory of circuit breakers, in bytes that are allocated and not freed, including the value itself.
//!
//! `cargo bench -p breaker-benches --bench memory`
//!
//! The allocator of the system adds up to 16 bytes to each allocation. The row of resident memory, which needs Linux,
//! includes them. `--write` also writes the table of the performance page. Figures are never checked here; `tests/soak`
//! checks some of them.

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
    let mut table =
        format!("{}, {} bits.\n\n| kept in memory | bytes |\n|---|---|\n", pages::conditions(), usize::BITS);
    // Measured first, because the resident memory does not grow where other rows have left free memory.
    let keys = keys();
    for row in [own(), keys, peers()].concat() {
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

/// Measures keys of 20 bytes. The second row is the growth of the process.
fn keys() -> Vec<String> {
    let registry = Registry::new();
    let breaker = registry.register_keyed("host", Config::default(), KEYS).expect("the name is new");
    let before = resident();
    let fill = || (0..KEYS).for_each(|number| _ = breaker.get(&format!("host-{number:07}.example")));
    let allocated = allocation_counter::measure(fill).bytes_current;
    let mut rows = vec![row("one of 1,000,000 keys of 20 bytes", KEYS, allocated)];
    if let Some((before, after)) = before.zip(resident()) {
        rows.push(row("one of 1,000,000 keys of 20 bytes, resident memory", KEYS, after - before));
    }
    rows
}

/// Returns a row with the memory of one of `count` values. All of them exist at the same time.
fn each<T>(name: &str, count: u32, make: impl Fn(u32) -> T) -> String {
    // Statics, and what the first value allocates for all.
    drop(make(count));
    let mut values = Vec::new();
    row(name, count, allocation_counter::measure(|| values = (0..count).map(&make).collect()).bytes_current)
}

fn row(name: &str, count: u32, bytes: i64) -> String {
    let each = (bytes + i64::from(count) / 2) / i64::from(count);
    format!("| {name} | {each} |")
}

/// Returns the resident memory of this process in bytes, if the system is Linux.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<i64>().ok()?)
}
