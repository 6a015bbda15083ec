//! Each setting that a live breaker takes acts on functions of every shape, whatever their attributes declare.

mod shapes;

use std::collections::BTreeSet;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use breaker_runtime::testing::{Scope, scope};
use breaker_runtime::{Adopt, CircuitBreaker, Config, ConfigBuilder, Mode, Outcome, Sharing, State};

use self::shapes::{Answer, Call, Kind, Live, Owned, SHAPES, Shape, Step};
use crate::support::{RECOVERY, poll_once, seconds};

/// A setting, and a check that it acts.
struct Setting {
    /// Its name in the `Debug` output of a config.
    name: &'static str,
    apply: fn(ConfigBuilder) -> ConfigBuilder,
    check: fn(&Subject),
}

const fn setting(
    name: &'static str,
    apply: fn(ConfigBuilder) -> ConfigBuilder,
    check: fn(&Subject),
) -> Setting {
    Setting { name, apply, check }
}

const HOUR: Duration = Duration::from_secs(3600);

const SETTINGS: &[Setting] = &[
    setting(
        "failure_threshold",
        |config| config.failure_threshold(1),
        |subject| {
            subject.fail();
            assert_eq!(subject.state(), State::Open);
        },
    ),
    setting(
        "consecutive_failures",
        |config| config.window_calls(9).consecutive_failures(2),
        |subject| {
            subject.fail();
            assert_eq!(subject.state(), State::Closed);
            subject.fail();
            assert_eq!(subject.state(), State::Open);
        },
    ),
    setting(
        "failure_rate",
        |config| config.window_calls(9).minimum_calls(1).failure_rate(0.5),
        |subject| {
            subject.fail();
            assert_eq!(subject.state(), State::Open);
        },
    ),
    setting(
        "window_calls",
        |config| config.window_calls(2).failure_rate(1.0),
        |subject| {
            (0..3).for_each(|_| subject.succeed());
            assert_eq!(subject.circuit().snapshot().window.unwrap().calls, 2);
        },
    ),
    setting(
        "window_time",
        |config| config.window_time(seconds(60)).failure_rate(1.0),
        |subject| {
            subject.succeed();
            assert_eq!(subject.circuit().snapshot().window.unwrap().calls, 1);
            subject.scope.advance(seconds(61));
            assert_eq!(subject.circuit().snapshot().window.unwrap().calls, 0);
        },
    ),
    setting(
        "minimum_calls",
        |config| config.window_calls(9).minimum_calls(2).failure_rate(0.1),
        |subject| {
            subject.fail();
            assert_eq!(subject.state(), State::Closed);
            subject.fail();
            assert_eq!(subject.state(), State::Open);
        },
    ),
    setting(
        "slow_call",
        |config| slow(config).slow_call(seconds(2)),
        |subject| {
            subject.take(seconds(1));
            assert_eq!(subject.state(), State::Closed);
            subject.take(seconds(2));
            assert_eq!(subject.state(), State::Open);
        },
    ),
    setting(
        "slow_call_rate",
        |config| slow(config).slow_call(seconds(2)).slow_call_rate(0.9),
        |subject| {
            subject.succeed();
            subject.take(seconds(2));
            assert_eq!(subject.state(), State::Closed);
        },
    ),
    setting(
        "recovery_timeout",
        |config| config.recovery_timeout(seconds(7)),
        |subject| {
            assert_eq!(subject.open_time(), seconds(7));
            subject.scope.advance(seconds(7));
            subject.succeed();
        },
    ),
    setting(
        "backoff",
        |config| config.backoff(3.0),
        |subject| {
            assert_eq!(subject.second_open_time(), 3 * RECOVERY);
        },
    ),
    setting(
        "max_recovery_timeout",
        |config| config.backoff(3.0).max_recovery_timeout(seconds(40)),
        |subject| {
            assert_eq!(subject.second_open_time(), seconds(40));
        },
    ),
    setting("jitter", |config| config.jitter(1.0), |subject| assert!(subject.open_time() < RECOVERY)),
    setting(
        "half_open_max_calls",
        |config| config.half_open_max_calls(1),
        |subject| {
            subject.make_due();
            let circuit = subject.circuit();
            let trial = circuit.try_acquire().unwrap();
            assert_eq!(subject.answer(Step::Succeed), Answer::Rejected);
            drop(trial);
            subject.succeed();
        },
    ),
    setting(
        "success_threshold",
        |config| config.success_threshold(1),
        |subject| {
            subject.make_due();
            subject.succeed();
            assert_eq!(subject.state(), State::Closed);
        },
    ),
    setting(
        "half_open_timeout",
        |config| config.half_open_timeout(seconds(2)),
        |subject| {
            subject.make_due();
            let circuit = subject.circuit();
            let trial = circuit.try_acquire().unwrap();
            subject.scope.advance(seconds(2));
            assert_eq!(subject.state(), State::Open);
            drop(trial);
        },
    ),
    setting(
        "ramp",
        |config| config.ramp(HOUR).success_threshold(1),
        |subject| {
            subject.make_due();
            subject.succeed();
            assert_eq!(subject.state(), State::Closed);
            let answers = [(); 100].map(|()| subject.answer(Step::Succeed));
            let admitted = answers.iter().filter(|&&answer| answer == Answer::Returned).count();
            assert!((3..=7).contains(&admitted), "{admitted}");
            subject.scope.advance(HOUR);
            (0..9).for_each(|_| subject.succeed());
        },
    ),
    setting(
        "hang",
        |config| config.hang(seconds(5)),
        |subject| {
            match subject.shape.kind {
                Kind::Sync => subject.take(seconds(5)),
                Kind::Async => {
                    let call = subject.start(Step::Hang);
                    subject.scope.advance(seconds(5));
                    assert_eq!(subject.answer(Step::Succeed), Answer::Rejected);
                    drop(call);
                }
            }
            assert_eq!(subject.state(), State::Open);
        },
    ),
    setting(
        "call_timeout",
        |config| config.call_timeout(seconds(2)),
        |subject| match subject.shape.kind {
            // Nothing can stop a sync call.
            Kind::Sync => subject.take(seconds(3)),
            Kind::Async => {
                let mut call = subject.start(Step::Hang);
                subject.scope.advance(seconds(1));
                assert!(poll_once(call.as_mut()).is_pending());
                subject.scope.advance(seconds(1));
                assert_eq!(poll_once(call.as_mut()), Poll::Ready(Answer::Rejected));
                assert_eq!(subject.circuit().snapshot().totals.timeouts, 1);
            }
        },
    ),
    setting(
        "max_concurrent",
        |config| config.max_concurrent(1),
        |subject| {
            let circuit = subject.circuit();
            let permit = circuit.try_acquire().unwrap();
            assert_eq!(subject.answer(Step::Succeed), Answer::Rejected);
            permit.settle(Outcome::Success);
            subject.succeed();
            assert_eq!(circuit.snapshot().calls_in_flight, Some(0));
        },
    ),
    setting(
        "max_wait",
        |config| config.max_concurrent(1).max_wait(HOUR),
        |subject| match subject.shape.kind {
            Kind::Sync => subject.wait_blocking(),
            Kind::Async => subject.wait_async(),
        },
    ),
    setting(
        "cancelled_after",
        |config| config.cancelled_after(seconds(5)),
        |subject| {
            if subject.shape.kind == Kind::Async {
                let is_failure = [4, 5].map(|time| {
                    let call = subject.start(Step::Hang);
                    subject.scope.advance(seconds(time));
                    drop(call);
                    subject.circuit().snapshot().totals.failures
                });
                assert_eq!(is_failure, [0, 1]);
            }
        },
    ),
    setting(
        "max_open",
        |config| config.failure_threshold(1).max_open(0.5),
        |subject| {
            // It needs keys: without them, it has no effect.
            let expected = match &subject.live {
                Live::One(_) => Answer::Rejected,
                Live::Keyed(keys) => {
                    keys.get("another key").try_acquire().unwrap().settle(Outcome::Failure);
                    Answer::Returned
                }
            };
            subject.fail();
            assert_eq!((subject.state(), subject.answer(Step::Succeed)), (State::Open, expected));
        },
    ),
    setting(
        "durations",
        |config| config.durations(true),
        |subject| {
            subject.take(seconds(3));
            let durations = subject.circuit().snapshot().durations.unwrap();
            assert!(durations.sum() >= seconds(3), "{durations:?}");
        },
    ),
    setting(
        "mode",
        |config| config.mode(Mode::Shadow).failure_threshold(1),
        |subject| {
            subject.fail();
            subject.succeed();
            assert_eq!(subject.circuit().snapshot().shadow_rejections, 1);
        },
    ),
    setting(
        "shared",
        |config| config.shared(Sharing::Quorum).failure_threshold(1),
        |subject| {
            subject.fail();
            assert_eq!(subject.state(), State::Open, "without a fleet, it acts in this process");
        },
    ),
    setting(
        "adopt",
        |config| config.shared(Sharing::First).adopt(Adopt::Always),
        |subject| assert_eq!(subject.circuit().config().adopt(), Adopt::Always),
    ),
    setting(
        "critical",
        |config| config.critical(true),
        |subject| {
            assert!(subject.circuit().snapshot().critical);
        },
    ),
];

