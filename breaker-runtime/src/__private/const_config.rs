//! The key `config`, a policy that many functions share. The attribute sees only its tokens, so the compiler checks it
//! with these functions.

use core::marker::PhantomData;
use core::ops::Deref;
use core::time::Duration;

use super::const_checks::{checked, fail_compilation, waiting_error};
use crate::clock::HAS_ASYNC_TIMER;
use crate::config::{Config, ConfigBuilder};

/// The value of `config`: a constant or a static.
///
/// Method lookup finds `checked` here for a `ConfigBuilder`. For other types, it finds the `checked` of
/// `OtherPolicy` through `Deref`.
#[derive(Debug)]
pub struct Policy<'p, T> {
    policy: &'p T,
    other: OtherPolicy<T>,
}

/// The value of `config` if its type is not `ConfigBuilder`.
#[derive(Debug)]
pub struct OtherPolicy<T>(PhantomData<T>);

/// Wraps a policy in a `Policy`.
#[expect(non_snake_case, reason = "the constructor of a tuple struct has the name of the struct")]
pub const fn Policy<T>(policy: &T) -> Policy<'_, T> {
    Policy { policy, other: OtherPolicy(PhantomData) }
}

/// A type that `config` accepts.
#[diagnostic::on_unimplemented(
    message = "expected a `ConfigBuilder`, found `{Self}`",
    label = "this must be a `ConfigBuilder`",
    note = "write `const POLICY: ConfigBuilder = Config::builder()..`, without `build`, and `config = POLICY`"
)]
pub trait IsPolicy {}

impl IsPolicy for ConfigBuilder {}

impl Policy<'_, ConfigBuilder> {
    /// Returns a copy of the policy. Stops the compilation if one of its settings is out of range.
    #[track_caller]
    pub const fn checked(self) -> ConfigBuilder {
        checked(self.policy.copied())
    }
}

impl<T> OtherPolicy<T> {
    /// Never compiles. The compile error names the type that `config` expects.
    pub const fn checked(&self) -> ConfigBuilder
    where
        T: IsPolicy,
    {
        Config::builder()
    }
}

impl<T> Deref for Policy<'_, T> {
    type Target = OtherPolicy<T>;

    fn deref(&self) -> &OtherPolicy<T> {
        &self.other
    }
}

/// Removes the window, which a key of the attribute replaces.
pub const fn without_window(settings: ConfigBuilder) -> ConfigBuilder {
    settings.without_window()
}

/// Removes `max_wait`, which a key of the attribute replaces.
pub const fn without_wait(settings: ConfigBuilder) -> ConfigBuilder {
    settings.without_wait()
}

/// Removes `call_timeout`, which a key of the attribute sets to `"unlimited"`.
pub const fn without_call_timeout(settings: ConfigBuilder) -> ConfigBuilder {
    settings.call_timeout(Duration::MAX)
}

/// Stops the compilation if the settings contradict each other or do not fit a sync function.
#[track_caller]
pub const fn checked_sync_config(settings: ConfigBuilder) -> ConfigBuilder {
    if let Some(error) = settings.consistency_error() {
        fail_compilation(error.message());
    }
    if settings.times_out() {
        fail_compilation(
            "call_timeout in `config` cannot stop a sync call; make the function async, or remove the limit: \
             `.call_timeout(Duration::MAX)`",
        );
    }
    settings
}

/// Stops the compilation if a setting needs keys, for a function without `key`.
#[track_caller]
pub const fn checked_unkeyed_config(settings: ConfigBuilder) -> ConfigBuilder {
    if settings.has_max_open() {
        fail_compilation("max_open in `config` needs keys; add `key = ..`, or remove it: `.max_open(1.0)`");
    }
    settings
}

/// Stops the compilation if the settings contradict each other or need an async timer that needs the feature `tokio`.
#[track_caller]
pub const fn checked_async_config(settings: ConfigBuilder) -> ConfigBuilder {
    if let Some(error) = settings.consistency_error() {
        fail_compilation(error.message());
    }
    match waiting_error(HAS_ASYNC_TIMER) {
        Some(message) if settings.waits() => fail_compilation(message),
        Some(_) | None => settings,
    }
}

/// Stops the compilation if the fallback of an async function may run after the body, although it uses an
/// argument that can never be cloned.
#[track_caller]
pub const fn checked_without_clones(settings: ConfigBuilder) -> ConfigBuilder {
    if times_out_or_waits(&settings) {
        fail_compilation(
            "`config` sets call_timeout or max_wait, so the fallback may run after the body, which moves an \
             argument that the fallback uses and that cannot be cloned; write a closure that does not use it: \
             `fallback = |error| ..`",
        );
    }
    settings
}

/// Returns `true` if an async call may reach its time limit. Its fallback then runs after the body has received the
/// arguments.
#[must_use]
pub const fn times_out(settings: &ConfigBuilder) -> bool {
    settings.times_out()
}

/// Returns `true` if an async call may wait for a slot. Its fallback then runs after the body has received the
/// arguments.
#[must_use]
pub const fn waits(settings: &ConfigBuilder) -> bool {
    settings.waits()
}

/// Returns `true` if an async call may reach its time limit or wait for a slot. Its fallback then runs after the
/// body has received the arguments, unless the call waits first.
#[must_use]
pub const fn times_out_or_waits(settings: &ConfigBuilder) -> bool {
    settings.times_out() || settings.waits()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn an_async_config_may_wait_only_with_an_async_timer() {
        let waits = |at_most| {
            let settings = Config::builder().max_concurrent(1).max_wait(at_most);
            catch_unwind(|| drop(checked_async_config(settings))).is_ok()
        };
        assert_eq!(waits(Duration::from_secs(1)), HAS_ASYNC_TIMER);
        assert!(waits(Duration::ZERO));
    }

    #[test]
    fn only_limits_that_can_be_reached_need_clones() {
        let needed = |settings: ConfigBuilder| times_out_or_waits(&settings);
        let second = Duration::from_secs(1);
        assert!(needed(Config::builder().call_timeout(second)));
        assert!(needed(Config::builder().max_wait(second)));
        assert!(needed(Config::builder().max_wait(Duration::MAX)));
        assert!(!needed(Config::builder().call_timeout(Duration::MAX).max_wait(Duration::ZERO)));
        assert!(!needed(without_wait(Config::builder().max_wait(second))));
        assert!(!needed(without_call_timeout(Config::builder().call_timeout(second))));
    }
}
