//! Settings that replace those in the code: layers, patterns, keys, and what they change.

use std::sync::{Arc, Mutex};

use breaker_runtime::{
    BreakerError, Config, ConfigBuilder, ConfigLayer, ConfigSection, Event, Outcome, Registry, Setting,
    SettingSource, State, circuit_breaker, testing,
};

use crate::support::seconds;

fn threshold(failures: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(failures)
}

fn source(line: u32) -> SettingSource {
    SettingSource::File { path: Arc::from("breakers.toml"), line }
}

#[circuit_breaker(name = "configured before its first call", failure_threshold = 3, recovery_timeout = "2s")]
fn configured(succeeds: bool) -> Result<(), BreakerError> {
    if succeeds {
        return Ok(());
    }
    let down = breaker_runtime::CircuitBreaker::new("down", Config::default()).unwrap();
    down.force_open();
    down.call(|| Ok(()))
}

#[test]
fn a_function_has_the_new_settings_from_its_first_call_on_and_there_is_no_conflict() {
    testing::scope(|_| {
        let registry = Registry::global();
        let report = registry.configure("configured before its first call", threshold(1)).unwrap();
        assert_eq!((report.changes().count(), report.unmatched().count()), (0, 0));
        let uncalled = registry.snapshots_by_name();
        let find = |snapshots: &[breaker_runtime::Snapshot]| {
            let found = snapshots.iter().find(|it| it.name() == "configured before its first call");
            found.unwrap().settings.failure_threshold()
        };
        assert_eq!(find(&uncalled), Some(1));
        configured(true).unwrap();
        assert_eq!(find(&registry.snapshots()), Some(1));
        let conflicts = registry.check().unwrap_err(); // those of other tests
        assert!(conflicts.iter().all(|conflict| conflict.name() != "configured before its first call"));
        let settings = registry.get("configured before its first call").unwrap().snapshot().settings;
        assert!(
            matches!(settings.source(Setting::FailureThreshold), SettingSource::Program(location) if location.file() == file!())
        );
        assert!(
            matches!(settings.source(Setting::RecoveryTimeout), SettingSource::Attribute(location) if location.file() == file!())
        );
        assert_eq!((settings.recovery_timeout(), settings.half_open_timeout()), (seconds(2), seconds(2)));
    });
}

#[test]
fn a_breaker_that_exists_keeps_its_state_and_gets_the_new_settings() {
    let registry = Registry::new();
    let search = registry.register("search", threshold(3).build().unwrap()).unwrap();
    search.try_acquire().unwrap().settle(Outcome::Failure);
    let report = registry.configure("search", threshold(2)).unwrap();
    assert_eq!(report.changes().map(|change| change.name().to_owned()).collect::<Vec<_>>(), ["search"]);
    search.try_acquire().unwrap().settle(Outcome::Failure);
    assert_eq!(search.state(), State::Open);
    // Equal settings are no conflict with the registered ones.
    assert!(registry.register("search", threshold(3).build().unwrap()).is_ok());
}

#[test]
fn a_later_layer_takes_precedence_and_a_removed_one_uncovers_the_ones_before() {
    let registry = Registry::new();
    let search = registry.register("search", threshold(1).build().unwrap()).unwrap();
    let value = || search.config().failure_threshold().unwrap();
    let layers = [ConfigLayer::Operator, ConfigLayer::File, ConfigLayer::Environment, ConfigLayer::Program];
    for (failures, layer) in (10..).zip(layers) {
        registry.apply_layer(layer, [ConfigSection::new("search", threshold(failures))]).unwrap();
        assert_eq!(value(), 10, "the operator has the last word");
    }
    for (layer, expected) in [
        (ConfigLayer::Operator, 12),
        (ConfigLayer::Environment, 11),
        (ConfigLayer::File, 13),
        (ConfigLayer::Program, 1),
    ] {
        registry.apply_layer(layer, []).unwrap();
        assert_eq!(value(), expected, "without {layer:?}");
    }
}

#[test]
fn layers_combine_their_settings() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    let rate = Config::builder().window_calls(100).failure_rate(0.5);
    registry.apply_layer(ConfigLayer::File, [ConfigSection::new("search", rate)]).unwrap();
    let narrow = Config::builder().window_calls(4);
    registry.apply_layer(ConfigLayer::Environment, [ConfigSection::new("search", narrow)]).unwrap();
    let config = search.config();
    assert_eq!(
        (config.window_calls(), config.failure_rate(), config.minimum_calls()),
        (Some(4), Some(0.5), 4)
    );
}

