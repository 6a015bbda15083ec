//! All that code written by the attribute may name. Not for anybody else: it changes without notice.

use std::io::Write as _;
use std::panic::Location;

use once_cell::sync::OnceCell;

pub use core::option::Option::{None, Some};
pub use core::result::Result::{Err, Ok};
pub use core::time::Duration;
pub use core::{concat, module_path};

pub use crate::breaker::{Admission, Rejected};
pub use crate::classifier::Output;
pub use crate::outcome::Outcome;

use crate::breaker::{CircuitBreaker, Guarded};
use crate::config::{Config, ConfigBuilder, Name};
use crate::error::BreakerError;
use crate::registry::{Conflict, Declared, Naming, Registry};

/// One annotated function: what it declares, and its breaker from the first call on.
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    config: Config,
    declared: Declared,
    breaker: OnceCell<CircuitBreaker>,
}

impl Site {
    /// A function whose author chose the name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str, settings: ConfigBuilder) -> Self {
        Self::new(name, settings, Naming::Chosen)
    }

    /// A function that is called after its path.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, settings: ConfigBuilder) -> Self {
        Self::new(path, settings, Naming::Derived)
    }

    #[track_caller]
    const fn new(name: &'static str, settings: ConfigBuilder, naming: Naming) -> Self {
        let place = Location::caller();
        let config = match settings.build() {
            Ok(config) => config,
            Err(error) => refuse(error.message()),
        };
        Self {
            name: checked_name(name),
            config,
            declared: Declared { place, naming },
            breaker: OnceCell::new(),
        }
    }

    /// Asks for one call.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub fn acquire(&'static self) -> Result<Admission<'static>, Rejected<'static>> {
        self.breaker().circuit().admit()
    }

    #[inline]
    fn breaker(&'static self) -> &'static CircuitBreaker {
        match self.breaker.get() {
            Some(breaker) => breaker,
            None => self.register(),
        }
    }

    #[cold]
    fn register(&'static self) -> &'static CircuitBreaker {
        let mut found = None;
        let breaker = self.breaker.get_or_init(|| {
            let name = Name::Static(self.name);
            let (breaker, conflict) = Registry::global().declare(name, self.config.clone(), self.declared);
            found = conflict;
            breaker
        });
        if let Some(conflict) = found {
            complain(&conflict);
        }
        breaker
    }
}

/// Loudly, because no caller can be handed an error; but not by `eprintln!`, which panics where nobody
/// can listen.
fn complain(conflict: &Conflict) {
    _ = writeln!(std::io::stderr(), "warning: {conflict}");
}

/// Stops the compilation at the setting that has just been added, if it is out of its range.
#[track_caller]
pub const fn checked(settings: ConfigBuilder) -> ConfigBuilder {
    match settings.error() {
        None => settings,
        Some(error) => refuse(error.message()),
    }
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

#[track_caller]
#[expect(clippy::panic, reason = "only evaluated while the user's crate compiles: it is the compile error")]
const fn refuse(message: &'static str) -> ! {
    panic!("{}", message)
}

/// The defaults, to be changed by one call for each key.
pub const fn settings() -> ConfigBuilder {
    Config::builder()
}

/// Runs the body of a function, once, to its end.
#[inline]
pub fn call<T>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classify: impl FnOnce(&T) -> Outcome,
) -> T {
    admission.run(body, classify)
}

/// Runs the body of an async function.
#[inline]
pub fn call_async<T>(
    admission: Admission<'_>,
    body: impl Future<Output = T>,
    classify: impl Fn(&T) -> Outcome,
) -> impl Future<Output = T> {
    Guarded::new(admission, body, classify)
}

/// Hands the rejection to a fallback that looks at it.
#[inline]
pub fn fallback<T>(rejected: Rejected<'_>, fallback: impl FnOnce(BreakerError) -> T) -> T {
    fallback(rejected.into())
}

/// A function without a fallback: its return type says how a rejection looks.
#[inline]
#[must_use]
pub fn reject<T: FromRejected>(rejected: Rejected<'_>) -> T {
    T::from_rejected(rejected.into())
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that the circuit breaker rejected the call",
    label = "a rejected call has to return this",
    note = "either add a fallback, `fallback = |error| ..`, or return a `Result<_, E>` with `E: From<BreakerError>`; \
            with thiserror that is one variant: `#[error(transparent)] Rejected(#[from] breaker_runtime::BreakerError)`"
)]
pub trait FromRejected {
    fn from_rejected(error: BreakerError) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<BreakerError>> FromRejected for Result<T, E> {
    #[cold]
    fn from_rejected(error: BreakerError) -> Self {
        Err(E::from(error))
    }
}

/// What a fallback of an async function gave: the value, or a future of it.
#[inline]
pub fn resolve<T, Kind, F: IntoOutput<T, Kind>>(given: F) -> impl Future<Output = T> {
    given.into_output()
}

/// A value, or a future of one.
pub trait IntoOutput<T, Kind> {
    fn into_output(self) -> impl Future<Output = T>;
}

/// The fallback is a plain function.
#[derive(Debug)]
pub enum Plain {}

/// The fallback is async.
#[derive(Debug)]
pub enum Deferred {}

#[diagnostic::do_not_recommend]
impl<T> IntoOutput<T, Plain> for T {
    #[inline]
    fn into_output(self) -> impl Future<Output = T> {
        core::future::ready(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, F: Future<Output = T>> IntoOutput<T, Deferred> for F {
    #[inline]
    fn into_output(self) -> impl Future<Output = T> {
        self
    }
}
