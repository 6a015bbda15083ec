//! Recording the calls of a breaker as a trace. The tests of the example `replay` read and play such traces.

use std::io::{self, Write};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use breaker_runtime::recorder::{
    Recorder, RecorderBuilder, RecorderError, Recording, TraceTotals, TraceWriter,
};
use breaker_runtime::testing::{self, Clock};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Outcome, Registry, circuit_breaker,
};

struct Scene {
    clock: Clock,
    registry: Registry,
    payment: CircuitBreaker,
}

impl Scene {
    fn new(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let payment = registry.register("payment", settings.build().unwrap()).unwrap();
        Self { clock, registry, payment }
    }

    fn record(&self, settings: impl FnOnce(RecorderBuilder) -> RecorderBuilder) -> Recording {
        settings(Recorder::builder("payment")).start(&self.registry).unwrap()
    }

    fn call(&self, outcome: Outcome) {
        if let Ok(permit) = self.payment.try_acquire() {
            permit.settle(outcome);
        }
    }

    fn calls(&self, count: usize) {
        for _ in 0..count {
            self.call(Outcome::Success);
        }
    }
}

/// A trace that has been written to memory.
struct Written {
    totals: TraceTotals,
    text: String,
}

impl Written {
    /// Returns the lines that are no comments, without the header.
    fn calls(&self) -> Vec<&str> {
        let mut lines = self.text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.next(), Some("time,duration,outcome,key"));
        lines.collect()
    }

    fn comments(&self) -> Vec<&str> {
        self.text.lines().filter(|line| line.starts_with('#')).collect()
    }
}

fn write(writer: TraceWriter) -> Written {
    let mut output = Vec::new();
    let totals = writer.run(&mut output).unwrap();
    Written { totals, text: String::from_utf8(output).unwrap() }
}

fn stop(Recording { recorder, writer }: Recording) -> Written {
    drop(recorder);
    write(writer)
}