#[test]
fn in_a_layer_a_name_takes_precedence_over_patterns_and_a_long_pattern_over_a_short_one() {
    let registry = Registry::new();
    let sections = [("payment", 1), ("pay*", 2), ("*", 3), ("p*t", 4)];
    let sections = sections.map(|(name, failures)| ConfigSection::new(name, threshold(failures)));
    registry.apply_layer(ConfigLayer::File, sections).unwrap();
    for (name, expected) in [("payment", 1), ("paypal", 2), ("plot", 4), ("search", 3)] {
        let breaker = registry.register(name, Config::default()).unwrap();
        assert_eq!(breaker.config().failure_threshold(), Some(expected), "{name}");
    }
}

#[test]
fn a_key_has_its_own_settings_before_and_after_its_first_call() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", threshold(3).build().unwrap(), 2).unwrap();
    assert_eq!(hosts.get("eu").config().failure_threshold(), Some(3));
    let of_key = |key: &str, failures| ConfigSection::new("hosts", threshold(failures)).for_key(key);
    let all = ConfigSection::new("hosts", Config::builder().recovery_timeout(seconds(9)));
    registry.apply_layer(ConfigLayer::File, [of_key("eu", 30), of_key("us", 40), all]).unwrap();
    let config = |key: &str| {
        let config = hosts.get(key).config();
        (config.failure_threshold().unwrap(), config.recovery_timeout())
    };
    assert_eq!(config("eu"), (30, seconds(9)));
    assert_eq!(config("us"), (40, seconds(9)));
    // Settings of a key do not keep its circuit from being evicted.
    assert_eq!(config("asia"), (3, seconds(9)));
    assert_eq!(hosts.len(), 2);
    registry.apply_layer(ConfigLayer::File, []).unwrap();
    assert_eq!(config("eu"), (3, seconds(30)));
}

#[test]
fn settings_that_contradict_each_other_are_refused_as_a_whole_with_their_sources() {
    let registry = Registry::new();
    let config = Config::builder().window_calls(100).failure_rate(0.5).minimum_calls(50);
    let search = registry.register("search", config.build().unwrap()).unwrap();
    let stock = registry.register("stock", Config::default()).unwrap();
    let wait = Config::builder().max_wait(seconds(1));
    let section = |name, settings, line| ConfigSection::new(name, settings).from_source(source(line));
    let sections = [
        section("search", Config::builder().window_calls(10), 4),
        section("stock", threshold(9), 7),
        section("st*", wait, 2).setting_from(Setting::MaxWait, source(3)),
    ];
    let error = registry.apply_layer(ConfigLayer::File, sections).unwrap_err();
    let lines: Vec<_> = error.errors().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "breakers.toml:4: circuit breaker \"search\": minimum_calls must be at most the window; the window never \
             holds more calls",
            "breakers.toml:3: circuit breaker \"stock\": max_wait needs max_concurrent; without it no call waits",
        ]
    );
    assert_eq!(search.config().window_calls(), Some(100));
    assert_eq!(stock.config().failure_threshold(), Some(5));
}

#[test]
fn a_setting_that_is_out_of_range_is_refused_whatever_the_name_matches_and_the_earlier_settings_remain() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    registry.configure("search", threshold(50)).unwrap();
    let invalid = [
        threshold(0),
        threshold(0).jitter(0.5),
        Config::builder().failure_rate(f64::NAN),
        Config::builder().jitter(2.0),
        Config::builder().backoff(0.5),
        Config::builder().window_calls(0),
        Config::builder().max_concurrent(0),
        Config::builder().max_open(2.0),
        Config::builder().recovery_timeout(seconds(0)),
    ];
    for settings in invalid {
        let reason = settings.clone().build().unwrap_err().to_string();
        for name in ["search", "later"] {
            let section = || ConfigSection::new(name, settings.clone()).from_source(source(7));
            let expected = format!("breakers.toml:7: circuit breaker \"{name}\": {reason}");
            let single = registry.apply_section(ConfigLayer::Program, section()).unwrap_err();
            assert_eq!(single.to_string(), expected);
            let innocent = ConfigSection::new("search", threshold(9));
            let whole = registry.apply_layer(ConfigLayer::File, [innocent, section()]).unwrap_err();
            assert_eq!(whole.to_string(), expected);
        }
        assert_eq!(search.config().failure_threshold(), Some(50));
    }
}

