//! Names, keys, failure texts and operators with characters that a reader cannot see, or that change the order of
//! the text, are shown with escapes.

use breaker_runtime::{CircuitBreaker, Config, Registry};

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
