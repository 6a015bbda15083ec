//! What the attribute accepts, the runtime accepts: a literal is checked by the attribute, and by nobody after it.
//! Here are the numbers and the times, alone and together; the longest name and the most keys are in
//! `tests/it/attribute_rules.rs` and `attribute_keys.rs`.

use std::cell::Cell;
use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use quote::quote;

use crate::recover::expand_or_explain;

const CASES: u32 = 5000;

/// A key, and how it is written and meant.
#[derive(Clone, Copy, Debug)]
enum Key {
    Count(&'static str, fn(ConfigBuilder, u32) -> ConfigBuilder),
    Real(&'static str, fn(ConfigBuilder, f64) -> ConfigBuilder),
    Time(&'static str, fn(ConfigBuilder, Duration) -> ConfigBuilder),
}

const KEYS: [Key; 17] = [
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
    Key::Count("max_concurrent", ConfigBuilder::max_concurrent),
    Key::Time("max_wait", ConfigBuilder::max_wait),
];

/// Around every limit that there is, and mostly within them.
const COUNTS: [u32; 13] =
    [1, 2, 3, 10, 100, 1024, 1025, 1_000_000, 1_000_001, 16_777_215, 16_777_216, u32::MAX, 0];
const REALS: [f64; 10] = [0.1, 0.5, 0.999_999, 1.0, 1.0, 1.000_001, 2.0, 1e308, 1e-300, 0.0];
const SECONDS: [u64; 8] = [1, 2, 29, 30, 31, 300, 5_000_000_000, 0];

#[test]
fn what_the_attribute_accepts_the_runtime_accepts_and_nothing_else() {
    let of_windows = subsequence(KEYS[2..8].to_vec(), 2..5);
    let keys = prop_oneof![subsequence(KEYS.to_vec(), 0..6), of_windows];
    let values = (select(&COUNTS), select(&REALS), select(&SECONDS));
    let given = (keys, proptest::collection::vec(values, KEYS.len()));
    let tally = Cell::new((0, 0));
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&given, |(keys, values)| {
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
        let has_two_windows = arguments.iter().filter(|one| one.starts_with("window")).count() > 1;
        // To wait for no time is the builder's default; whoever writes it down expects something of it.
        let may_wait = arguments.iter().any(|one| one.starts_with("max_concurrent"));
        let waits_for_nothing = !may_wait && arguments.iter().any(|one| one == "max_wait = \"0s\"");
        prop_assume!(!has_two_windows && !waits_for_nothing);
        let (text, runtime) = (arguments.join(", "), builder.build());
        let accepts = is_accepted(&text);
        prop_assert_eq!(accepts, runtime.is_ok(), "`{}`: the runtime says {:?}", text, runtime);
        let (accepted, refused) = tally.get();
        tally.set((accepted + u32::from(accepts), refused + u32::from(!accepts)));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    let (accepted, refused) = tally.get();
    assert!(accepted > CASES / 10 && refused > CASES / 10, "{accepted} accepted, {refused} refused");
}

fn is_accepted(arguments: &str) -> bool {
    let arguments = arguments.parse().expect("these are tokens");
    let function = quote!(
        fn price() -> Result<u64, E> {}
    );
    !expand_or_explain(arguments, function).to_string().contains("compile_error")
}
