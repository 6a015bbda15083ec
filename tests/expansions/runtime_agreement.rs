//! The attribute accepts a literal if and only if the runtime accepts the same value.
//!
//! The attribute alone checks literals while the user's crate compiles. This file covers numbers and durations,
//! alone and combined. `tests/it/attribute_settings.rs` and `attribute_keys.rs` cover names and `max_keys`.

use std::cell::Cell;
use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use quote::quote;

use crate::recover::expand_or_report;

const CASES: u32 = 5000;

/// A key of the attribute, and the builder's method for it.
#[derive(Clone, Copy, Debug)]
enum Key {
    Count(&'static str, fn(ConfigBuilder, u32) -> ConfigBuilder),
    Real(&'static str, fn(ConfigBuilder, f64) -> ConfigBuilder),
    Time(&'static str, fn(ConfigBuilder, Duration) -> ConfigBuilder),
}

const KEYS: [Key; 19] = [
    Key::Count("failure_threshold", ConfigBuilder::failure_threshold),
    Key::Count("consecutive_failures", ConfigBuilder::consecutive_failures),
    Key::Real("failure_rate", ConfigBuilder::failure_rate),
    Key::Count("window", ConfigBuilder::window_calls),
    Key::Time("window", ConfigBuilder::window_time),
    Key::Count("minimum_calls", ConfigBuilder::minimum_calls),
    Key::Time("slow_call", ConfigBuilder::slow_call),
    Key::Real("slow_call_rate", ConfigBuilder::slow_call_rate),
    Key::Time("recovery_timeout", ConfigBuilder::recovery_timeout),
    Key::Real("backoff", ConfigBuilder::backoff),
    Key::Time("max_recovery_timeout", ConfigBuilder::max_recovery_timeout),
    Key::Real("jitter", ConfigBuilder::jitter),
    Key::Count("half_open_max_calls", ConfigBuilder::half_open_max_calls),
    Key::Count("success_threshold", ConfigBuilder::success_threshold),
    Key::Time("half_open_timeout", ConfigBuilder::half_open_timeout),
    Key::Time("ramp", ConfigBuilder::ramp),
    Key::Time("hang", ConfigBuilder::hang),
    Key::Count("max_concurrent", ConfigBuilder::max_concurrent),
    Key::Time("max_wait", ConfigBuilder::max_wait),
];

/// Values at and around every limit, most of them valid.
const COUNTS: [u32; 13] =
    [1, 2, 3, 10, 100, 1024, 1025, 1_000_000, 1_000_001, 16_777_215, 16_777_216, u32::MAX, 0];
const REALS: [f64; 10] = [0.1, 0.5, 0.999_999, 1.0, 1.0, 1.000_001, 2.0, 1e308, 1e-300, 0.0];
const SECONDS: [u64; 8] = [1, 2, 29, 30, 31, 300, 5_000_000_000, 0];

/// Number of cases by result.
#[derive(Clone, Copy, Default)]
struct Tally {
    accepted: u32,
    rejected: u32,
}

#[test]
fn the_attribute_accepts_exactly_the_settings_that_the_runtime_accepts() {
    let window_keys = subsequence(KEYS[2..8].to_vec(), 2..5);
    let keys = prop_oneof![subsequence(KEYS.to_vec(), 0..6), window_keys];
    let values = (select(&COUNTS), select(&REALS), select(&SECONDS));
    let input = (keys, proptest::collection::vec(values, KEYS.len()));
    let tally = Cell::new(Tally::default());
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&input, |(keys, values)| {
        let mut arguments = Vec::new();
        let mut builder = Config::builder();
        for (key, (count, real, seconds)) in keys.into_iter().zip(values) {
            let (name, value);
            (name, value, builder) = match key {
                Key::Count(name, set) => (name, count.to_string(), set(builder, count)),
                Key::Real(name, set) => (name, format!("{real:?}"), set(builder, real)),
                Key::Time(name, set) => {
                    (name, format!("\"{seconds}s\""), set(builder, Duration::from_secs(seconds)))
                }
            };
            arguments.push(format!("{name} = {value}"));
        }
        prop_assume!(is_comparable(&arguments));
        // Without `backoff`, `max_recovery_timeout` needs it in an attribute.
        arguments.push("retry_after = hint".to_owned());
        let (text, runtime) = (arguments.join(", "), builder.build());
        let is_accepted = is_accepted(&text);
        prop_assert_eq!(is_accepted, runtime.is_ok(), "`{}`: the runtime returns {:?}", text, runtime);
        let Tally { accepted, rejected } = tally.get();
        tally.set(Tally {
            accepted: accepted + u32::from(is_accepted),
            rejected: rejected + u32::from(!is_accepted),
        });
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    let Tally { accepted, rejected } = tally.get();
    assert!(accepted > CASES / 10 && rejected > CASES / 10, "{accepted} accepted, {rejected} rejected");
}

/// Returns `false` for the two inputs that the attribute rejects although the builder accepts them.
fn is_comparable(arguments: &[String]) -> bool {
    let has_two_windows = arguments.iter().filter(|one| one.starts_with("window")).count() > 1;
    // A wait of zero is the builder's default, but written out it has no effect without `max_concurrent`.
    let may_wait = arguments.iter().any(|one| one.starts_with("max_concurrent"));
    let has_useless_wait = !may_wait && arguments.iter().any(|one| one == "max_wait = \"0s\"");
    !has_two_windows && !has_useless_wait
}

fn is_accepted(arguments: &str) -> bool {
    let arguments = arguments.parse().expect("the arguments are valid tokens");
    let function = quote!(
        fn price() -> Result<u64, E> {}
    );
    !expand_or_report(arguments, function).to_string().contains("compile_error")
}
