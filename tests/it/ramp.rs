//! A circuit with `ramp` closes gradually after its trial calls have passed.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::integrations::prometheus;
use breaker_runtime::{
    BreakerError, Config, ConfigBuilder, ErrorKind, Mode, Outcome, Ramp, Registry, State, circuit_breaker,
    testing,
};

use crate::support::{Fixture, NANO, RECOVERY, poll_once, seconds, settings};

const RAMP: Duration = Duration::from_secs(40);

fn ramping_settings() -> ConfigBuilder {
    settings().ramp(RAMP)
}

impl Fixture {
    /// Returns a fixture whose circuit has just closed.
    fn closing(settings: ConfigBuilder) -> Self {
        let fixture = Self::with(settings);
        fixture.recover();
        fixture
    }

    /// Opens the circuit, and closes it by trial calls.
    fn recover(&self) {
        self.trip();
        self.clock.advance(RECOVERY);
        self.call_times(Outcome::Success, 2);
        assert_eq!(self.breaker.state(), State::Closed);
    }

    fn ramp(&self) -> Option<Ramp> {
        self.breaker.snapshot().ramp
    }

    /// Returns how many of this number of calls are admitted.
    fn admitted(&self, calls: u32) -> u32 {
        let admits =
            |_: &u32| self.breaker.try_acquire().map(|permit| permit.settle(Outcome::Success)).is_ok();
        u32::try_from((0..calls).filter(admits).count()).unwrap()
    }

    /// Makes calls until one is admitted, and ends it with `outcome`.
    fn call_when_admitted(&self, outcome: Outcome) {
        let mut permits = std::iter::repeat_with(|| self.breaker.try_acquire()).flatten();
        permits.next().unwrap().settle(outcome);
    }
}

#[test]
fn after_the_trials_the_admitted_share_grows_from_five_to_a_hundred_percent() {
    let fixture = Fixture::closing(ramping_settings());
    for expected in [50, 288, 525, 763] {
        let share = fixture.ramp().unwrap().share;
        assert!((share * 1000.0 - f64::from(expected)).abs() < 1.0, "{share}");
        let admitted = fixture.admitted(1000);
        assert!(admitted.abs_diff(expected) <= 3, "{admitted} of 1000 at {share}");
        fixture.clock.advance(RAMP / 4);
    }
    assert_eq!((fixture.ramp(), fixture.admitted(1000)), (None, 1000));
}

#[test]
fn a_ramp_ends_at_exactly_its_time() {
    let fixture = Fixture::closing(ramping_settings());
    fixture.clock.advance(RAMP - NANO);
    let Ramp { share, remaining, .. } = fixture.ramp().unwrap();
    assert!(share > 0.999 && share < 1.0 && remaining == NANO, "{share}");
    fixture.clock.advance(NANO);
    assert_eq!(fixture.ramp(), None);
    fixture.clock.advance(RAMP);
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
}

#[test]
fn a_test_clock_admits_the_same_calls_in_each_run() {
    let admitted = [(); 2].map(|()| {
        let fixture = Fixture::closing(ramping_settings());
        fixture.clock.advance(RAMP / 2);
        [(); 64].map(|()| !fixture.rejects())
    });
    assert_eq!(admitted[0], admitted[1]);
    assert!(admitted[0].contains(&true) && admitted[0].contains(&false));
}

#[test]
fn the_system_clock_admits_some_calls_and_rejects_others() {
    let config = Config::builder().failure_threshold(1).success_threshold(1).recovery_timeout(NANO);
    let config = config.half_open_timeout(RECOVERY).ramp(Duration::from_secs(1_000_000)).build().unwrap();
    let breaker = breaker_runtime::CircuitBreaker::new("real time", config).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    let admitted = (0..4000).filter(|_| breaker.try_acquire().is_ok()).count();
    // 200 are expected, with a standard deviation of 14.
    assert!((60..=340).contains(&admitted), "{admitted}");
    let rejected = breaker.snapshot().totals.rejections.ramping;
    assert_eq!(usize::try_from(rejected).unwrap(), 4000 - admitted);
}

