//! The key `config`, a policy that many functions share. The compiler evaluates these functions, because only it
//! knows the settings of the policy.

use super::const_checks::{fail_compilation, waiting_error};
use crate::clock::HAS_ASYNC_TIMER;
use crate::config::ConfigBuilder;

/// Removes the window, which a key of the attribute replaces.
pub const fn without_window(settings: ConfigBuilder) -> ConfigBuilder {
    settings.without_window()
}

/// Removes `max_wait`, which a key of the attribute replaces.
pub const fn without_wait(settings: ConfigBuilder) -> ConfigBuilder {
    settings.without_wait()
}

/// Stops the compilation if the settings contradict each other or do not fit a sync function.
#[track_caller]
pub const fn checked_sync_config(settings: ConfigBuilder) -> ConfigBuilder {
    if let Some(message) = settings.consistency_error() {
        fail_compilation(message);
    }
    if settings.times_out() {
        fail_compilation(
            "call_timeout in `config` cannot stop a sync call; make the function async, or remove the limit: \
             `.call_timeout(Duration::MAX)`",
        );
    }
    settings
}

/// Stops the compilation if the settings contradict each other or need an async timer that the runtime lacks.
#[track_caller]
pub const fn checked_async_config(settings: ConfigBuilder) -> ConfigBuilder {
    if let Some(message) = settings.consistency_error() {
        fail_compilation(message);
    }
    match waiting_error(HAS_ASYNC_TIMER) {
        Some(message) if settings.waits() => fail_compilation(message),
        Some(_) | None => settings,
    }
}

/// Stops the compilation if the fallback of an async function may run after the body, although it uses an
/// argument that can never be cloned.
#[track_caller]
pub const fn checked_unsaved(settings: ConfigBuilder) -> ConfigBuilder {
    if needs_clones(&settings) {
        fail_compilation(
            "`config` sets call_timeout or max_wait, so the fallback may run after the body, which moves an \
             argument that the fallback uses and that cannot be cloned; write a closure that does not use it: \
             `fallback = |error| ..`",
        );
    }
    settings
}

/// Returns `true` if the fallback of an async function may run after the body has received the arguments.
#[must_use]
pub const fn needs_clones(settings: &ConfigBuilder) -> bool {
    settings.times_out() || settings.waits()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::time::Duration;

    use super::*;
    use crate::config::Config;

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
        let needed = |settings: ConfigBuilder| needs_clones(&settings);
        let second = Duration::from_secs(1);
        assert!(needed(Config::builder().call_timeout(second)));
        assert!(needed(Config::builder().max_wait(second)));
        assert!(needed(Config::builder().max_wait(Duration::MAX)));
        assert!(!needed(Config::builder().call_timeout(Duration::MAX).max_wait(Duration::ZERO)));
        assert!(!needed(without_wait(Config::builder().max_wait(second))));
    }
}