#[test]
fn a_contradiction_names_the_sources_of_all_settings_that_are_involved() {
    let registry = Registry::new();
    registry
        .register("prices", Config::builder().failure_rate(0.5).window_calls(100).build().unwrap())
        .unwrap();
    let operator = SettingSource::Operator { name: Arc::from("alice") };
    let by_alice = ConfigSection::new("prices", Config::builder().minimum_calls(50).jitter(0.5));
    registry.apply_section(ConfigLayer::Operator, by_alice.from_source(operator)).unwrap();
    let small = Config::builder().window_calls(20).half_open_max_calls(3);
    let in_file = ConfigSection::new("prices", small).from_source(source(2));
    let in_file = in_file.setting_from(Setting::Window, source(4));
    let hidden = ConfigSection::new("prices", Config::builder().window_calls(10));
    let layers = [(ConfigLayer::Program, vec![hidden]), (ConfigLayer::File, vec![in_file])];
    let error = registry.apply_layers(layers.into()).unwrap_err();
    let error = error.errors().next().unwrap();
    let sources: Vec<_> = error.sources().map(ToString::to_string).collect();
    assert_eq!(sources, ["breakers.toml:4", "operator alice"]);
    assert!(error.to_string().contains("minimum_calls must be at most the window"), "{error}");
}

#[test]
fn max_open_needs_keys_in_a_configuration_too() {
    let registry = Registry::new();
    registry.register("search", Config::default()).unwrap();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let half = || Config::builder().max_open(0.5);
    let error = registry.configure("search", half()).unwrap_err();
    assert!(error.to_string().contains("max_open needs keys"), "{error}");
    registry.configure("hosts", half()).unwrap();
    assert_eq!(hosts.config().value(Setting::MaxOpen), Some(0.5.into()));
}

#[test]
fn settings_that_do_not_fit_a_breaker_that_is_registered_later_do_not_apply_to_it() {
    let registry = Registry::new();
    registry.configure("*", Config::builder().window_calls(3)).unwrap();
    let search = registry.register("search", threshold(5).build().unwrap()).unwrap();
    assert_eq!((search.config().window_calls(), search.config().failure_threshold()), (None, Some(5)));
}

#[test]
fn a_section_that_matches_nothing_is_reported_and_applies_later() {
    let registry = Registry::new();
    let report = registry.configure("serach", threshold(9)).unwrap();
    assert_eq!(report.unmatched().map(ConfigSection::name).collect::<Vec<_>>(), ["serach"]);
    let late = registry.register("serach", Config::default()).unwrap();
    assert_eq!(late.config().failure_threshold(), Some(9));
}

#[test]
fn a_section_for_one_key_cannot_set_max_open() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    for settings in [Config::builder().max_open(0.5), Config::builder().max_open(1.0)] {
        let section = ConfigSection::new("hosts", settings.failure_threshold(9))
            .for_key("eu")
            .from_source(source(3))
            .setting_from(Setting::MaxOpen, source(4));
        let refused = registry.apply_layer(ConfigLayer::File, [section]).unwrap_err();
        let error = refused.errors().next().unwrap();
        assert_eq!((error.name(), error.key()), ("hosts", Some("eu")));
        assert_eq!(error.error().setting(), Some(Setting::MaxOpen));
        assert_eq!(error.sources().collect::<Vec<_>>(), [&source(4)]);
    }
    assert_eq!(hosts.get("eu").config(), Config::default());
}

#[test]
fn each_change_of_effective_settings_is_one_event() {
    let registry = Registry::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let subscription = registry.listen({
        let log = Arc::clone(&log);
        move |event: &Event| log.lock().unwrap().push(event.to_string())
    });
    registry.register("search", Config::default()).unwrap();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    _ = (hosts.get("eu"), hosts.get("us"));
    let section = |line| ConfigSection::new("*", threshold(9)).from_source(source(line));
    registry.apply_layer(ConfigLayer::File, [section(2)]).unwrap();
    registry.apply_layer(ConfigLayer::File, [section(3)]).unwrap(); // the same settings
    drop(subscription);
    let expected = ["hosts", "search"]
        .map(|name| format!("circuit breaker \"{name}\": failure_threshold 5 -> 9 (breakers.toml:2)"));
    assert_eq!(*log.lock().unwrap(), expected);
    let settings = registry.get("search").unwrap().snapshot().settings;
    assert_eq!(settings.source(Setting::FailureThreshold), source(3));
}