#[test]
fn a_call_that_the_ramp_rejects_gets_an_error_of_its_own_kind_and_a_short_hint() {
    let fixture = Fixture::closing(ramping_settings());
    let error = std::iter::repeat_with(|| fixture.breaker.try_acquire()).find_map(Result::err).unwrap();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Ramping, Some(seconds(1))));
    let text = r#"circuit breaker "bench" is closing gradually and admits a growing share of calls; call again soon"#;
    assert_eq!(error.to_string(), text);
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.rejections.ramping, totals.rejected), (1, 1));
    fixture.clock.advance(RAMP - Duration::from_millis(20));
    let late = std::iter::repeat_with(|| fixture.breaker.try_acquire()).find_map(Result::err).unwrap();
    assert_eq!(late.retry_after(), Some(Duration::from_millis(20)));
}

#[test]
fn rejections_of_the_ramp_have_a_reason_in_the_metrics_and_the_ramp_is_in_the_json() {
    let fixture = Fixture::closing(ramping_settings());
    let clock = testing::Clock::new();
    let registry = Registry::with_clock(&clock);
    let config = Config::builder().failure_threshold(1).success_threshold(1).ramp(RAMP).build().unwrap();
    let breaker = registry.register("payment", config).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    clock.advance(RECOVERY);
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    clock.advance(RAMP / 2);
    let rejected = (0..100).filter(|_| breaker.try_acquire().is_err()).count();
    let line =
        format!("circuit_breaker_rejections_total{{circuit=\"payment\",reason=\"ramping\"}} {rejected}\n");
    assert!(prometheus::encode(&registry).contains(&line));
    let json = serde_json::to_value(breaker.snapshot()).unwrap();
    assert_eq!(json["ramp"], serde_json::json!({"share": 0.525, "remaining": 20.0}));
    assert_eq!(json["totals"]["rejections"]["ramping"], rejected);
    assert_eq!(fixture.breaker.config().ramp(), Some(RAMP));
}

#[test]
fn a_rule_that_is_met_during_the_ramp_reopens_with_backoff_and_later_it_opens_anew() {
    let fixture = Fixture::closing(ramping_settings().backoff(2.0));
    fixture.call_when_admitted(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 1);
    fixture.call_when_admitted(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(2 * RECOVERY));
    assert_eq!((fixture.breaker.state(), fixture.ramp()), (State::Open, None));
    fixture.clock.advance(2 * RECOVERY);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(4 * RECOVERY));
    fixture.clock.advance(4 * RECOVERY);
    fixture.call_times(Outcome::Success, 2);
    fixture.clock.advance(RAMP);
    fixture.call_times(Outcome::Failure, 2);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(RECOVERY));
}

#[test]
fn a_ramp_that_has_ended_without_a_call_no_longer_counts_as_recovery() {
    let fixture = Fixture::closing(ramping_settings().backoff(2.0));
    let permits = [(); 200].map(|()| fixture.breaker.try_acquire());
    let mut running = permits.into_iter().flatten();
    fixture.clock.advance(RAMP);
    running.by_ref().take(2).for_each(|permit| _ = permit.settle(Outcome::Failure));
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(RECOVERY));
}

#[test]
fn failures_during_the_ramp_count_after_its_end() {
    let fixture = Fixture::closing(ramping_settings().failure_threshold(3));
    (0..2).for_each(|_| fixture.call_when_admitted(Outcome::Failure));
    fixture.clock.advance(RAMP);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 2);
    let other = fixture.permit();
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 2);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
    other.settle(Outcome::Success);
}

#[test]
fn a_call_of_the_ramp_that_ends_after_it_counts() {
    let fixture = Fixture::closing(ramping_settings());
    let early = std::iter::repeat_with(|| fixture.breaker.try_acquire()).flatten().next().unwrap();
    fixture.clock.advance(RAMP);
    fixture.call(Outcome::Failure);
    early.settle(Outcome::Success);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 0);
}

