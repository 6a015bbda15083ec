//! Settings from variables of the environment.

use breaker_runtime::integrations::config::{ConfigFormat, ConfigLoadReport, ConfigReader};
use breaker_runtime::{Config, Registry, Setting, SettingSource};

fn load(registry: &Registry, variables: &[(&str, &str)]) -> Result<ConfigLoadReport, String> {
    let reader = ConfigReader::new(registry).variables(variables.iter().copied());
    let mut reader = reader;
    reader.load().map_err(|error| error.to_string())
}

#[test]
fn a_variable_names_a_breaker_without_regard_to_case_and_punctuation() {
    let registry = Registry::new();
    for name in ["payment", "shop::get_price", "Bonus Points", "gr\u{fc}n"] {
        registry.register(name, Config::default()).unwrap();
    }
    let report = load(
        &registry,
        &[
            ("BREAKER__PAYMENT__FAILURE_THRESHOLD", "10"),
            ("BREAKER__PAYMENT__RECOVERY_TIMEOUT", "5s"),
            ("BREAKER__SHOP__GET_PRICE__MODE", "shadow"),
            ("breaker__bonus_points__critical", "true"),
            ("BREAKER__GR_N__JITTER", "0.5"),
            ("BREAKER__*__BACKOFF", "2"),
            ("BREAKER_TOKEN", "secret"),
            ("PATH", "/bin"),
        ],
    );
    assert_eq!(report.unwrap().unmatched().count(), 0);
    let settings = |name: &str| registry.get(name).unwrap().snapshot().settings;
    let payment = settings("payment");
    assert_eq!((payment.failure_threshold(), payment.recovery_timeout().as_secs()), (Some(10), 5));
    let source = |variable: &str| SettingSource::Environment { variable: variable.into() };
    assert_eq!(payment.source(Setting::FailureThreshold), source("BREAKER__PAYMENT__FAILURE_THRESHOLD"));
    assert_eq!(payment.source(Setting::Backoff), source("BREAKER__*__BACKOFF"));
    assert_eq!(settings("shop::get_price").mode().label(), "shadow");
    assert!(settings("Bonus Points").critical());
    assert_eq!((settings("gr\u{fc}n").jitter(), settings("gr\u{fc}n").backoff()), (0.5, 2.0));
}

#[test]
fn every_mistake_in_variables_is_reported_and_changes_nothing() {
    let registry = Registry::new();
    for name in ["payment", "a b", "a-b"] {
        registry.register(name, Config::default()).unwrap();
    }
    let error = load(
        &registry,
        &[
            ("BREAKER__PAYMENT__JITTER", "0.5"),
            ("BREAKER__PAYMENT__FAILURE_THRESHOLD", "0"),
            ("BREAKER__PAYMENT__RECOVERY", "1s"),
            ("BREAKER__payment__jitter", "0.6"),
            ("BREAKER__A_B__JITTER", "0.5"),
            ("BREAKER__JITTER", "0.5"),
            ("BREAKER____JITTER", "0.5"),
        ],
    );
    let error = error.unwrap_err();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(
        lines,
        [
            "BREAKER__JITTER: expected BREAKER__<NAME>__<SETTING>",
            "BREAKER__PAYMENT__FAILURE_THRESHOLD: failure_threshold = 0: failure_threshold must be between 1 and 16777215",
            "BREAKER__PAYMENT__RECOVERY: \"recovery\": unknown setting; the settings are failure_threshold, \
             consecutive_failures, failure_rate, window, minimum_calls, slow_call, slow_call_rate, recovery_timeout, \
             backoff, max_recovery_timeout, jitter, half_open_max_calls, success_threshold, half_open_timeout, ramp, \
             call_timeout, max_concurrent, max_wait, cancelled_after, hang, max_open, shared, adopt, mode, critical, \
             durations",
            "BREAKER____JITTER: expected BREAKER__<NAME>__<SETTING>",
            "BREAKER__payment__jitter: BREAKER__PAYMENT__JITTER stands for the same setting; remove one of them",
            "BREAKER__A_B__JITTER: matches both circuit breakers \"a b\" and \"a-b\"; use a file for them",
        ]
    );
    assert!(registry.iter().all(|breaker| breaker.config() == Config::default()));
}