/// An output that sends each page to a test, and fails once the test does not read it.
struct Pages(Sender<String>);

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let page = String::from_utf8_lossy(bytes).into_owned();
        self.0.send(page).map_err(|_| io::Error::other("the disk is full"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_trace_has_the_times_of_the_clock_the_settings_and_the_outcomes() {
    let scene = Scene::new(Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(7)));
    scene.clock.advance(Duration::from_secs(1000)); // the recording begins at its own zero
    let recording = scene.record(|it| it);
    scene.clock.advance(Duration::from_millis(250));
    let slow = scene.payment.try_acquire().unwrap();
    scene.clock.advance(Duration::from_nanos(1));
    scene.call(Outcome::Ignored);
    scene.clock.advance(Duration::from_secs(2));
    slow.settle(Outcome::Success);
    drop(scene.payment.try_acquire().unwrap());
    scene.call(Outcome::Failure);
    scene.payment.force_open();
    scene.call(Outcome::Success);
    let written = stop(recording);
    let expected = [
        "0.250000001,0,ignored,",
        "0.25,2.000000001,success,",
        "2.250000001,0,cancelled,",
        "2.250000001,0,failure,",
        "2.250000001,0,rejected,",
    ];
    assert_eq!(written.calls(), expected);
    let comments = written.comments();
    let first = "# trace of the circuit breaker \"payment\": one in 1 of its calls, buffer for 10000 calls";
    assert_eq!(comments.first(), Some(&first));
    assert!(comments.contains(&"# failure_threshold = 3"), "{comments:?}");
    assert!(comments.contains(&"# recovery_timeout = \"7s\""), "{comments:?}");
    let last = "# end: wrote 4 calls and 1 rejections, lost 0 calls and 0 rejections";
    assert_eq!(comments.last(), Some(&last));
    assert_eq!((written.totals.calls, written.totals.rejections), (4, 1));
}

#[test]
fn a_timeout_is_recorded_with_the_time_until_its_limit() {
    #[circuit_breaker(name = "recorded timeout", call_timeout = "2s")]
    async fn hang() -> Result<(), BreakerError> {
        std::future::pending().await
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let written = runtime.block_on(testing::scope_async(async |scope| {
        let recording = Recorder::builder("recorded timeout").start(scope.registry()).unwrap();
        assert!(hang().await.is_err());
        stop(recording)
    }));
    assert_eq!(written.calls(), ["0,2,timeout,"]);
}

#[test]
fn calls_that_do_not_fit_into_the_buffer_are_lost_and_counted_and_the_caller_does_not_wait() {
    let scene = Scene::new(Config::builder());
    let recording = scene.record(|it| it.capacity(3));
    scene.calls(10);
    assert_eq!(recording.recorder.lost_calls(), 7);
    let written = stop(recording);
    assert_eq!(written.calls().len(), 3);
    let comments = written.comments();
    let lost = "# lost here because the buffer was full: 7 calls, 0 rejections";
    let end = "# end: wrote 3 calls and 0 rejections, lost 7 calls and 0 rejections";
    assert_eq!(comments.iter().rev().take(2).rev().collect::<Vec<_>>(), [&lost, &end]);
    assert!(written.text.ends_with(&format!(",success,\n{lost}\n{end}\n")), "{}", written.text);
}

#[test]
fn rejections_use_at_most_half_of_the_buffer() {
    for (capacity, rejections) in [(1, 0), (2, 1), (3, 1), (9, 4), (10, 5)] {
        let scene = Scene::new(Config::builder());
        let recording = scene.record(|it| it.capacity(capacity));
        scene.payment.force_open();
        scene.calls(1000);
        scene.payment.reset();
        let calls = capacity - rejections;
        scene.calls(calls);
        let totals = stop(recording).totals;
        assert_eq!((totals.calls, totals.rejections), (calls as u64, rejections as u64), "{capacity}");
        assert_eq!((totals.lost_calls, totals.lost_rejections), (0, 1000 - rejections as u64));
    }
}

#[test]
fn the_share_of_rejections_in_the_buffer_is_free_again_once_they_are_written() {
    let scene = Scene::new(Config::builder());
    let (sender, pages) = channel();
    let Recording { recorder, writer } = scene.record(|it| it.capacity(2));
    let thread = thread::spawn(move || writer.run(Pages(sender)));
    assert!(pages.recv().unwrap().contains("time,duration"));
    scene.payment.force_open();
    for _ in 0..5 {
        scene.calls(1);
        assert_eq!(pages.recv().unwrap(), "0,0,rejected,\n");
    }
    drop(recorder);
    let totals = thread.join().unwrap().unwrap();
    assert_eq!((totals.rejections, totals.lost_rejections), (5, 0));
}

#[test]
fn a_sample_contains_about_its_share_of_the_calls_and_of_the_rejections() {
    let scene = Scene::new(Config::builder().failure_threshold(1_000_000));
    let recording = scene.record(|it| it.one_in(10));
    for call in 0..5000 {
        scene.call(if call % 2 == 0 { Outcome::Failure } else { Outcome::Success });
    }
    scene.payment.force_open();
    scene.calls(5000);
    let written = stop(recording);
    assert!((400..600).contains(&written.totals.calls), "{}", written.totals);
    assert!((400..600).contains(&written.totals.rejections), "{}", written.totals);
    // Calls that alternate are drawn equally.
    let failures = written.calls().iter().filter(|line| line.ends_with(",failure,")).count();
    assert!((175..325).contains(&failures), "{failures}");
    assert!(written.text.starts_with("# trace of the circuit breaker \"payment\": one in 10 of its calls,"));
}

#[test]
fn the_writer_writes_each_call_when_it_ends_and_ends_when_the_recorder_is_dropped() {
    let scene = Scene::new(Config::builder());
    let (sender, pages) = channel();
    let Recording { recorder, writer } = scene.record(|it| it);
    let thread = thread::spawn(move || writer.run(Pages(sender)));
    assert!(pages.recv().unwrap().ends_with("time,duration,outcome,key\n"));
    scene.call(Outcome::Success);
    assert_eq!(pages.recv().unwrap(), "0,0,success,\n");
    scene.call(Outcome::Failure);
    assert_eq!(pages.recv().unwrap(), "0,0,failure,\n");
    drop(recorder);
    assert_eq!(thread.join().unwrap().unwrap().calls, 2);
    assert!(pages.recv().unwrap().starts_with("# end: wrote 2 calls"));
    assert!(pages.recv().is_err());
}

#[test]
fn calls_of_many_threads_are_each_written_or_counted_as_lost() {
    let scene = Scene::new(Config::builder());
    let Recording { recorder, writer } = scene.record(|it| it.capacity(50));
    let thread = thread::spawn(move || write(writer));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| scene.calls(2000));
        }
    });
    drop(recorder);
    let written = thread.join().unwrap();
    assert_eq!(written.totals.calls + written.totals.lost_calls, 8000);
    assert_eq!(written.calls().len() as u64, written.totals.calls);
    let lost = written.comments().into_iter().filter_map(|line| {
        line.strip_prefix("# lost here because the buffer was full: ")?.split(' ').next()?.parse::<u64>().ok()
    });
    assert_eq!(lost.sum::<u64>(), written.totals.lost_calls);
}

