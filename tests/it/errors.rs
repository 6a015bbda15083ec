//! The error of a rejected call: why the circuit is open, and what it costs and holds.

use std::sync::Arc;

use breaker_runtime::{BreakerError, Cause, CircuitBreaker, ErrorKind, Event, Registry, State};

use crate::support::{Fixture, NANO, RECOVERY, seconds, settings};

fn rejected(breaker: &CircuitBreaker) -> BreakerError {
    breaker.try_acquire().unwrap_err()
}

#[test]
fn the_text_says_why_the_circuit_is_open() {
    let Fixture { clock, breaker } = Fixture::with(settings().failure_threshold(5));
    (0..5).for_each(|_| _ = breaker.try_acquire().unwrap().fail("503 Service Unavailable"));
    clock.advance(seconds(3));
    let error = rejected(&breaker);
    let text = r#"circuit breaker "bench" is open (5 failures in a row; last: 503 Service Unavailable); call again in 27.0s"#;
    assert_eq!(error.to_string(), text);
    assert_eq!(format!("{error:#}"), format!("{text}; an operator can close it with force_close or reset"));
    assert_eq!(error.last_transition().unwrap(), breaker.snapshot().last_transition.unwrap());
    clock.advance(seconds(27));
    let due = r#"circuit breaker "bench" is open (5 failures in a row; last: 503 Service Unavailable); a trial call is due"#;
    assert_eq!(error.to_string(), due);
}

#[test]
fn every_reason_to_open_has_a_text_without_its_limit() {
    let window = || settings().window_calls(10).minimum_calls(2);
    let cases = [
        (settings(), "2 failures in a row; last: x"),
        (settings().window_calls(10), "2 failures among 2 calls; last: x"),
        (window().failure_threshold(9).failure_rate(0.5), "2 of 2 calls failed; last: x"),
        (
            window().failure_threshold(9).slow_call(NANO).slow_call_rate(0.5),
            "2 of 2 calls were slow; last: x",
        ),
    ];
    for (settings, reason) in cases {
        let Fixture { clock, breaker } = Fixture::with(settings);
        for _ in 0..2 {
            let permit = breaker.try_acquire().unwrap();
            clock.advance(NANO);
            permit.fail("x");
        }
        let text = rejected(&breaker).to_string();
        assert!(text.contains(&format!(" is open ({reason}); call again in 30.0s")), "{text}");
    }
}

#[test]
fn a_failed_trial_call_is_the_reason_after_it_reopened_the_circuit() {
    let Fixture { breaker, .. } = Fixture::ready_for_trial();
    breaker.try_acquire().unwrap().fail("still down\n\u{1b}[31m");
    let text = rejected(&breaker).to_string();
    assert!(text.contains(" is open (a trial call failed; last: still down \u{fffd}[31m); call"), "{text}");
}

#[test]
fn an_old_error_does_not_show_the_reason_of_a_later_opening() {
    let Fixture { clock, breaker } = Fixture::new();
    let fail = |text: &str| (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().fail(text));
    fail("first");
    let old = rejected(&breaker);
    breaker.reset();
    assert_eq!(old.last_transition().unwrap().cause, Cause::Reset);
    assert_eq!(old.to_string(), r#"circuit breaker "bench" is open; call again in 30.0s"#);
    fail("second");
    assert_eq!(old.to_string(), r#"circuit breaker "bench" is open; call again in 30.0s"#);
    assert_eq!(old.last_transition().unwrap().last_failure.as_deref(), Some("second"));
    drop(clock);
}

#[test]
fn an_error_outlives_its_circuit_and_keeps_its_name() {
    let Fixture { breaker, .. } = Fixture::open();
    let error = rejected(&breaker);
    drop(breaker);
    assert_eq!(error.last_transition(), None);
    assert_eq!(error.to_string(), r#"circuit breaker "bench" is open; call again in 30.0s"#);
    assert_eq!(error.clone(), error);
}

#[test]
fn an_error_that_is_kept_does_not_keep_its_circuit_from_being_evicted() {
    let fixture = Fixture::new();
    let registry = Registry::with_clock(&fixture.clock);
    let hosts = registry.register_keyed("hosts", settings().build().unwrap(), 1).unwrap();
    (0..2).for_each(|_| _ = hosts.get("a").try_acquire().unwrap().fail("down"));
    let error = rejected(&hosts.get("a"));
    assert_eq!(error.last_transition().unwrap().to, State::Open);
    fixture.clock.advance(RECOVERY * 12);
    assert_eq!(hosts.get("b").key(), Some("b"));
    assert_eq!((error.key(), error.kind()), (Some("a"), ErrorKind::Open));
    // The map of keys may free the evicted circuit later.
    assert!(error.last_transition().is_none_or(|last| last.to == State::Open));
    assert!(error.to_string().starts_with(r#"circuit breaker "hosts" for "a" is open"#), "{error}");
}

#[test]
fn a_rejection_of_another_kind_gives_no_reason_but_knows_the_last_transition() {
    let Fixture { breaker, .. } = Fixture::open();
    breaker.operator("alice").force_open();
    let error = rejected(&breaker);
    assert_eq!(error.to_string(), r#"circuit breaker "bench" is forced open"#);
    assert_eq!(error.last_transition().unwrap().initiator.as_deref(), Some("alice"));
    let idle = Fixture::with(settings().max_concurrent(1)).breaker;
    let running = idle.try_acquire().unwrap();
    let full = rejected(&idle);
    assert_eq!(full.last_transition(), None);
    assert_eq!(
        full.to_string(),
        r#"circuit breaker "bench" is at its max_concurrent limit; call again soon"#
    );
    drop(running);
}

#[test]
fn the_text_can_be_written_while_a_listener_of_the_circuit_runs() {
    let Fixture { breaker, .. } = Fixture::new();
    let texts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let subscription = breaker.listen({
        let (breaker, texts) = (breaker.clone(), Arc::clone(&texts));
        move |_: &breaker_runtime::Event| texts.lock().unwrap().push(rejected(&breaker).to_string())
    });
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().fail("down"));
    drop(subscription);
    let texts = texts.lock().unwrap();
    assert!(texts[0].contains("(2 failures in a row; last: down)"), "{texts:?}");
}

#[tokio::test]
async fn a_kept_error_keeps_no_listener_and_ends_no_stream_late() {
    for keyed in [false, true] {
        let registry = Registry::new();
        let kept = Arc::new(());
        let of_listener = Arc::clone(&kept);
        registry.listen(move |_: &Event| _ = &of_listener).detach();
        let mut events = registry.subscribe();
        let breaker = if keyed {
            registry.register_keyed("kept", settings().build().unwrap(), 10).unwrap().get("key")
        } else {
            registry.register("kept", settings().build().unwrap()).unwrap()
        };
        breaker.force_open();
        let error = breaker.try_acquire().unwrap_err();
        assert!(events.next().await.is_some());
        drop(registry);
        breaker.release();
        assert!(events.next().await.is_some(), "a breaker keeps the listeners of its registry");
        assert_eq!(Arc::strong_count(&kept), 2);
        drop(breaker);
        assert!(events.next().await.is_none(), "keyed {keyed}");
        assert_eq!(Arc::strong_count(&kept), 1, "keyed {keyed}");
        assert_eq!((error.name(), error.key()), ("kept", keyed.then_some("key")));
    }
}
