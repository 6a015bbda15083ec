//! Names, keys, failure texts and operators with characters that a reader cannot see, or that change the order of
//! the text, are shown with escapes.

use std::collections::BTreeMap;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Registry, Setting, SettingDuration};

use crate::support::settings;

/// A right-to-left override, a zero-width space, an escape sequence of terminals, and a line break.
const HOSTILE: &str = "a\u{202e}b\u{200b}\u{1b}[31m\nforged";
/// The same with escapes.
const SHOWN: &str = r"a\u{202e}b\u{200b}\u{1b}[31m\nforged";

#[test]
fn errors_show_names_and_keys_with_escapes() {
    let hosts = Registry::new().register_keyed(HOSTILE, Config::default(), 10).unwrap();
    let host = hosts.get(HOSTILE);
    host.force_open();
    let error = host.try_acquire().unwrap_err();
    let text = format!("circuit breaker \"{SHOWN}\" for \"{SHOWN}\" is forced open");
    assert_eq!(error.to_string(), text);
    assert_eq!((error.name(), error.key()), (HOSTILE, Some(HOSTILE)));
}

#[test]
fn conflicts_show_names_with_escapes() {
    let registry = Registry::new();
    registry.register(HOSTILE, Config::default()).unwrap();
    let error = registry.register(HOSTILE, settings().build().unwrap()).unwrap_err();
    for text in [error.to_string(), registry.check().unwrap_err().to_string()] {
        assert!(text.contains(&format!("circuit breaker \"{SHOWN}\" is declared at")), "{text}");
    }
}

#[test]
fn transitions_show_no_hidden_characters_of_failures_and_operators() {
    let config = Config::builder().failure_threshold(1).build().unwrap();
    let breaker = CircuitBreaker::new("search", config).unwrap();
    breaker.try_acquire().unwrap().fail(HOSTILE);
    let opened = breaker.snapshot().last_transition.unwrap().to_string();
    // A failure text is recorded without hidden characters.
    assert!(opened.ends_with("; last failure: \"a\u{fffd}b\u{fffd}\u{fffd}[31m forged\""), "{opened:?}");
    breaker.operator(HOSTILE).force_open();
    let forced = breaker.snapshot().last_transition.unwrap();
    assert_eq!(forced.to_string(), format!("open -> forced open: forced open by {SHOWN}"));
    assert_eq!(forced.initiator.as_deref(), Some(SHOWN));
}

#[test]
fn an_operator_name_is_recorded_with_bounded_length() {
    let breaker = CircuitBreaker::new("search", Config::default()).unwrap();
    let recorded = |name: &str| {
        breaker.operator(name).reset();
        breaker.snapshot().last_transition.unwrap().initiator.clone().unwrap()
    };
    assert_eq!(&*recorded(""), "(unnamed)");
    assert_eq!(&*recorded(&"n".repeat(1024)), "n".repeat(1024));
    assert_eq!(&*recorded(&"n".repeat(1025)), format!("{}...", "n".repeat(1024)));
    assert_eq!(&*recorded(&"\u{20ac}".repeat(1_000_000)), format!("{}...", "\u{20ac}".repeat(341)));
}

#[test]
fn errors_of_settings_show_names_and_values_with_escapes_and_cut_long_ones() {
    let error = Config::builder().set_text(Setting::Hang, HOSTILE).unwrap_err().to_string();
    let unit = SHOWN.split_once("31").unwrap().0; // it ends at a digit
    let expected = format!("hang = \"{SHOWN}\": the duration \"{SHOWN}\" has no number before \"{unit}\"; ");
    assert!(error.starts_with(&expected), "{error}");
    for (text, problem) in [
        ("5 \n", "has the unknown unit \"\\n"),
        ("5\n5", "has no unit after 5"),
        ("5.\n5s", "has a fraction"),
    ] {
        let error = format!("{text}x").parse::<SettingDuration>().unwrap_err().to_string();
        assert!(!error.contains('\n'), "{problem} {error}");
    }
    let unknown = serde_json::to_string(&BTreeMap::from([(HOSTILE, 1)])).unwrap();
    let unknown = serde_json::from_str::<ConfigBuilder>(&unknown).unwrap_err().to_string();
    assert!(unknown.starts_with(&format!("unknown setting `{SHOWN}`; expected one of")), "{unknown}");

    let long = "1ns".repeat(100_000) + "x";
    let value = Config::builder().set_text(Setting::Hang, &long).unwrap_err().to_string();
    let name = serde_json::from_str::<ConfigBuilder>(&format!("{{\"{long}\": 1}}")).unwrap_err().to_string();
    for error in [value, name] {
        assert!(error.len() < 1000 && error.contains("1ns1ns"), "{error}");
    }
}