#[test]
fn two_variables_that_stand_for_the_same_setting_are_a_mistake_however_they_are_written() {
    let registry = Registry::new();
    let error =
        load(&registry, &[("BREAKER__SHOP::GET__JITTER", "0.5"), ("BREAKER__SHOP__GET__JITTER", "0.25")]);
    assert_eq!(
        error.unwrap_err(),
        "BREAKER__SHOP__GET__JITTER: BREAKER__SHOP::GET__JITTER stands for the same setting; remove one of them"
    );
    let size = registry.register("gr\u{f6}\u{df}e", Config::default()).unwrap();
    let report = load(&registry, &[("BREAKER__gr\u{f6}\u{df}e__JITTER", "0.5")]).unwrap();
    assert_eq!((report.unmatched().count(), size.config().jitter()), (0, 0.5));
}

#[test]
fn a_variable_that_matches_a_second_breaker_after_the_first_load_does_not_block_later_loads() {
    let registry = Registry::new();
    let first = registry.register("a-b", Config::default()).unwrap();
    let mut reader = ConfigReader::new(&registry).variables([("BREAKER__A_B__JITTER", "0.5")]);
    reader.load().unwrap();
    let second = registry.register("a.b", Config::default()).unwrap(); // writes a line to stderr
    assert_eq!((first.config().jitter(), second.config().jitter()), (0.5, 0.5));
    let text = b"[breakers.'a.b']\nbackoff = 2\n";
    reader.load_text("b.toml", ConfigFormat::Toml, text).unwrap();
    assert_eq!((first.config().backoff(), second.config().backoff()), (1.0, 2.0));

    // A reader that finds both at its first load refuses the variable.
    let error = load(&registry, &[("BREAKER__A_B__JITTER", "0.25")]).unwrap_err();
    assert!(error.contains("matches both circuit breakers \"a-b\" and \"a.b\""), "{error}");
}

#[test]
fn a_variable_that_matches_no_breaker_is_reported_and_applies_later() {
    let registry = Registry::new();
    registry.register("payment", Config::default()).unwrap();
    let report =
        load(&registry, &[("BREAKER__PAYMNET__JITTER", "0.5"), ("BREAKER__LATE_ONE__JITTER", "0.25")]);
    let report = report.unwrap();
    let unmatched: Vec<_> = report.unmatched().map(ToString::to_string).collect();
    assert_eq!(
        unmatched,
        [
            "BREAKER__LATE_ONE__JITTER: no circuit breaker matches \"LATE_ONE\"",
            "BREAKER__PAYMNET__JITTER: no circuit breaker matches \"PAYMNET\"; did you mean \"payment\"?",
        ]
    );
    let late = registry.register("late-one", Config::default()).unwrap();
    assert_eq!(late.config().value(Setting::Jitter), Some(0.25.into()));
}

#[test]
fn the_environment_takes_precedence_over_files_and_both_apply_together_or_not_at_all() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    let file = b"[breakers.search]\nfailure_threshold = 7\nfailure_rate = 0.5\n";
    let mut alone = ConfigReader::new(&registry);
    let error = alone.load_text("b.toml", ConfigFormat::Toml, file).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("b.toml:3: circuit breaker \"search\": failure_rate and slow_call need a window"),
        "{error}"
    );

    let variables = [("BREAKER__SEARCH__FAILURE_THRESHOLD", "9"), ("BREAKER__SEARCH__WINDOW", "100")];
    let mut both = ConfigReader::new(&registry).variables(variables);
    both.load_text("b.toml", ConfigFormat::Toml, file).unwrap();
    let config = search.config();
    assert_eq!((config.failure_threshold(), config.failure_rate()), (Some(9), Some(0.5)));

    let refused = both
        .load_text(
            "b.toml",
            ConfigFormat::Toml,
            b"breakers.search = { failure_rate = 0.5, minimum_calls = 101 }",
        )
        .unwrap_err();
    assert!(refused.to_string().contains("minimum_calls must be at most the window"), "{refused}");
    assert_eq!(search.config(), config);
}
