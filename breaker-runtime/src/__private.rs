//! The contract between the library and the code that `#[circuit_breaker]` generates: re-exports only.
//!
//! Generated code reaches the library through these items. They change without notice, so no other code may
//! use them.

mod acquire;
mod breaker_handle;
mod classifier;
mod clones;
mod const_checks;
mod declare;
mod fallback;
mod output;
mod predicate;
mod rejection;
mod run;
mod run_admitted;
mod settings;
mod site;
mod const_window;

pub use core::option::Option::{None, Some};
pub use core::result::Result::{Err, Ok};
pub use core::time::Duration;
pub use core::{concat, module_path};

pub use self::acquire::{Acquire, AcquireNow};
pub use self::breaker_handle::{BreakerHandle, by_clone, by_ref, registry};
pub use self::classifier::{any_value, classifier_for, classifier_for_hidden_error, outcome_of};
pub use self::clones::clone_for_fallback;
pub use self::const_checks::{
    checked, checked_keys, checked_name, checked_recovery, checked_rules, checked_waiting,
};
pub use self::const_window::ConstWindow;
pub use self::fallback::{
    NoResult, call_fallback, call_fallback_on_failure, run_admitted_async_or_fallback,
    run_admitted_or_fallback,
};
pub use self::output::{fix_output_type, resolve};
pub use self::predicate::evaluate;
pub use self::rejection::reject;
pub use self::run::{run, run_async, run_async_with_conditions, run_with_conditions};
pub use self::run_admitted::{
    run_admitted, run_admitted_async, run_admitted_async_with_conditions, run_admitted_async_with_timeout,
    run_admitted_with_conditions,
};
pub use self::settings::{DEFAULTS, clone_settings};
pub use self::site::{KeyedCircuit, KeyedSite, Site};
pub use crate::__declare as declare;
pub use crate::config::{ConfigBuilder, Mode};
pub use crate::outcome::Outcome;
pub use crate::registry::KeyValue;

// Generated code does not name these types; the signatures of the items above do.
pub use crate::breaker::{Admission, Rejection};
pub use crate::registry::KeyText;