fn slow(config: ConfigBuilder) -> ConfigBuilder {
    config.window_calls(2).slow_call_rate(0.5).minimum_calls(2)
}

/// A function in a scope of its own.
struct Subject {
    shape: Shape,
    owned: Owned,
    live: Live,
    scope: Scope,
}

impl Subject {
    /// Calls the function once, so that its circuit exists, and removes this call from its window.
    fn new(shape: Shape, scope: Scope) -> Self {
        let owned = Owned::new();
        let mut first = (shape.call)(&owned, Step::Succeed);
        assert_eq!(poll_once(first.as_mut()), Poll::Ready(Answer::Returned), "{}", shape.name);
        let live = (shape.live)(&owned);
        live.circuit().reset();
        Self { shape, owned, live, scope }
    }

    fn circuit(&self) -> CircuitBreaker {
        self.live.circuit()
    }

    fn state(&self) -> State {
        self.circuit().state()
    }

    /// Starts an async call, which does not end at its first poll.
    fn start(&self, step: Step) -> Call {
        let mut call = (self.shape.call)(&self.owned, step);
        assert!(poll_once(call.as_mut()).is_pending());
        call
    }

    /// Returns the answer of a call that ends at its first poll.
    fn answer(&self, step: Step) -> Answer {
        let mut call = (self.shape.call)(&self.owned, step);
        let Poll::Ready(answer) = poll_once(call.as_mut()) else { panic!("the call waits") };
        answer
    }

