//! Settings and drills as types of serde: what a configuration library may pass, and what is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::config::{BreakerConfiguration, Configuration};
use breaker_runtime::{
    Config, ConfigBuilder, ConfigLayer, Fault, Registry, Setting, SettingSource, SettingValue,
};
use serde_json::{Value, from_str, json};

use crate::config_documents::{JSON, TOML};

/// Returns the text of the error.
fn refused<T>(result: Result<T, impl ToString>) -> String {
    result.err().map(|error| error.to_string()).unwrap()
}

/// Returns JSON in which `{number}` is a number as `serde_json` passes it with its feature `arbitrary_precision`.
fn with_number(json: &str, number: &str) -> String {
    json.replace("{number}", &format!(r#"{{"$serde_json::private::Number": "{number}"}}"#))
}

#[test]
fn a_configuration_of_serde_is_part_of_the_configuration_of_a_program() {
    let parsed: Configuration = ::toml::from_str(TOML).unwrap();
    let written = serde_json::to_value(&parsed).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(JSON).unwrap());
    let again: Configuration = serde_json::from_value(written).unwrap();

    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let source = SettingSource::File { path: "settings".into(), line: 1 };
    registry.apply_layer(ConfigLayer::File, again.into_sections(&source)).unwrap();
    assert_eq!(hosts.get("eu-1").config().failure_threshold(), Some(50));
    assert_eq!(hosts.get("eu-1").snapshot().settings.source(Setting::Jitter), source);

    let unknown = ::toml::from_str::<Configuration>("[breakers.a]\nfailure_treshold = 1").unwrap_err();
    assert!(unknown.to_string().contains("unknown setting `failure_treshold`"), "{unknown}");
}

#[test]
fn merged_values_of_several_formats_are_a_configuration_with_drills() {
    // What configuration libraries do: values of all sources are merged, and the result is deserialized.
    fn merge(base: &mut Value, over: Value) {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => {
                for (key, value) in over {
                    merge(base.entry(key).or_insert(Value::Null), value);
                }
            }
            (base, over) => *base = over,
        }
    }

    let base = "port = 80\n[breakers.payment]\nfailure_threshold = 9\nwindow = \"1m\"\ncritical = true\n\
                [drills.payment]\nfail = 1\nfor = \"1m\"\n";
    let base: ::toml::Table = ::toml::from_str(base).unwrap();
    let mut merged = serde_json::to_value(base).unwrap();
    let over = r#"{"port": 8080, "breakers": {"payment": {"failure_threshold": 7, "jitter": 0.5}}}"#;
    merge(&mut merged, serde_json::from_str(over).unwrap());
    let drills: BTreeMap<String, Drill> = serde_json::from_value(merged["drills"].take()).unwrap();
    let breakers = merged["breakers"].take();
    let circuits: Configuration = serde_json::from_value(json!({"breakers": breakers})).unwrap();

    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let source = SettingSource::File { path: "settings".into(), line: 1 };
    registry.apply_layer(ConfigLayer::File, circuits.into_sections(&source)).unwrap();
    let config = payment.config();
    assert_eq!((config.failure_threshold(), config.jitter()), (Some(7), 0.5));
    assert_eq!((config.critical(), config.window_time()), (true, Some(Duration::from_secs(60))));
    for (name, drill) in &drills {
        drop(drill.start(&registry, name).unwrap());
    }
    assert_eq!(payment.snapshot().drill.unwrap().fault, Fault::fail(1.0));
}

