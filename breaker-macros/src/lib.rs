//! The attribute `#[circuit_breaker]`. Use it through `breaker_runtime`, which re-exports it and holds
//! everything that the expansion calls.
//!
//! | file | what comes in | what goes out |
//! |---|---|---|
//! | `args.rs` | the tokens in the parentheses | keys and values |
//! | `target.rs` | the tokens of the function | its signature, its body untouched |
//! | `check.rs` | both | a plan, or all that is wrong |
//! | `duration.rs` | `"1h30m"` | a duration |
//! | `expand.rs` | the plan | the function, protected |
//! | `recover.rs` | what is wrong | errors, beside the untouched function |

#![expect(clippy::wildcard_enum_match_arm, reason = "the enums matched here are syn's, which may grow")]

use proc_macro::TokenStream;

mod args;
mod duration;
mod target;
mod check;
mod expand;
mod recover;

/// Protects a function with a circuit breaker.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[circuit_breaker(name = "payment", failure_threshold = 5, fallback = cached_price)]
/// fn price(sku: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
///
/// fn cached_price(sku: &str) -> Result<u64, BreakerError> {
///     // the same arguments, in the same order
/// #   Ok(sku.len() as u64)
/// }
/// # assert_eq!(price("tea").unwrap(), 3);
/// ```
///
/// It goes on functions and methods, sync and async, with generics, lifetimes and `impl Trait`. An
/// `Err` counts as a failure, and so does a panic, which goes on unwinding; a cancelled call counts as
/// nothing. All calls of the function share one circuit, in the global
/// [`Registry`](../breaker_runtime/struct.Registry.html).
///
/// # Keys
///
/// | key | value | default |
/// |---|---|---|
/// | `name` | a string, at most 255 bytes | the path of the function |
/// | `failure_threshold` | how many failures in a row open the circuit: 1 to 16,777,215 | 5 |
/// | `recovery_timeout` | how long it stays open before it admits a trial: a duration | `"30s"` |
/// | `half_open_max_calls` | how many trials may run at a time: 1 to 1,024 | 3 |
/// | `success_threshold` | how many successful trials close it: at least 1 | 3 |
/// | `half_open_timeout` | how long a trial may take before it counts as failed: a duration | `recovery_timeout` |
/// | `fallback` | what a rejected call gives instead: a path or a closure | none |
/// | `crate` | where `breaker_runtime` lives, as an absolute path | `::breaker_runtime` |
///
/// Durations are strings (`"500ms"`, `"30s"`, `"2m"`, `"1h30m"`) or const `Duration`s. Every value may
/// be a const expression. A value out of its range is a compile error, also when it is a const:
///
/// ```compile_fail
/// # use breaker_runtime::{BreakerError, circuit_breaker};
/// const LIMIT: u32 = 0;
///
/// #[circuit_breaker(failure_threshold = LIMIT)] // must be between 1 and 16777215
/// fn price(sku: &str) -> Result<u64, BreakerError> {
///     Ok(1)
/// }
/// ```
///
/// # Rejected calls
///
/// With a fallback, a rejected call gives what the fallback gives. It is the path of a function with the
/// same arguments, or a closure that takes the error and has the arguments in scope. In an async
/// function it may be async or not.
///
/// ```
/// use breaker_runtime::circuit_breaker;
///
/// #[circuit_breaker(fallback = |error| format!("no {topic}: {error}"))]
/// async fn news(topic: &str) -> String {
///     format!("news about {topic}")
/// }
/// # drop(news("x"));
/// ```
///
/// Without one, the function returns a `Result` whose error says how a rejection looks: it is
/// `From<BreakerError>`. With thiserror that is one variant, with anyhow and
/// `Box<dyn Error + Send + Sync>` it is nothing at all.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[derive(Debug, thiserror::Error)]
/// enum PriceError {
///     #[error("the shop does not know {0}")]
///     Unknown(String),
///     #[error(transparent)]
///     Rejected(#[from] BreakerError),
/// }
///
/// #[circuit_breaker]
/// fn price(sku: &str) -> Result<u64, PriceError> {
///     Err(PriceError::Unknown(sku.to_owned()))
/// }
/// # assert!(price("tea").is_err());
/// ```
///
/// # Limits
///
/// * All monomorphizations of a generic function share one circuit, and so do all implementors of a
///   trait's default method. Two functions that end up with one default name are reported as a conflict
///   when the second one is first called; give each a `name`.
/// * The values of the keys belong to the function and not to one of its instances, so they can name
///   neither `Self` nor a generic parameter: write `Shop::LIMIT` and not `Self::LIMIT`.
/// * `#[track_caller]` stops at the body.
/// * Where the return type is a type parameter or an associated type, as in `fn retry<T>(..) -> T`, nobody
///   knows that it is a `Result`: only panics count as failures.
/// * A future grows by at most 48 bytes, and by the size of the arguments that the body gives away before
///   its first `await`: these have two places in it.
/// * Lints that look at a whole body do not see that it is one: clippy's `needless_return`,
///   `needless_lifetimes`, `needless_pass_by_value`, `unused_async` and `unnecessary_wraps`, rustc's
///   `unconditional_recursion`.
/// * A function that returns a future must be an `async fn`. Under `#[async_trait]` it no longer is one
///   when this attribute sees it: protect a function that the method calls.
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, function: TokenStream) -> TokenStream {
    recover::expand_or_explain(args.into(), function.into()).into()
}