#[test]
fn a_setting_that_returns_to_its_default_tells_who_decided_that() {
    let registry = Registry::new();
    let search = registry.register("search", threshold(9).build().unwrap()).unwrap();
    let unset = Config::builder().unset(Setting::FailureThreshold);
    let section = ConfigSection::new("search", unset).from_source(source(5));
    registry.apply_section(ConfigLayer::File, section).unwrap();
    assert_eq!(search.config().failure_threshold(), Some(5));
    assert_eq!(search.snapshot().settings.source(Setting::FailureThreshold), source(5));
}

#[test]
fn a_listener_of_new_settings_can_configure_the_registry() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    let subscription = registry.listen({
        let registry = registry.clone();
        move |event: &Event| {
            let Event::SettingsChanged(change) = event else { return };
            if change.differences().any(|it| it.setting() == Setting::FailureThreshold) {
                registry.configure("search", Config::builder().success_threshold(1)).unwrap();
            }
        }
    });
    registry.configure("search", threshold(9)).unwrap();
    drop(subscription);
    assert_eq!((search.config().success_threshold(), search.config().failure_threshold()), (1, Some(5)));
}

#[test]
fn concurrent_configurations_and_registrations_end_with_the_last_settings() {
    let registry = Registry::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for failures in 1..=100 {
                registry.configure("*", threshold(failures)).unwrap();
            }
        });
        scope.spawn(|| {
            for number in 0..100 {
                registry.register(format!("breaker {number}"), Config::default()).unwrap();
            }
        });
    });
    assert_eq!(registry.iter().count(), 100);
    assert!(registry.iter().all(|breaker| breaker.config().failure_threshold() == Some(100)));
}

#[test]
fn a_section_for_keys_that_have_no_circuit_is_reported() {
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let long = "k".repeat(256);
    let sections = [("payment", "eu"), ("pay*", "eu"), ("hosts", "eu"), ("*", "us"), ("hosts", &long)]
        .map(|(name, key)| ConfigSection::new(name, threshold(9)).for_key(key));
    let report = registry.apply_layer(ConfigLayer::File, sections).unwrap();
    let unmatched: Vec<_> = report.unmatched().map(|section| (section.name(), section.key())).collect();
    assert_eq!(unmatched, [("payment", Some("eu")), ("pay*", Some("eu")), ("hosts", Some(&*long))]);
    assert_eq!(payment.config(), Config::default());
    let of_keys = ["eu", "us", &*long].map(|key| hosts.get(key).config().failure_threshold());
    assert_eq!(of_keys, [Some(9), Some(9), Some(5)]);
}

#[test]
fn new_settings_of_a_key_are_a_change_of_their_own() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let by_hand = Config::builder().failure_threshold(7).build().unwrap();
    hosts.get("by hand").set_config(by_hand.clone());
    let events = Arc::new(Mutex::new(Vec::new()));
    let subscription = registry.listen({
        let events = Arc::clone(&events);
        move |event: &Event| {
            if let Event::SettingsChanged(change) = event {
                events.lock().unwrap().push(change.to_string());
            }
        }
    });
    let apply = |sections: Vec<ConfigSection>| {
        let sections = sections.into_iter().map(|section| section.from_source(source(1)));
        let report = registry.apply_layer(ConfigLayer::File, sections).unwrap();
        let changes: Vec<_> = report.changes().map(ToString::to_string).collect();
        assert_eq!(std::mem::take(&mut *events.lock().unwrap()), changes);
        changes
    };
    let all = |failures| ConfigSection::new("hosts", threshold(failures));
    let key = |key: &str, settings| ConfigSection::new("hosts", settings).for_key(key);
    let jitter = || Config::builder().jitter(0.5);

    let of_keys = || vec![key("eu", threshold(50)), key("us", jitter()), key("by hand", threshold(9))];
    assert_eq!(
        apply(of_keys()),
        [
            "circuit breaker \"hosts\" for \"eu\": failure_threshold 5 -> 50 (breakers.toml:1)",
            "circuit breaker \"hosts\" for \"us\": jitter 0.0 -> 0.5 (breakers.toml:1)",
        ]
    );
    assert_eq!(hosts.get("by hand").config(), by_hand);
    assert_eq!(apply(of_keys()), [""; 0]);
    // "eu" keeps its own threshold, and that of "us" changes like that of all keys.
    assert_eq!(
        apply([vec![all(6)], of_keys()].concat()),
        ["circuit breaker \"hosts\": failure_threshold 5 -> 6 (breakers.toml:1)"]
    );
    assert_eq!(
        apply(vec![all(6), key("us", jitter())]),
        ["circuit breaker \"hosts\" for \"eu\": failure_threshold 50 -> 6 (breakers.toml:1)"]
    );
    drop(subscription);
}
