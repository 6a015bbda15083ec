//! Partial settings: values from texts, settings that depend on others, and settings that return to their defaults.

use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, Setting, SettingDuration, SettingValue};

use crate::support::seconds;

type Texts = &'static [(Setting, &'static str)];

/// A value of each setting that differs from its default, with the settings that it needs.
const VALUES: [(Setting, &str, Texts); 26] = [
    (Setting::FailureThreshold, "7", &[]),
    (Setting::ConsecutiveFailures, "3", &[(Setting::FailureThreshold, "7")]),
    (Setting::FailureRate, "0.25", &[(Setting::Window, "100")]),
    (Setting::Window, "1m30s", &[]),
    (Setting::MinimumCalls, "4", &[(Setting::Window, "100"), (Setting::FailureRate, "0.5")]),
    (Setting::SlowCall, "250ms", &[(Setting::Window, "100")]),
    (Setting::SlowCallRate, "0.75", &[(Setting::Window, "100"), (Setting::SlowCall, "1s")]),
    (Setting::RecoveryTimeout, "12s", &[]),
    (Setting::Backoff, "2.5", &[]),
    (Setting::MaxRecoveryTimeout, "1h", &[]),
    (Setting::Jitter, "0.125", &[]),
    (Setting::HalfOpenMaxCalls, "1", &[]),
    (Setting::SuccessThreshold, "9", &[]),
    (Setting::HalfOpenTimeout, "45s", &[]),
    (Setting::Ramp, "20s", &[]),
    (Setting::CallTimeout, "750ms", &[]),
    (Setting::MaxConcurrent, "64", &[]),
    (Setting::MaxWait, "5ms", &[(Setting::MaxConcurrent, "64")]),
    (Setting::CancelledAfter, "unlimited", &[]),
    (Setting::Hang, "1m30s", &[]),
    (Setting::MaxOpen, "0.5", &[]),
    (Setting::Shared, "quorum", &[]),
    (Setting::Adopt, "always", &[(Setting::Shared, "first")]),
    (Setting::Mode, "shadow", &[]),
    (Setting::Critical, "true", &[]),
    (Setting::Durations, "true", &[]),
];

fn with(builder: ConfigBuilder, settings: &[(Setting, &str)]) -> ConfigBuilder {
    settings.iter().fold(builder, |builder, (setting, text)| builder.set_text(*setting, text).unwrap())
}

#[test]
fn every_setting_is_set_by_its_name_and_read_as_the_same_text() {
    for (setting, text, needed) in VALUES {
        let config = with(Config::builder(), needed).set_text(setting, text).unwrap().build().unwrap();
        assert_eq!(config.value(setting), Some(SettingValue::parse(text)), "{setting}");
        assert!(config.to_builder().sets(setting), "{setting}");
    }
    let tested: Vec<_> = VALUES.iter().map(|(setting, ..)| *setting).collect();
    assert_eq!(tested, Setting::ALL);
}

#[test]
fn every_setting_returns_to_its_default() {
    for (setting, text, needed) in VALUES {
        let without = with(Config::builder(), needed);
        let config = with(without.clone(), &[(setting, text)]).build().unwrap();
        let reset = config.to_builder().set_text(setting, "default").unwrap();
        assert!(!reset.sets(setting), "{setting}");
        assert_eq!(reset.build(), without.build(), "{setting}");
        assert_eq!(config.to_builder().unset(setting).build(), with(Config::builder(), needed).build());
    }
}

#[test]
fn settings_that_follow_from_others_follow_from_replaced_ones() {
    let config = Config::builder().recovery_timeout(seconds(2)).build().unwrap();
    let slower = config.to_builder().recovery_timeout(seconds(600)).build().unwrap();
    assert_eq!((slower.half_open_timeout(), slower.max_recovery_timeout()), (seconds(600), seconds(600)));
    let limited = config.to_builder().call_timeout(seconds(9)).build().unwrap();
    assert_eq!(limited.half_open_timeout(), seconds(9));

    let wide = Config::builder().window_calls(20).failure_rate(0.5).build().unwrap();
    let narrow = wide.to_builder().window_calls(5).build().unwrap();
    assert_eq!((wide.minimum_calls(), narrow.minimum_calls()), (10, 5));
    let timed = wide.to_builder().window_time(seconds(60)).build().unwrap();
    assert_eq!((timed.window_calls(), timed.window_time()), (None, Some(seconds(60))));

    // Without a window, the smaller of both is in effect, and neither is forgotten.
    let both = Config::builder().failure_threshold(9).consecutive_failures(3).build().unwrap();
    let windowed = both.to_builder().window_calls(100).build().unwrap();
    assert_eq!((windowed.failure_threshold(), windowed.consecutive_failures()), (Some(9), Some(3)));
    assert_eq!(Config::default().to_builder().window_calls(3).build().unwrap().failure_threshold(), Some(3));
}

