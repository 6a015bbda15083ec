//! All that code written by the attribute may name. Not for anybody else: it changes without notice.

#[path = "private/acquire.rs"]
mod acquire;
#[path = "private/answer.rs"]
mod answer;
#[path = "private/declare.rs"]
mod declare;
#[path = "private/given.rs"]
mod given;
#[path = "private/classifier.rs"]
mod classifier;
#[path = "private/late.rs"]
mod late;
#[path = "private/protect.rs"]
mod protect;
#[path = "private/resolve.rs"]
mod resolve;
#[path = "private/site.rs"]
mod site;
#[path = "private/window.rs"]
mod window;

use std::num::NonZeroU32;

pub use crate::__declare as declare;
pub use core::option::Option::{None, Some};
pub use core::result::Result::{Err, Ok};
pub use core::time::Duration;
pub use core::{concat, module_path};

pub use self::acquire::{Acquire, AcquireNow};
pub use self::classifier::{
    Asked, ByDebug, ByDisplay, Mute, Results, Returned, Says, Values, judged, returned, unknown, untold,
};
pub use self::given::{Given, Gives, borrowed, cloned, registry};
pub use self::late::{Unserved, call_async_or_fail, call_or_fail, fallback_or_fail};
pub use self::protect::{
    FromRejected, Protected, protect, protect_asking, protect_async, protect_async_asking, reject,
};
pub use self::resolve::{IntoFutureOf, Resolved, resolve};
pub use self::site::{KeyedCircuit, KeyedSite, Site};
pub use self::window::Window;
pub use crate::breaker::{Admission, Rejected};
pub use crate::classifier::Classifier;
pub use crate::config::{ConfigBuilder, Mode};
pub use crate::outcome::Outcome;
pub use crate::registry::{Key, KeyText};

use crate::breaker::{Guarded, Limited};
use crate::clock::HAS_ASYNC_TIMER;
use crate::config::{Config, Name};
use crate::error::BreakerError;
use crate::registry::checked_keys as check_keys;

/// Stops the compilation at the setting that has just been added, if it is out of its range.
#[track_caller]
pub const fn checked(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.error() {
        None => settings,
        Some(error) => refuse(error.message()),
    }
}

/// Stops the compilation at a `minimum_calls` that does not go with the window.
#[track_caller]
pub const fn checked_rules(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.rules_error() {
        None => settings,
        Some(message) => refuse(message),
    }
}

/// Stops the compilation at a `max_recovery_timeout` that does not go with `recovery_timeout`.
#[track_caller]
pub const fn checked_recovery(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.recovery_error() {
        None => settings,
        Some(message) => refuse(message),
    }
}

/// Stops the compilation at the `max_wait` of an async function whose calls would not wait.
#[track_caller]
pub const fn checked_waiting(settings: ConfigBuilder) -> ConfigBuilder {
    match why_no_wait(HAS_ASYNC_TIMER) {
        None => settings,
        Some(message) => refuse(message),
    }
}

const fn why_no_wait(has_async_alarm: bool) -> Option<&'static str> {
    if has_async_alarm {
        return None;
    }
    Some("max_wait of an async function needs the feature `tokio` of breaker-runtime")
}

/// Stops the compilation at a name that no breaker can have.
#[must_use]
#[track_caller]
pub const fn checked_name(name: &'static str) -> &'static str {
    match Name::check(name) {
        Ok(()) => name,
        Err(error) => refuse(error.message()),
    }
}

/// Stops the compilation at a number of keys that no breaker can have.
#[must_use]
#[track_caller]
pub const fn checked_keys(max_keys: u32) -> NonZeroU32 {
    match check_keys(max_keys) {
        Ok(max_keys) => max_keys,
        Err(error) => refuse(error.message()),
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "only evaluated while the user's crate compiles: it is the compile error")]
const fn refuse(message: &'static str) -> ! {
    panic!("{}", message)
}

/// The defaults, to be changed by one call for each key.
pub const SETTINGS: ConfigBuilder = Config::builder();

/// Settings that the compiler has worked out.
pub fn copied(settings: &ConfigBuilder) -> ConfigBuilder {
    settings.clone()
}

/// Runs the body of a function, once, to its end.
#[expect(clippy::needless_pass_by_value, reason = "as the async forms take it, which keep it")]
#[inline]
pub fn call<T, J: Classifier<T>>(admission: Admission<'_>, body: impl FnOnce() -> T, classifier: J) -> T {
    admission.run(body, |output| classifier.outcome(output), |output| classifier.text(output))
}

/// The same, where somebody is asked before the classifier.
#[inline]
pub fn call_asking<T, J: Classifier<T>>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classifier: J,
    classify: impl Fn(&T, &J) -> Outcome,
) -> T {
    call(admission, body, Asked { classifier, classify })
}