#[test]
fn an_output_that_fails_stops_the_recording() {
    let scene = Scene::new(Config::builder());
    let (sender, pages) = channel();
    let Recording { recorder, writer } = scene.record(|it| it);
    scene.call(Outcome::Success);
    drop(pages);
    let error = writer.run(Pages(sender)).unwrap_err();
    assert_eq!((error.circuit(), error.io_error().kind()), ("payment", io::ErrorKind::Other));
    assert_eq!(
        error.to_string(),
        "circuit breaker \"payment\": the trace cannot be written, so the recording has stopped; correct the cause and \
         start another recorder: the disk is full"
    );
    assert!(std::error::Error::source(&error).is_none(), "the text of the source is in that of the error");
    assert!(!recorder.is_recording());
    scene.calls(20_000); // they are no longer added to the buffer
    assert_eq!(recorder.lost_calls(), 0);
}

#[test]
fn an_output_that_fails_or_panics_later_ends_the_writer_on_its_thread() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            panic!("the output panics")
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let scene = Scene::new(Config::builder());
    let (sender, pages) = channel();
    let Recording { recorder, writer } = scene.record(|it| it);
    let thread = thread::spawn(move || writer.run(Pages(sender)));
    pages.recv().unwrap();
    drop(pages);
    scene.call(Outcome::Success);
    assert!(thread.join().unwrap().is_err());
    assert!(!recorder.is_recording());

    let Recording { recorder, writer } = scene.record(|it| it);
    assert!(thread::spawn(move || writer.run(Panics)).join().is_err());
    assert!(!recorder.is_recording());
}

#[test]
fn a_call_that_runs_when_the_recorder_is_dropped_is_not_recorded_and_has_its_effect() {
    let scene = Scene::new(Config::builder().failure_threshold(1));
    let Recording { recorder, writer } = scene.record(|it| it);
    scene.call(Outcome::Success);
    let failed: anyhow::Result<()> = scene.payment.call(|| {
        drop(recorder);
        Err(anyhow::Error::msg("no route to host"))
    });
    assert!(failed.is_err());
    assert_eq!(scene.payment.snapshot().totals.failures, 1);
    assert!(scene.payment.try_acquire().is_err(), "the failure has opened the circuit");
    assert_eq!(write(writer).calls(), ["0,0,success,"]);
}

#[test]
fn a_call_that_began_before_the_recording_is_not_recorded() {
    // The durations of this breaker's calls are known without a recorder.
    let scene = Scene::new(Config::builder().slow_call(Duration::from_secs(5)).window_calls(10));
    let early = scene.payment.try_acquire().unwrap();
    scene.clock.advance(Duration::from_millis(1));
    let recording = scene.record(|it| it);
    early.settle(Outcome::Success);
    scene.call(Outcome::Failure);
    assert_eq!(stop(recording).calls(), ["0,0,failure,"]);
}

