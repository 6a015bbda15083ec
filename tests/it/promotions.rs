//! Promotions of candidates: each candidate is promoted at most once.

use std::sync::{Arc, Mutex, OnceLock};

use breaker_runtime::shadow::Candidate;
use breaker_runtime::{Config, ConfigLayer, Event, Registry, Setting};

#[test]
fn a_candidate_that_has_ended_is_not_promoted_again() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(3)).unwrap();
    assert_eq!(candidate.promote("alice").unwrap().changes().count(), 1);
    let source = || live.snapshot().settings.source(Setting::FailureThreshold).to_string();
    assert_eq!(candidate.promote("bob").unwrap().changes().count(), 0);
    assert_eq!(source(), "operator alice");
    registry.apply_layer(ConfigLayer::Operator, []).unwrap();
    candidate.promote("carol").unwrap();
    assert_eq!(
        (live.config().failure_threshold(), candidate.config().failure_threshold()),
        (Some(5), Some(3))
    );
}

#[test]
fn settings_of_set_config_refuse_a_promotion_that_repeats_an_earlier_one() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    let strict = || registry.shadow("payment", "strict", Config::builder().failure_threshold(3)).unwrap();
    strict().promote("alice").unwrap();
    live.set_config(Config::builder().failure_threshold(9).build().unwrap());
    let again = strict();
    again.promote("alice").unwrap_err();
    assert_eq!(live.config().failure_threshold(), Some(9));
    assert_eq!(registry.candidates("payment").len(), 1, "it runs on");
}

#[test]
fn a_promotion_during_another_one_changes_nothing() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    let candidate = Arc::new(OnceLock::<Candidate>::new());
    let changes = Arc::new(Mutex::new(Vec::new()));
    let _subscription = registry.listen({
        let (candidate, changes) = (Arc::clone(&candidate), Arc::clone(&changes));
        move |event: &Event| {
            if let Event::SettingsChanged(_) = event {
                let report = candidate.get().unwrap().promote("bob").unwrap();
                changes.lock().unwrap().push(report.changes().count());
            }
        }
    });
    let strict = Config::builder().failure_threshold(3);
    candidate.set(registry.shadow("payment", "strict", strict).unwrap()).unwrap();
    assert_eq!(candidate.get().unwrap().promote("alice").unwrap().changes().count(), 1);
    assert_eq!(*changes.lock().unwrap(), [0]);
    let settings = live.snapshot().settings;
    assert_eq!(settings.source(Setting::FailureThreshold).to_string(), "operator alice");
}