#[test]
fn every_type_reads_the_numbers_of_serde_json_with_arbitrary_precision() {
    let jitter = |settings: ConfigBuilder| settings.build().unwrap().value(Setting::Jitter);
    let half = Some(SettingValue::Float(0.5));
    let value = |number| from_str::<SettingValue<'_>>(&with_number("{number}", number)).unwrap();
    assert_eq!([value("0.5"), value("1e-9"), value("-0")], [0.5.into(), 1e-9.into(), SettingValue::from(0)]);
    assert_eq!(value("99999999999999999999"), SettingValue::Integer(99_999_999_999_999_999_999));

    let settings = with_number(r#"{"jitter": {number}, "failure_threshold": 9}"#, "0.5");
    assert_eq!(jitter(from_str(&settings).unwrap()), half);
    let breaker: BreakerConfiguration = from_str(&settings).unwrap();
    assert_eq!(jitter(breaker.settings), half);
    let of_key = format!(r#"{{"keys": {{"eu-1": {settings}}}}}"#);
    let breaker: BreakerConfiguration = from_str(&of_key).unwrap();
    assert_eq!(jitter(breaker.keys["eu-1"].clone()), half);
    let all: Configuration = from_str(&format!(r#"{{"breakers": {{"payment": {settings}}}}}"#)).unwrap();
    assert_eq!(jitter(all.breakers["payment"].settings.clone()), half);
    let drill: Drill =
        from_str(&with_number(r#"{"fail": {number}, "for": "1m", "seed": 7}"#, "0.3")).unwrap();
    assert_eq!(drill, Drill::new(Fault::fail(0.3), Duration::from_secs(60)).seed(7));
}

#[test]
fn a_map_that_is_no_number_is_refused_as_a_value() {
    for json in [
        "{}",
        r#"{"a": 1}"#,
        r#"{"$serde_json::private::Number": "0.5", "a": 1}"#,
        r#"{"$__toml_private_datetime": "1979-05-27"}"#,
    ] {
        let error = refused(from_str::<SettingValue<'_>>(json));
        assert!(
            error.starts_with("invalid type: map, expected a number, a text, true or false"),
            "{json} {error}"
        );
    }
    for number in ["1e999", "true", "NaN", ""] {
        let error = refused(from_str::<SettingValue<'_>>(&with_number("{number}", number)));
        assert!(error.starts_with("number out of range"), "{number} {error}");
    }
}

#[test]
fn a_repeated_table_is_refused() {
    for (json, expected) in [
        (
            r#"{"breakers": {"a": {"jitter": 0.1}, "b": {}, "a": {"backoff": 2.0}}}"#,
            r#"duplicate table "a"; expected each name only once"#,
        ),
        (
            r#"{"breakers": {"a": {"keys": {"eu\n": {}, "eu\n": {"jitter": 0.1}}}}}"#,
            r#"duplicate table "eu\n"; expected each name only once"#,
        ),
        (r#"{"breakers": {"a": {"keys": {}, "keys": {}}}}"#, "duplicate field `keys`"),
        (r#"{"breakers": {}, "breakers": {}}"#, "duplicate field `breakers`"),
        (r#"{"breakers": {"a": {"jitter": 0.1, "jitter": 0.2}}}"#, "duplicate setting `jitter`"),
    ] {
        let error = refused(from_str::<Configuration>(json));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn an_unknown_root_is_refused() {
    for json in [r#"{"breaker": {"a": {"jitter": 0.1}}}"#, r#"{"breakers": {}, "breaker": {}}"#] {
        let error = refused(from_str::<Configuration>(json));
        assert!(error.starts_with("unknown field `breaker`, expected `breakers`"), "{error}");
    }
    let drills = refused(from_str::<Configuration>(r#"{"drills": {}}"#));
    assert!(drills.starts_with("unknown field `drills`, expected `breakers`"), "{drills}");
    assert!(from_str::<Configuration>("{}").unwrap().breakers.is_empty());
}

#[test]
fn a_repeated_or_unknown_value_of_a_drill_is_refused() {
    let repeated = "duplicate value; set each of fail, delay, delay_share, for and seed once";
    for (json, expected) in [
        (r#"{"fail": 0.3, "for": "1m", "fail": 0.9}"#, repeated),
        (r#"{"fail": 0.3, "failing": 1, "for": "1m"}"#, "unknown value; use fail, delay"),
        (r#"{"fail": true, "for": "1m"}"#, "fail must be between 0 and 1"),
        ("[]", "invalid type: sequence, expected the values of a drill: fail, delay"),
    ] {
        let error = refused(from_str::<Drill>(json));
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(refused(Drill::parse([("fail", "1"), ("for", "1m"), ("for", "2m")])), repeated);
}
