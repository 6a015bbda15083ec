//! Settings that belong together are changed and read together: a call that ends or arrives while settings change
//! is never judged by one half of the old settings and one half of the new ones.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, scope, yield_now};
use std::time::Duration;

use breaker_runtime::{BreakerError, Config, ConfigBuilder, Mode, Outcome, State};
use tokio::runtime;

use crate::support::{Fixture, poll_once, seconds, settings};

/// Runs `calls` while another thread switches between two settings, each time after `failures_between` failures.
fn while_switching(fixture: &Fixture, pair: [ConfigBuilder; 2], failures_between: u64, calls: impl FnOnce()) {
    let configs = pair.map(|settings| settings.build().unwrap());
    let is_done = AtomicBool::new(false);
    scope(|threads| {
        let switching = || {
            while !is_done.load(Ordering::Acquire) {
                for config in &configs {
                    fixture.breaker.set_config(config.clone());
                    // Failures enter the new window before it is replaced.
                    let failures = fixture.breaker.snapshot().totals.failures;
                    while fixture.breaker.snapshot().totals.failures < failures + failures_between
                        && !is_done.load(Ordering::Acquire)
                    {
                        yield_now();
                    }
                }
            }
        };
        Builder::new().spawn_scoped(threads, switching).unwrap();
        let done = EndsSwitching(&is_done);
        calls();
        drop(done);
    });
}

/// Ends the other thread, even if an assertion fails.
struct EndsSwitching<'a>(&'a AtomicBool);

impl Drop for EndsSwitching<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Every second call fails, and neither of two settings opens the circuit for that.
fn assert_stays_closed(pair: [ConfigBuilder; 2]) {
    let fixture = Fixture::with(pair[0].clone());
    while_switching(&fixture, pair, 15, || {
        for call in 0..100_000 {
            fixture.call(if call % 2 == 1 { Outcome::Failure } else { Outcome::Success });
            assert_eq!(fixture.breaker.state(), State::Closed, "call {call} opened the circuit");
        }
    });
}

#[test]
fn failures_during_new_settings_are_judged_by_the_rules_of_their_count_based_window() {
    let window = |calls, failures| Config::builder().window_calls(calls).failure_threshold(failures);
    assert_stays_closed([window(10, 10), window(1000, 900)]);
}

#[test]
fn failures_during_new_settings_are_judged_by_the_rules_of_their_kind_of_window() {
    let by_calls = Config::builder().window_calls(10).failure_threshold(10);
    let by_time = Config::builder().window_time(seconds(60)).failure_threshold(1_000_000);
    assert_stays_closed([by_calls, by_time]);
}

/// No call is rejected while the settings switch between two of which neither rejects a call.
fn assert_admits(pair: &[ConfigBuilder; 2]) {
    let fixture = Fixture::with(pair[0].clone());
    while_switching(&fixture, pair.clone(), 0, || {
        scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..5_000 {
                        fixture.breaker.call_with(|()| Outcome::Success, yield_now).unwrap();
                    }
                });
            }
            threads.spawn(|| {
                let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
                for _ in 0..5_000 {
                    let call = fixture.breaker.call_async_with(|()| Outcome::Success, async { yield_now() });
                    runtime.block_on(call).unwrap();
                }
            });
        });
    });
    assert_eq!(fixture.breaker.snapshot().totals.rejected, 0);
}

fn waiting_for_one_slot() -> ConfigBuilder {
    settings().max_concurrent(1).max_wait(Duration::MAX)
}

#[test]
fn a_call_during_new_settings_is_not_rejected_by_the_limit_of_one_and_the_wait_of_the_other() {
    assert_admits(&[waiting_for_one_slot(), settings().max_concurrent(1000)]);
}

#[test]
fn a_call_is_not_rejected_while_the_limit_is_removed() {
    assert_admits(&[waiting_for_one_slot(), settings()]);
}

#[test]
fn a_call_during_new_settings_is_not_rejected_by_the_limit_of_shadow_mode() {
    assert_admits(&[settings().max_concurrent(1).mode(Mode::Shadow), settings().max_concurrent(1000)]);
}

#[test]
fn a_call_that_waits_is_admitted_without_a_wait_by_a_higher_limit_of_settings_without_max_wait() {
    let fixture = Fixture::with(waiting_for_one_slot());
    let _running = fixture.permit();
    let mut waiting = Box::pin(fixture.breaker.call_async(async { Ok::<_, BreakerError>(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    fixture.set_config(settings().max_concurrent(2));
    assert!(poll_once(waiting.as_mut()).is_ready());
}