#[test]
fn a_writer_that_is_dropped_stops_the_recording() {
    let scene = Scene::new(Config::builder());
    let Recording { recorder, writer } = scene.record(|it| it);
    drop(writer);
    assert!(!recorder.is_recording());
    scene.calls(3);
    assert_eq!(recorder.lost_calls(), 0);
}

#[test]
fn recordings_of_one_breaker_are_independent_and_see_no_other_breaker() {
    let scene = Scene::new(Config::builder());
    let other = scene.registry.register("search", Config::default()).unwrap();
    let (first, second) = (scene.record(|it| it), scene.record(|it| it));
    scene.call(Outcome::Success);
    other.try_acquire().unwrap().settle(Outcome::Failure);
    assert_eq!(stop(first).calls().len(), 1);
    scene.call(Outcome::Failure);
    assert_eq!(stop(second).calls(), ["0,0,success,", "0,0,failure,"]);
}

#[test]
fn the_calls_of_all_keys_are_recorded_with_their_keys_also_after_evictions() {
    let scene = Scene::new(Config::builder());
    let hosts = scene.registry.register_keyed("hosts", Config::default(), 2).unwrap();
    let early = hosts.get("early").try_acquire_owned().unwrap();
    let recording = Recorder::builder("hosts").start(&scene.registry).unwrap();
    for key in ["eu", "a,b \"c\"\n", "us", "eu"] {
        if let Ok(permit) = hosts.get(key).try_acquire() {
            permit.settle(Outcome::Success);
        }
    }
    let running = hosts.get("eu").try_acquire_owned().unwrap();
    let written = stop(recording);
    running.settle(Outcome::Failure); // a permit keeps no recording alive
    early.settle(Outcome::Success);
    let expected =
        "0,0,success,\"eu\"\n0,0,success,\"a,b \"\"c\"\"\n\"\n0,0,success,\"us\"\n0,0,success,\"eu\"\n";
    assert!(written.text.contains(expected), "{}", written.text);
    assert_eq!(written.totals.calls, 4);
}

#[test]
fn an_annotated_function_is_recorded_from_its_first_call() {
    #[circuit_breaker(name = "recorded function")]
    fn charge(is_accepted: bool) -> anyhow::Result<()> {
        if is_accepted { Ok(()) } else { Err(anyhow::Error::msg("declined")) }
    }
    let written = testing::scope(|scope| {
        let recording = Recorder::builder("recorded function").start(scope.registry()).unwrap();
        assert!(charge(true).is_ok());
        assert!(charge(false).is_err());
        stop(recording)
    });
    assert_eq!(written.calls(), ["0,0,success,", "0,0,failure,"]);
}

#[test]
fn a_recording_is_refused_with_the_reason() {
    let scene = Scene::new(Config::builder());
    let error = |builder: RecorderBuilder| builder.start(&scene.registry).unwrap_err();
    let unknown = error(Recorder::builder("paymemt\n"));
    assert!(matches!(&unknown, RecorderError::UnknownBreaker { circuit } if circuit == "paymemt\n"));
    assert_eq!(unknown.to_string(), r#"the registry has no circuit breaker "paymemt\n"; register it first"#);
    let payment = || Recorder::builder("payment");
    for capacity in [0, 1_000_001] {
        let message = format!(
            "circuit breaker \"payment\": the capacity of a recorder is {capacity}; it must be between 1 and 1000000"
        );
        assert_eq!(error(payment().capacity(capacity)).to_string(), message);
    }
    assert_eq!(
        error(payment().one_in(0)).to_string(),
        "circuit breaker \"payment\": one_in of a recorder must be at least 1, which records every call"
    );
    assert!(payment().capacity(1_000_000).one_in(u64::MAX).start(&scene.registry).is_ok());
}
