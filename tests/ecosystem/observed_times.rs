//! The times of calls that recorders and candidates see, which must not be those by which the live circuit decides.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::integrations::stream::{GuardedStream, guard_stream};
use breaker_runtime::integrations::tower::BreakerLayer;
use breaker_runtime::recorder::{Recorder, Recording};
use breaker_runtime::shadow::Candidate;
use breaker_runtime::testing::Clock;
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Mode, Outcome, Registry, Snapshot, State,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, Stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tower::{Layer as _, Service as _, service_fn};

use crate::scripted_stream::Step::{Item, Pending};
use crate::scripted_stream::{Scripted, poll, scripted};

const NAME: &str = "chat";
const SECOND: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(300);

type Token = Result<u8, &'static str>;

/// A breaker on a manual clock.
struct Scene {
    clock: Clock,
    registry: Registry,
    live: CircuitBreaker,
}

impl Scene {
    fn new(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let live = registry.register(NAME, settings.build().unwrap()).unwrap();
        Self { clock, registry, live }
    }

    fn record(&self) -> Recording {
        Recorder::builder(NAME).start(&self.registry).unwrap()
    }

    fn candidate(&self, settings: ConfigBuilder) -> Candidate {
        self.registry.shadow(NAME, "next", settings).unwrap()
    }

    fn stream(&self) -> GuardedStream<Scripted<Token>> {
        let steps = [Pending, Item(Ok(1)), Pending, Item(Ok(2)), Pending];
        guard_stream(self.live.try_acquire_owned().unwrap(), scripted(steps))
    }

    /// Reads a stream that its consumer waits for 0.3 seconds at a time, and whose items it handles for ten seconds each.
    fn consume<S: Stream + Unpin>(&self, mut stream: S) {
        loop {
            match poll(&mut stream) {
                Poll::Pending => self.clock.advance(SHORT),
                Poll::Ready(Some(_)) => self.clock.advance(10 * SECOND),
                Poll::Ready(None) => return,
            }
        }
    }

    /// Makes a call whose response has a body of two frames, and reads it like a stream.
    fn consume_body(&self) {
        let frame = || Item(Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"chunk"))));
        let frames = || StreamBody::new(scripted([Pending, frame(), Pending, frame(), Pending]));
        let service = service_fn(|()| ready(Ok::<_, Infallible>(Response::new(frames()))));
        let layer = BreakerLayer::new(&self.live).classify_http().until_body_end();
        let response = layer.layer(service).call(()).now_or_never().unwrap().unwrap();
        self.consume(Box::pin(response.into_body().into_data_stream()));
    }

    /// Opens the circuit, and waits until it admits a trial call.
    fn wait_for_trial(&self) {
        self.live.try_acquire().unwrap().settle(Outcome::Failure);
        self.clock.advance(SECOND);
    }

    /// Makes calls that block this long in their first poll, wait this long, and are cancelled: of the breaker, and of a
    /// service.
    fn cancel(&self, blocks: Duration, waits: Duration) {
        self.wait_and_cancel(self.live.call_async(self.blocking(blocks)), waits);
        let mut service = BreakerLayer::new(&self.live).layer(service_fn(|()| self.blocking(blocks)));
        self.wait_and_cancel(service.call(()), waits);
    }

    fn wait_and_cancel(&self, call: impl Future, waits: Duration) {
        let mut call = Box::pin(call);
        // An open circuit rejects it.
        if call.as_mut().now_or_never().is_none() {
            self.clock.advance(waits);
            assert!(call.as_mut().now_or_never().is_none());
        }
    }

    /// Returns a future that blocks this long in its first poll, and never completes.
    fn blocking(&self, blocks: Duration) -> impl Future<Output = Result<(), BreakerError>> + use<> {
        let clock = self.clock.clone();
        let mut blocking = Some(blocks);
        poll_fn(move |_| {
            clock.advance(blocking.take().unwrap_or_default());
            Poll::Pending
        })
    }

    /// Makes an async call that is pending for this long, and succeeds.
    fn wait(&self, waits: Duration) {
        let mut call = Box::pin(self.live.call_async(pending_for(1)));
        assert!(call.as_mut().now_or_never().is_none());
        self.clock.advance(waits);
        assert!(call.now_or_never().is_some());
    }

    /// Makes a call of a service that is pending for two seconds after each of its first polls, and succeeds.
    fn serve(&self, pending_polls: u32) {
        let service = service_fn(|()| pending_for(pending_polls));
        let mut call = Box::pin(BreakerLayer::new(&self.live).layer(service).call(()));
        for _ in 0..pending_polls {
            assert!(call.as_mut().now_or_never().is_none());
            self.clock.advance(2 * SECOND);
        }
        assert!(call.now_or_never().is_some_and(|called| called.is_ok()));
    }
}