#[test]
fn successes_during_and_after_a_ramp_enter_the_window() {
    for window in [Config::builder().window_calls(100), Config::builder().window_time(seconds(1000))] {
        let config =
            window.failure_rate(1.0).minimum_calls(1).success_threshold(2).recovery_timeout(RECOVERY);
        let fixture = Fixture::closing(config.ramp(RAMP));
        let during = fixture.admitted(200);
        assert_eq!(fixture.window().calls, u64::from(during));
        fixture.clock.advance(RAMP);
        fixture.call_times(Outcome::Success, 20);
        assert_eq!(fixture.window().calls, u64::from(during) + 20);
    }
}

#[test]
fn operators_close_the_circuit_wholly_and_end_a_ramp() {
    let fixture = Fixture::with(ramping_settings());
    fixture.trip();
    fixture.breaker.force_close();
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
    let commands: [fn(&Fixture); 3] = [
        |fixture| fixture.breaker.force_close(),
        |fixture| fixture.breaker.reset(),
        |fixture| fixture.breaker.release(),
    ];
    for command in commands {
        fixture.recover();
        assert!(fixture.ramp().is_some());
        command(&fixture);
        assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
    }
    fixture.recover();
    fixture.breaker.disable();
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
}

#[test]
fn calls_inside_an_admitted_call_are_admitted_with_it() {
    let fixture = Fixture::closing(ramping_settings());
    let inner = || fixture.breaker.call(|| Ok::<_, BreakerError>(1));
    let answers: Vec<_> = (0..400)
        .map(|_| fixture.breaker.call_with(|_| Outcome::Success, inner))
        .filter_map(Result::ok)
        .collect();
    assert!(answers.len() >= 15 && answers.iter().all(Result::is_ok), "{answers:?}");
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!(usize::try_from(totals.successes).unwrap(), 2 + 2 * answers.len());
}

