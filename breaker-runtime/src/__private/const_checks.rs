//! Checks that the compiler evaluates. Each returns its argument, or stops the compilation of the user's
//! crate.
//!
//! The attribute checks literals itself. These functions check the values of constants, which only the
//! compiler knows.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::HAS_ASYNC_TIMER;
use crate::config::{ConfigBuilder, Name};
use crate::registry::checked_keys as check_keys;

/// Stops the compilation if the last setting is out of range.
#[track_caller]
pub const fn checked(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.error() {
        None => settings,
        Some(error) => fail_compilation(error.message()),
    }
}

/// Stops the compilation if `minimum_calls` or `failure_threshold` does not fit the window.
#[track_caller]
pub const fn checked_rules(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.rules_error() {
        None => settings,
        Some(error) => fail_compilation(error.message()),
    }
}

/// Stops the compilation if `max_recovery_timeout` is shorter than `recovery_timeout`.
#[track_caller]
pub const fn checked_recovery(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.recovery_error() {
        None => settings,
        Some(error) => fail_compilation(error.message()),
    }
}

/// Stops the compilation if an async function sets `max_wait` and the runtime has no timer for async code.
#[track_caller]
pub const fn checked_waiting(settings: ConfigBuilder) -> ConfigBuilder {
    match waiting_error(HAS_ASYNC_TIMER) {
        None => settings,
        Some(message) => fail_compilation(message),
    }
}

pub(super) const fn waiting_error(has_async_timer: bool) -> Option<&'static str> {
    if has_async_timer {
        return None;
    }
    Some("max_wait of an async function needs the feature `tokio` of breaker-runtime")
}

/// Stops the compilation if `name` is not a valid name of a breaker.
#[must_use]
#[track_caller]
pub const fn checked_name(name: &'static str) -> &'static str {
    match Name::check(name) {
        Ok(()) => name,
        Err(error) => fail_compilation(error.message()),
    }
}

/// Stops the compilation if `path`, the path of a function, is not a valid name of a breaker.
#[track_caller]
pub(super) const fn checked_path(path: &'static str) -> &'static str {
    match path_error(path) {
        None => path,
        Some(message) => fail_compilation(message),
    }
}

const fn path_error(path: &str) -> Option<&'static str> {
    match Name::check(path) {
        Ok(()) => None,
        Err(_) => Some(
            "the path of the function is longer than 255 bytes, so it cannot be the name of the circuit breaker: \
             set `name`",
        ),
    }
}

/// Stops the compilation if `max_keys` is out of range.
#[must_use]
#[track_caller]
pub const fn checked_keys(max_keys: u32) -> NonZeroU32 {
    match check_keys(max_keys) {
        Ok(max_keys) => max_keys,
        Err(error) => fail_compilation(error.message()),
    }
}

/// Stops the compilation if `max_age` is zero.
#[must_use]
#[track_caller]
pub const fn checked_max_age(max_age: Duration) -> Duration {
    if max_age.is_zero() {
        fail_compilation("max_age must be longer than zero");
    }
    max_age
}

#[track_caller]
#[expect(
    clippy::panic,
    reason = "it runs only while the user's crate compiles, and becomes the compile error"
)]
pub(super) const fn fail_compilation(message: &'static str) -> ! {
    panic!("{}", message)
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::config::{Config, Sharing};
    use crate::sync::HAS_FLEET;

    #[test]
    fn the_error_of_a_path_that_is_too_long_says_to_set_the_name() {
        assert_eq!(path_error(&"m".repeat(255)), None);
        assert!(path_error(&"m".repeat(256)).is_some_and(|message| message.ends_with("set `name`")));
    }

    #[test]
    fn max_wait_of_async_functions_requires_an_async_timer() {
        assert_eq!(waiting_error(true), None);
        let message = "max_wait of an async function needs the feature `tokio` of breaker-runtime";
        assert_eq!(waiting_error(false), Some(message));
    }

    #[test]
    fn max_wait_and_call_timeout_are_rejected_without_tokio() {
        let waiting =
            || checked_waiting(Config::builder().max_concurrent(1).max_wait(Duration::from_secs(1)));
        assert_eq!(catch_unwind(waiting).is_ok(), HAS_ASYNC_TIMER);
        let limited = || checked(Config::builder().call_timeout(Duration::from_secs(1)));
        assert_eq!(catch_unwind(limited).is_ok(), HAS_ASYNC_TIMER);
    }

    #[test]
    fn a_shared_circuit_is_rejected_without_redis() {
        let shared = || checked(Config::builder().shared(Sharing::Quorum));
        assert_eq!(catch_unwind(shared).is_ok(), HAS_FLEET);
        let error = Config::builder().shared(Sharing::First).build().err();
        let message = "shared needs the feature `redis` of breaker-runtime";
        assert_eq!(error.map(|error| error.to_string()), (!HAS_FLEET).then(|| message.to_owned()));
        assert!(Config::builder().shared(Sharing::Local).build().is_ok());
    }
}