/// Runs the body of an async function.
#[inline]
pub const fn call_async<F, J>(admission: Admission<'_>, body: F, classifier: J) -> Guarded<'_, F, J> {
    Guarded::new(admission, body, classifier)
}

/// The same, where somebody is asked before the classifier.
#[inline]
pub fn call_async_asking<F: Future, J, C: Fn(&F::Output, &J) -> Outcome>(
    admission: Admission<'_>,
    body: F,
    classifier: J,
    classify: C,
) -> Guarded<'_, F, Asked<J, C>> {
    call_async(admission, body, Asked { classifier, classify })
}

/// The same, but no longer than its `call_timeout`.
pub fn call_async_within<F: Future, J: Classifier<F::Output>, C: Fn(&F::Output, &J) -> Outcome>(
    admission: Admission<'_>,
    body: F,
    classifier: J,
    classify: C,
) -> Limited<'_, F, Asked<J, C>> {
    Limited::new(admission, body, Asked { classifier, classify })
}

/// Asks a question of the user's.
#[inline]
pub fn ask<T: ?Sized, Q: Question<T>>(value: &T, question: Q) -> bool {
    question(value)
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is no question about `{T}`",
    label = "this must take a `&{T}` and return a `bool`",
    note = "write the path of such a function, a closure, `|result| ..`, or a pattern in parentheses: `failure_if(Err(_))`"
)]
pub trait Question<T: ?Sized>: FnOnce(&T) -> bool {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized, Q: FnOnce(&T) -> bool> Question<T> for Q {}

/// An argument once more, for a fallback that may be called after the body has taken the first one.
#[inline]
#[must_use]
pub fn again<T: Again>(argument: &T) -> T {
    argument.again()
}

#[diagnostic::on_unimplemented(
    message = "the fallback may run after the body has taken its arguments, so `{Self}` must be `Clone`",
    label = "this argument is needed twice",
    note = "derive `Clone` for it, take it by `&`, or write the fallback as a closure that does not use it"
)]
pub trait Again {
    #[must_use]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {
    #[inline]
    fn again(&self) -> Self {
        self.clone()
    }
}

/// Says which type an async body has. It is never called: nobody has such a value.
#[must_use]
pub fn pin<T>() -> T {
    std::process::abort()
}

/// Hands the rejection to a fallback that looks at it.
#[inline]
pub fn fallback<T>(rejected: Rejected<'_>, fallback: impl FnOnce(BreakerError) -> T) -> T {
    fallback(rejected.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn async_calls_wait_only_where_something_wakes_them() {
        assert_eq!(why_no_wait(true), None);
        let why = "max_wait of an async function needs the feature `tokio` of breaker-runtime";
        assert_eq!(why_no_wait(false), Some(why));
    }

    #[test]
    fn a_wait_that_needs_tokio_is_refused_without_it_and_a_time_limit_too() {
        let waiting = || checked_waiting(SETTINGS.max_concurrent(1).max_wait(Duration::from_secs(1)));
        assert_eq!(std::panic::catch_unwind(waiting).is_ok(), HAS_ASYNC_TIMER);
        let limited = || checked(SETTINGS.call_timeout(Duration::from_secs(1)));
        assert_eq!(std::panic::catch_unwind(limited).is_ok(), HAS_ASYNC_TIMER);
    }
}