    fn succeed(&self) {
        assert_eq!(self.answer(Step::Succeed), Answer::Returned);
    }

    fn fail(&self) {
        assert_eq!(self.answer(Step::Fail), Answer::Failed);
    }

    fn take(&self, time: Duration) {
        assert_eq!(self.answer(Step::Take(self.scope.clone(), time)), Answer::Returned);
    }

    /// Opens the circuit by calls of the function, and returns the time until it admits a trial call.
    fn open_time(&self) -> Duration {
        while self.state() == State::Closed {
            self.fail();
        }
        assert_eq!(self.answer(Step::Succeed), Answer::Rejected);
        self.circuit().snapshot().retry_after.unwrap()
    }

    /// Opens the circuit, and lets its recovery timeout elapse.
    fn make_due(&self) {
        self.scope.advance(self.open_time());
    }

    /// Opens the circuit again by a failed trial call, and returns the time until it admits another one.
    fn second_open_time(&self) -> Duration {
        self.make_due();
        self.fail();
        self.open_time()
    }

    fn wait_async(&self) {
        let circuit = self.circuit();
        let permit = circuit.try_acquire().unwrap();
        let mut served = self.start(Step::Succeed);
        permit.settle(Outcome::Success);
        assert_eq!(poll_once(served.as_mut()), Poll::Ready(Answer::Returned));
        let permit = circuit.try_acquire().unwrap();
        let mut rejected = self.start(Step::Succeed);
        self.scope.advance(HOUR);
        assert_eq!(poll_once(rejected.as_mut()), Poll::Ready(Answer::Rejected));
        let cancelled = self.start(Step::Succeed);
        drop(cancelled);
        permit.settle(Outcome::Success);
        self.succeed();
        let totals = circuit.snapshot().totals;
        assert_eq!((totals.rejected, totals.ignored, circuit.snapshot().calls_in_flight), (1, 1, Some(0)));
    }

    fn wait_blocking(&self) {
        let (circuit, (shape, owned)) = (self.circuit(), (self.shape, self.owned.clone()));
        let permit = circuit.try_acquire().unwrap();
        let (scope, (started, has_started)) = (self.scope.clone(), std::sync::mpsc::channel());
        let waiting = thread::spawn(move || {
            scope.enter(|| {
                started.send(()).unwrap();
                poll_once((shape.call)(&owned, Step::Succeed).as_mut())
            })
        });
        has_started.recv().unwrap();
        permit.settle(Outcome::Success);
        assert_eq!(waiting.join().unwrap(), Poll::Ready(Answer::Returned));
    }
}

fn check(setting: &Setting, shape: Shape) {
    scope(|scope| {
        let subject = Subject::new(shape, scope);
        subject.live.set_config((setting.apply)(Config::builder()).build().unwrap());
        (setting.check)(&subject);
    });
}

#[test]
#[expect(clippy::print_stderr, reason = "it is shown if a check fails")]
fn every_setting_acts_on_functions_of_every_shape() {
    for (setting, shape) in
        SETTINGS.iter().flat_map(|setting| SHAPES.iter().map(move |shape| (setting, shape)))
    {
        eprintln!("{} of {}", setting.name, shape.name);
        check(setting, *shape);
    }
}

/// Returns the names of the settings in the `Debug` output.
fn shown(config: ConfigBuilder) -> BTreeSet<String> {
    let config = config.build().unwrap();
    let text = format!("{config:?}");
    let fields = text.split_once("{ ").unwrap().1.split(", ");
    fields.map(|field| field.split_once(": ").unwrap().0.to_owned()).collect()
}

#[test]
fn every_setting_of_a_config_has_a_check() {
    let all = Config::builder().consecutive_failures(1).failure_threshold(1).failure_rate(0.5);
    let all =
        all.slow_call(HOUR).slow_call_rate(0.5).ramp(HOUR).hang(HOUR).call_timeout(HOUR).max_concurrent(1);
    let expected = &shown(all.clone().window_calls(9)) | &shown(all.window_time(HOUR));
    let checked: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name.to_owned()).collect();
    assert_eq!(checked, expected);
}