/// Returns a future that completes after this number of pending polls.
fn pending_for(pending_polls: u32) -> impl Future<Output = Result<(), BreakerError>> {
    let mut polls = 0;
    poll_fn(move |_| {
        polls += 1;
        if polls > pending_polls { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
}

fn lines(Recording { recorder, writer }: Recording) -> Vec<String> {
    drop(recorder);
    let mut output = Vec::new();
    writer.run(&mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).skip(1).map(str::to_owned).collect()
}

/// Returns the settings of a circuit that one failure opens, and that one trial call closes within this time.
fn with_trials(half_open_timeout: Duration) -> ConfigBuilder {
    let trials = failure_threshold(1).recovery_timeout(SECOND).half_open_timeout(half_open_timeout);
    trials.half_open_max_calls(1).success_threshold(1)
}

fn failure_threshold(failures: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(failures)
}

/// Returns the snapshot of a breaker after `work`, with a recorder and a candidate and without them.
fn with_and_without_observers(settings: &ConfigBuilder, work: impl Fn(&Scene)) -> [Snapshot; 2] {
    let observed = Scene::new(settings.clone());
    let observers = (observed.record(), observed.candidate(failure_threshold(9)));
    work(&observed);
    drop(observers);
    let alone = Scene::new(settings.clone());
    work(&alone);
    [observed.live.snapshot(), alone.live.snapshot()]
}

#[test]
fn observers_do_not_affect_which_cancelled_calls_are_failures() {
    let settings = [
        failure_threshold(3),
        failure_threshold(3).max_concurrent(5),
        failure_threshold(3).durations(true),
        failure_threshold(3).hang(60 * SECOND),
        failure_threshold(3).half_open_timeout(9 * SECOND).recovery_timeout(SECOND),
    ];
    for (index, settings) in settings.iter().enumerate() {
        let [observed, alone] = with_and_without_observers(settings, |scene| {
            for (blocks, waits) in [(2 * SECOND, SHORT), (SHORT, SECOND), (Duration::ZERO, SHORT)] {
                scene.cancel(blocks, waits);
            }
            for _ in 0..3 {
                scene.cancel(2 * SECOND, SHORT);
            }
            if let Ok(permit) = scene.live.try_acquire() {
                permit.settle(Outcome::Success);
            }
            scene.live.force_open();
            scene.live.reset();
            // A call of a service that is never polled.
            let mut service = BreakerLayer::new(&scene.live).layer(service_fn(|()| pending_for(1)));
            let unpolled = service.call(());
            scene.clock.advance(5 * SECOND);
            drop(unpolled);
            scene.live.reset();
            for _ in 0..3 {
                scene.live.try_acquire().unwrap().settle(Outcome::Failure);
            }
            // A trial call.
            scene.clock.advance(60 * SECOND);
            scene.cancel(2 * SECOND, SHORT);
        });
        assert_eq!(observed.totals.cancellations, alone.totals.cancellations, "{index}");
        assert_eq!((observed.state, observed.totals), (alone.state, alone.totals), "{index}");
    }
}

#[test]
fn observers_do_not_make_a_new_slow_call_apply_to_running_calls() {
    let rate = || failure_threshold(9).window_calls(10);
    let [observed, alone] = with_and_without_observers(&rate(), |scene| {
        let running: Vec<_> = (0..10).map(|_| scene.live.try_acquire().unwrap()).collect();
        scene.live.set_config(rate().slow_call(SECOND).slow_call_rate(0.5).minimum_calls(5).build().unwrap());
        scene.clock.advance(2 * SECOND);
        for permit in running {
            permit.settle(Outcome::Success);
        }
    });
    assert_eq!((observed.state, observed.window), (alone.state, alone.window));
    assert_eq!((observed.state, observed.durations), (State::Closed, alone.durations));
}

#[test]
fn a_cancelled_call_of_a_trace_starts_at_its_admission_and_has_the_time_that_cancelled_after_measures() {
    let scene = Scene::new(failure_threshold(3));
    let recording = scene.record();
    scene.cancel(2 * SECOND, SHORT);
    scene.wait(SHORT);
    assert_eq!(lines(recording), ["0,0.3,cancelled,", "2.3,0.3,cancelled,", "4.6,0.3,success,"]);
}

#[test]
fn a_candidate_plays_no_call_that_began_before_it() {
    for settings in
        [Config::builder(), Config::builder().durations(true), Config::builder().max_concurrent(9)]
    {
        for is_tapped_before in [Some(()), None] {
            let scene = Scene::new(settings.clone());
            let other = is_tapped_before.map(|()| scene.record());
            let early = scene.live.try_acquire().unwrap();
            scene.clock.advance(SECOND);
            let candidate = scene.candidate(failure_threshold(1));
            early.settle(Outcome::Failure);
            assert_eq!((candidate.report().failures, candidate.report().shadow.state), (0, State::Closed));
            drop(other);
        }
    }
}

#[test]
fn a_stream_that_its_consumer_drops_is_for_observers_what_it_is_for_the_live_circuit() {
    for settings in [failure_threshold(2), failure_threshold(2).durations(true)] {
        let scene = Scene::new(settings);
        let (recording, candidate) = (scene.record(), scene.candidate(failure_threshold(2)));
        for waits in [SHORT, SHORT, SHORT, SECOND] {
            let mut stream = scene.stream();
            for _ in 0..2 {
                assert!(poll(&mut stream).is_pending());
                scene.clock.advance(SECOND);
                assert!(poll(&mut stream).is_ready());
                scene.clock.advance(SECOND); // the consumer handles the item
            }
            assert!(poll(&mut stream).is_pending());
            scene.clock.advance(waits);
        }
        let totals = scene.live.snapshot().totals;
        assert_eq!((totals.cancellations.ignored, totals.cancellations.failures), (3, 1));
        let report = candidate.report();
        assert_eq!((report.ignored, report.failures, report.shadow.opened), (3, 1, 0));
        let expected = ["0,0.3,cancelled,", "4.3,0.3,cancelled,", "8.6,0.3,cancelled,", "12.9,1,cancelled,"];
        assert_eq!(lines(recording), expected);
    }
}

#[test]
fn a_trace_has_the_real_start_of_a_stream_and_no_stream_that_began_before_it() {
    for settings in [failure_threshold(5), failure_threshold(5).durations(true)] {
        let scene = Scene::new(settings);
        let other = scene.candidate(failure_threshold(5));
        let mut early = scene.stream();
        scene.clock.advance(5 * SECOND);
        let (recording, candidate) =
            (scene.record(), scene.registry.shadow(NAME, "late", failure_threshold(5)));
        let mut stream = scene.stream();
        for stream in [&mut early, &mut stream] {
            while !matches!(poll(stream), Poll::Ready(None)) {
                scene.clock.advance(10 * SECOND);
            }
        }
        assert_eq!(lines(recording), ["0,30,success,"]);
        assert_eq!((candidate.unwrap().report().successes, other.report().successes), (1, 2));
    }
}

#[test]
fn the_duration_of_a_stream_is_the_time_for_which_its_consumer_waits_for_trial_calls_too() {
    let consume: [fn(&Scene); 2] = [|scene| scene.consume(scene.stream()), Scene::consume_body];
    for consume in consume {
        for settings in [with_trials(100 * SECOND), with_trials(100 * SECOND).durations(true)] {
            let scene = Scene::new(settings);
            let slow = failure_threshold(9).window_calls(9).slow_call(SECOND).slow_call_rate(0.1);
            let (recording, candidate) = (scene.record(), scene.candidate(slow.minimum_calls(1)));
            consume(&scene);
            scene.wait_for_trial();
            consume(&scene);
            assert_eq!(scene.live.state(), State::Closed, "the trial call has closed the circuit");
            assert_eq!(lines(recording), ["0,0.9,success,", "20.9,0,failure,", "21.9,0.9,success,"]);
            assert_eq!(candidate.report().shadow.opened, 0, "no call was slow");
        }
    }
}

#[test]
fn the_lease_of_a_trial_call_of_a_candidate_includes_the_time_in_which_a_consumer_handles_items() {
    for live in [with_trials(10 * SECOND), failure_threshold(9)] {
        let scene = Scene::new(live);
        let candidate = scene.candidate(with_trials(10 * SECOND));
        scene.wait_for_trial();
        scene.consume(scene.stream());
        let report = candidate.report();
        assert_eq!((report.shadow.state, report.shadow.closed), (State::Open, 0));
        assert_eq!(scene.live.snapshot().changes.to(State::Closed), 0);
    }
}

#[test]
fn the_call_timeout_of_a_candidate_applies_only_to_the_calls_that_it_could_stop() {
    let limited = || failure_threshold(1).call_timeout(SECOND);
    let decides = |call: fn(&Scene)| {
        [failure_threshold(9), failure_threshold(9).durations(true)].map(|live| {
            let scene = Scene::new(live);
            let candidate = scene.candidate(limited());
            call(&scene);
            let report = candidate.report();
            assert_eq!((report.successes, report.failures), (1, 0));
            report.shadow.state
        })
    };
    let not_stopped = [State::Closed; 2];
    let sync_call = decides(|scene| {
        let call = || {
            scene.clock.advance(2 * SECOND);
            anyhow::Ok(())
        };
        scene.live.call(call).unwrap();
    });
    assert_eq!(sync_call, not_stopped);
    let permit = decides(|scene| {
        let permit = scene.live.try_acquire().unwrap();
        scene.clock.advance(2 * SECOND);
        permit.settle(Outcome::Success);
    });
    assert_eq!(permit, not_stopped);
    let ready_at_once = decides(|scene| {
        let call = async {
            scene.clock.advance(2 * SECOND);
            anyhow::Ok(())
        };
        assert!(scene.live.call_async(call).now_or_never().is_some());
    });
    assert_eq!(ready_at_once, not_stopped);
    let stream = decides(|scene| {
        let mut stream = scene.stream();
        while !matches!(poll(&mut stream), Poll::Ready(None)) {
            scene.clock.advance(2 * SECOND);
        }
    });
    assert_eq!(stream, not_stopped);
    assert_eq!(decides(|scene| scene.wait(SHORT)), not_stopped);
    assert_eq!(decides(|scene| scene.wait(SECOND)), [State::Open; 2]);
    assert_eq!(decides(|scene| scene.serve(0)), not_stopped);
    assert_eq!(decides(|scene| scene.serve(1)), [State::Open; 2]);
}

#[test]
fn a_candidate_decides_about_a_trial_call_longer_than_its_lease_as_the_live_circuit() {
    let settings = || with_trials(SECOND);
    let scene = Scene::new(settings().mode(Mode::Shadow));
    let candidate = scene.candidate(settings());
    let trial = |duration| {
        scene.clock.advance(2 * SECOND);
        let permit = scene.live.try_acquire().unwrap();
        assert!(permit.is_trial());
        scene.clock.advance(duration);
        permit.settle(Outcome::Success);
        (scene.live.state(), candidate.report().shadow.state)
    };
    scene.live.try_acquire().unwrap().settle(Outcome::Failure);
    assert_eq!(trial(3 * SECOND / 2), (State::Open, State::Open));
    // Both circuits have extended the leases.
    assert_eq!(trial(3 * SECOND / 2), (State::Closed, State::Closed));
}