#[test]
fn settings_that_were_set_themselves_stay() {
    let config = Config::builder()
        .recovery_timeout(seconds(2))
        .half_open_timeout(seconds(2))
        .window_calls(20)
        .failure_rate(0.5);
    let config = config.minimum_calls(10).build().unwrap();
    let changed = config.to_builder().recovery_timeout(seconds(3)).build().unwrap();
    assert_eq!(changed.half_open_timeout(), seconds(2));
    let error = config.to_builder().window_calls(5).build().unwrap_err();
    assert_eq!(error.setting(), Some(Setting::MinimumCalls));
}

#[test]
fn a_window_can_be_replaced_once_in_one_chain() {
    let config = Config::builder().window_calls(20).build().unwrap();
    let twice = config.to_builder().window_calls(5).window_time(seconds(1)).build().unwrap_err();
    assert_eq!(twice.to_string(), "set either window_calls or window_time, and only once");
}

#[test]
fn equal_settings_are_equal_even_if_one_of_them_states_a_default() {
    let stated = Config::builder().failure_threshold(5).recovery_timeout(seconds(30)).build().unwrap();
    assert_eq!(stated, Config::default());
    assert_ne!(Config::builder().failure_threshold(6).build().unwrap(), Config::default());
}

#[test]
fn a_value_of_the_wrong_type_or_out_of_range_names_the_value_and_what_is_accepted() {
    let time = "expected a time with a unit, such as \"500ms\", \"30s\" or \"1h30m\"";
    for (setting, value, expected) in [
        (
            Setting::FailureThreshold,
            SettingValue::Integer(-1),
            "failure_threshold = -1: failure_threshold must be between 1 and 16777215",
        ),
        (
            Setting::FailureThreshold,
            SettingValue::Integer(i128::MAX),
            "failure_threshold = 170141183460469231731687303715884105727: expected an integer that is at most 4294967295",
        ),
        (Setting::FailureThreshold, SettingValue::Float(2.5), "failure_threshold = 2.5: expected an integer"),
        (
            Setting::FailureRate,
            SettingValue::Float(f64::NAN),
            "failure_rate = NaN: failure_rate must be above 0 and at most 1",
        ),
        (Setting::FailureRate, "half".into(), "failure_rate = \"half\": expected a number such as 0.5"),
        (Setting::RecoveryTimeout, SettingValue::Integer(30), &format!("recovery_timeout = 30: {time}")),
        (
            Setting::RecoveryTimeout,
            "0s".into(),
            "recovery_timeout = \"0s\": recovery_timeout must be longer than zero",
        ),
        (
            Setting::Window,
            SettingValue::Bool(true),
            "window = true: expected an integer, the number of calls, or a text such as \"60s\"",
        ),
        (
            Setting::Window,
            SettingValue::Integer(0),
            "window = 0: the window must be between 1 and 1000000 calls long",
        ),
        (Setting::Mode, "off\n".into(), "mode = \"off\\n\": mode must be `enforce` or `shadow`"),
        (
            Setting::Shared,
            SettingValue::Integer(1),
            "shared = 1: shared must be `local`, `quorum` or `first`",
        ),
        (Setting::Critical, "yes".into(), "critical = \"yes\": expected true or false"),
    ] {
        let error = Config::builder().set(setting, value).unwrap_err();
        assert_eq!((error.to_string(), error.setting()), (expected.to_owned(), setting));
    }
    let error = Config::builder().set_text(Setting::RecoveryTimeout, "1.5s").unwrap_err();
    assert!(error.problem().contains("use a smaller unit, as in \"1500ms\" for 1.5 seconds"), "{error}");
}

#[test]
fn a_text_is_the_value_that_it_is_without_quotes() {
    let parsed = ["5", " 0.5 ", "true", "30s", "inf", "nan", "1e3", ""].map(SettingValue::parse);
    let expected: [SettingValue<'_>; 8] = [
        SettingValue::Integer(5),
        SettingValue::Float(0.5),
        SettingValue::Bool(true),
        "30s".into(),
        "inf".into(),
        "nan".into(),
        SettingValue::Float(1000.0),
        "".into(),
    ];
    assert_eq!(parsed, expected);
}

#[test]
fn a_duration_is_written_in_its_largest_units() {
    for (duration, text) in [
        (Duration::ZERO, "0s"),
        (seconds(90), "1m30s"),
        (Duration::from_millis(1500), "1s500ms"),
        (Duration::from_nanos(1), "1ns"),
        (seconds(90_061), "1d1h1m1s"),
        (Duration::MAX, "unlimited"),
    ] {
        assert_eq!(SettingDuration(duration).to_string(), text);
        assert_eq!(text.parse(), Ok(SettingDuration(duration)));
    }
}