#[test]
fn calls_inside_an_admitted_async_call_are_admitted_with_it_after_it_was_suspended() {
    let fixture = Fixture::closing(ramping_settings());
    let mut returned = 0;
    for _ in 0..400 {
        let mut call = pin!(fixture.breaker.call_async(async {
            let mut polled = false;
            std::future::poll_fn(|_| {
                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            fixture
                .breaker
                .call_async(async { Ok::<_, BreakerError>(1) })
                .await
                .expect("it is inside an admitted call");
            Ok::<_, BreakerError>(2)
        }));
        if poll_once(call.as_mut()).is_pending() {
            assert!(matches!(poll_once(call.as_mut()), Poll::Ready(Ok(2))));
            returned += 1;
        }
    }
    assert!(returned >= 15, "{returned}");
}

#[test]
fn a_permit_inside_an_admitted_call_is_drawn_for_itself() {
    let fixture = Fixture::closing(ramping_settings());
    let mut inside = Vec::new();
    for _ in 0..4000 {
        _ = fixture
            .breaker
            .call_with(|()| Outcome::Success, || inside.push(fixture.breaker.try_acquire().is_ok()));
    }
    assert!(inside.contains(&false), "{}", inside.len());
}

#[test]
fn shadow_mode_rejects_no_call_of_a_ramp() {
    let fixture = Fixture::closing(ramping_settings());
    fixture.set_config(ramping_settings().mode(Mode::Shadow));
    assert_eq!(fixture.admitted(100), 100);
    let snapshot = fixture.breaker.snapshot();
    assert!(snapshot.shadow_rejections.abs_diff(95) <= 3, "{}", snapshot.shadow_rejections);
    assert_eq!(snapshot.totals.rejected, 0);
}

#[test]
fn new_settings_change_end_or_keep_a_ramp_and_never_begin_one() {
    let fixture = Fixture::closing(ramping_settings());
    fixture.clock.advance(seconds(10));
    fixture.set_config(settings().ramp(seconds(100)));
    let ramp = fixture.ramp().unwrap();
    assert!(ramp.remaining == seconds(90) && (ramp.share - 0.145).abs() < 1e-9, "{ramp:?}");
    assert!(fixture.admitted(1000).abs_diff(145) <= 3);
    fixture.set_config(settings().ramp(seconds(20)));
    assert!((fixture.ramp().unwrap().share - 0.525).abs() < 1e-9);
    fixture.set_config(settings().ramp(seconds(10)));
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
    fixture.set_config(settings().ramp(RAMP));
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
    fixture.recover();
    fixture.set_config(settings());
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
    fixture.recover();
    assert_eq!(fixture.ramp(), None);
}

#[test]
fn a_ramp_of_max_is_thirty_days_long() {
    let fixture = Fixture::closing(settings().ramp(Duration::MAX));
    assert_eq!(fixture.ramp().unwrap().remaining, seconds(30 * 86_400));
    fixture.clock.advance(seconds(15 * 86_400));
    assert!((fixture.ramp().unwrap().share - 0.525).abs() < 1e-9);
    fixture.clock.advance(seconds(15 * 86_400));
    assert_eq!((fixture.ramp(), fixture.admitted(100)), (None, 100));
}

#[test]
fn each_key_has_a_ramp_of_its_own_and_is_not_evicted_during_it() {
    let clock = testing::Clock::new();
    let config = Config::builder().failure_threshold(1).success_threshold(1).ramp(RAMP).build().unwrap();
    let hosts = Registry::with_clock(&clock).register_keyed("host", config, 1).unwrap();
    hosts.get("eu").try_acquire().unwrap().settle(Outcome::Failure);
    clock.advance(RECOVERY);
    hosts.get("eu").try_acquire().unwrap().settle(Outcome::Success);
    assert_eq!(hosts.get("us").key(), None, "it is the overflow circuit");
    assert_eq!(hosts.get("us").snapshot().ramp, None);
    assert!(hosts.snapshot().ramp.is_some() && hosts.get("eu").snapshot().ramp.is_some());
    clock.advance(RAMP);
    assert_eq!(hosts.get("us").key(), Some("us"));
}

#[test]
fn a_rejection_by_the_ramp_takes_no_bulkhead_slot() {
    let fixture = Fixture::closing(ramping_settings().max_concurrent(3));
    let running: Vec<_> = (0..400).filter_map(|_| fixture.breaker.try_acquire().ok()).collect();
    assert_eq!((running.len(), fixture.calls_in_flight()), (3, 3));
    let rejections = fixture.breaker.snapshot().totals.rejections;
    assert!(rejections.ramping.abs_diff(380) <= 3 && rejections.bulkhead.abs_diff(17) <= 3, "{rejections:?}");
    drop(running);
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_trial_call_that_waited_while_the_circuit_closed_is_subject_to_the_ramp() {
    let fixture =
        Fixture::with(ramping_settings().max_concurrent(1).max_wait(Duration::MAX).success_threshold(1));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    let mut waiting: Pin<Box<dyn Future<Output = Result<(), BreakerError>>>> =
        Box::pin(fixture.breaker.call_async(async { Ok(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    trial.settle(Outcome::Success);
    let Poll::Ready(Err(error)) = poll_once(waiting.as_mut()) else {
        panic!("the first number is above 0.05")
    };
    assert_eq!((error.kind(), fixture.calls_in_flight()), (ErrorKind::Ramping, 0));
}

#[circuit_breaker(name = "ramp/quote", failure_threshold = 1, success_threshold = 1, ramp = "40s")]
fn quote(sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

#[test]
fn an_annotated_function_ramps() {
    testing::scope(|scope| {
        quote("tea").unwrap();
        testing::trip("ramp/quote");
        scope.advance(RECOVERY);
        quote("tea").unwrap();
        scope.advance(RAMP / 2);
        let rejected = (0..100).filter_map(|_| quote("tea").err()).collect::<Vec<_>>();
        assert!(rejected.len().abs_diff(48) <= 3, "{}", rejected.len());
        assert!(rejected.iter().all(|error| error.kind() == ErrorKind::Ramping));
        scope.advance(RAMP / 2);
        (0..100).for_each(|_| assert_eq!(quote("tea").unwrap(), 3));
    });
}
