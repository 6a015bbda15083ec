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
/// [`Registry`](../breaker_runtime/struct.Registry.html), unless a `key` says otherwise.
///
/// # Keys
///
/// | key | value | default |
/// |---|---|---|
/// | `name` | a string, at most 255 bytes | the path of the function |
/// | `failure_threshold` | how many failures open the circuit, in a row or within the `window`: 1 to 16,777,215 | 5 when no other rule is given |
/// | `consecutive_failures` | how many in a row, also beside a window: 1 to 16,777,215 | none |
/// | `failure_rate` | which share of failures in the `window`: above 0, at most 1; needs `window` | none |
/// | `window` | what the rules look at: 1 to 1,000,000 calls, or a duration | none |
/// | `minimum_calls` | how many calls a rate waits for: at least 1, at most a window of calls | 10, or the window of calls if that is smaller |
/// | `slow_call` | from how long on a call is slow: a duration; needs `window` | none |
/// | `slow_call_rate` | which share of slow calls in the `window`: above 0, at most 1; needs `slow_call` | 0.5 with `slow_call` |
/// | `recovery_timeout` | how long the circuit stays open before it admits a trial: a duration | `"30s"` |
/// | `backoff` | by which factor the time in which the circuit stays open grows each time a trial opens it again: at least 1.0 | 1.0 |
/// | `max_recovery_timeout` | up to how long `backoff` lets that time grow: a duration; needs `backoff` | `"5m"`, or `recovery_timeout` if that is longer |
/// | `jitter` | which part of the time in which the circuit stays open is left to chance: 0 to 1; with 0.2 it lasts 80 to 100 percent | 0 |
/// | `half_open_max_calls` | how many trials may run at a time: 1 to 1,024 | 3 |
/// | `success_threshold` | how many successful trials close the circuit: at least 1 | 3 |
/// | `half_open_timeout` | how long a trial may take before it counts as failed: a duration | `recovery_timeout` |
/// | `failure_if` | which results are failures: `(pattern)` or a question | `Err` |
/// | `ignore_if` | which results count as nothing: the same; it wins | none |
/// | `fallback` | what a rejected call gives instead: a path or a closure | none |
/// | `call_timeout` | how long a call may take, in an `async fn`: a duration; needs the feature `tokio` | none |
/// | `max_concurrent` | how many calls may run at a time: at least 1 | no limit |
/// | `max_wait` | how long a call waits for its turn: a duration, also `"0s"`; needs `max_concurrent`, and in an `async fn` the feature `tokio` | `"0s"` |
/// | `key` | an expression over the arguments: one circuit for each of its values | one circuit |
/// | `max_keys` | for how many keys there is a circuit at a time: 1 to 1,000,000; needs `key` | 1,024 |
/// | `mode` | `"enforce"`, or `"shadow"`: counts and reports, and rejects nothing | `"enforce"` |
/// | `critical` | whether your service is not ready while this circuit is not closed: a bool | `false` |
/// | `durations` | whether the durations of calls are recorded: a bool | `false`, `true` with `slow_call` |
/// | `crate` | where `breaker_runtime` lives, as an absolute path | `::breaker_runtime` |
///
/// Durations are strings (`"500ms"`, `"30s"`, `"2m"`, `"1h30m"`) or const `Duration`s, longer than zero.
/// Numbers, durations, bools and the name may be const expressions. A value out of its range is a
/// compile error, also when it is a const, and so is a key that means nothing without another one:
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
/// # What is a failure
///
/// Every `Err`, and no other value. `failure_if` says it otherwise: it takes a pattern as `matches!` does,
/// or the path of a function or a closure from a reference to what was returned to `bool`.
///
/// `failure_if` replaces the default: an `Err` that it does not name counts as nothing, because it says
/// nothing about the service; name `Err(_)` too if you want it. `ignore_if` goes first: what it names
/// counts as nothing, whatever `failure_if` says. Both may look at the arguments that are `Copy` or
/// references; the others are the body's.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// # use breaker_runtime::Registry;
/// enum Fault {
///     Status(u16),
///     Rejected(BreakerError),
/// }
/// # impl From<BreakerError> for Fault {
/// #     fn from(error: BreakerError) -> Self {
/// #         Self::Rejected(error)
/// #     }
/// # }
///
/// #[circuit_breaker(name = "search", failure_if(Err(Fault::Status(code)) if *code >= 500))]
/// fn search(text: &str) -> Result<String, Fault> {
///     // the real call
/// #   if text.is_empty() { Err(Fault::Status(404)) } else { Err(Fault::Status(503)) }
/// }
///
/// #[circuit_breaker(name = "stock", failure_if = Option::is_none, fallback = |_| None)]
/// fn stock(sku: &str) -> Option<u32> {
///     // the real call
/// #   sku.len().try_into().ok()
/// }
/// # assert!(search("").is_err() && search("rust").is_err());
/// # let totals = Registry::global().get("search").unwrap().snapshot().totals;
/// # assert_eq!((totals.failures, totals.ignored), (1, 1));
/// # assert_eq!(stock("tea"), Some(3));
/// ```
///
/// # Rules and windows
///
/// Any rule that is met opens the circuit. Without a window, `failure_threshold` counts failures in a
/// row. With one it counts those within the last so many calls, or the last so much time; so do the
/// rates, once the window holds `minimum_calls`. `consecutive_failures` is for a run beside a window.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[circuit_breaker(
///     window = "60s",
///     failure_rate = 0.5,
///     minimum_calls = 20,
///     consecutive_failures = 5,
///     slow_call = "2s",
///     slow_call_rate = 0.8,
///     backoff = 2.0,
///     jitter = 0.2
/// )]
/// fn quote(sku: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
/// # assert_eq!(quote("tea").unwrap(), 3);
/// ```
///
/// # Trials
///
/// After `recovery_timeout` the circuit admits trials, which close it or open it again. A trial that takes
/// longer than `half_open_timeout` counts as failed, and that is all that happens to it: the call goes on,
/// and its caller gets what it returns. For the circuit its result comes too late: it is in the totals and
/// decides nothing. What ends a call is `call_timeout`.
///
/// # Keys of calls
///
/// With `key`, the function has a circuit for each value of an expression over its arguments, so that one
/// bad tenant, host or region does not close the door on the others. It is anything that is `Display` or
/// `AsRef<str>`, it is evaluated once a call, before the body, and it may borrow from the arguments.
///
/// All of them together are one [`KeyedBreaker`](../breaker_runtime/struct.KeyedBreaker.html), which
/// `Registry::global().get_keyed("name")` finds, while `get` does not. All settings hold for each key on
/// its own: with `max_concurrent = 50`, there may be 50 calls of every key at a time.
///
/// ```
/// use breaker_runtime::{Registry, State, circuit_breaker};
///
/// #[circuit_breaker(name = "tenant", key = tenant, max_keys = 100, failure_if(false), failure_threshold = 1,
///     fallback = |_| false)]
/// fn ping(tenant: &str) -> bool {
///     // the real call
/// #   tenant != "bad"
/// }
///
/// assert!(!ping("bad") && ping("good"));
/// let breaker = Registry::global().get_keyed("tenant").unwrap();
/// assert_eq!(breaker.get("bad").state(), State::Open);
/// assert_eq!(breaker.get("good").state(), State::Closed);
/// ```
///
/// # Limits on a call
///
/// `max_concurrent` is how many calls run at a time; one that finds no room waits for up to `max_wait`, in
/// turn, and is then rejected, which is no failure. `call_timeout` ends an async call that takes too long,
/// which is one; it and waiting in an `async fn` need the feature `tokio`. Either way the caller gets what
/// a rejected call gives: the fallback, or an error.
///
/// When a call is ended, its body already had the arguments. The fallback gets clones of those that it
/// uses, made before the circuit is asked: a path all of them, a closure those that it names. What there
/// is only once, `self` and `&mut`, it cannot have. A rejected call makes the clones too, and a `Clone`
/// that panics is no call.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[circuit_breaker(call_timeout = "2s", max_concurrent = 50, max_wait = "100ms", fallback = queue)]
/// async fn order(sku: String) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
///
/// async fn queue(sku: String) -> Result<u64, BreakerError> {
///     // the same arguments, also after two seconds
/// #   Ok(sku.len() as u64)
/// }
/// # drop(order("tea".to_owned()));
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
/// * The name and the settings belong to the function and not to one of its instances, so they can name
///   neither `Self` nor a generic parameter: write `Shop::LIMIT` and not `Self::LIMIT`. `key`,
///   `failure_if`, `ignore_if` and `fallback` can.
/// * `#[track_caller]` stops at the body.
/// * Where the return type is a type parameter or an associated type, as in `fn retry<T>(..) -> T`, nobody
///   knows that it is a `Result`: only panics count as failures.
/// * A future grows by at most 48 bytes, and by the size of the arguments that the body gives away before
///   its first `await`: these have two places in it. With `key` it grows by 32 bytes more, with
///   `call_timeout` by 128 and by the clones, with `max_wait` by the size of all arguments.
/// * Lints that look at a whole body do not see that it is one: clippy's `needless_pass_by_value`,
///   `boxed_local`, `unnecessary_wraps`, `unused_async`, and in an `async fn` `needless_question_mark` at the
///   end; rustc's `unconditional_recursion`. Two of clippy's see more than before: `result_large_err` finds
///   large errors of closures, which the body is now, and `async_yields_async` an `async fn` that returns a
///   future; an `allow` on the function holds for both.
/// * A function that returns a future must be an `async fn`, or its whole body be one
///   `Box::pin(async move { .. })`, as `#[async_trait]` writes it; it is then guarded inside the box. Under
///   `#[async_trait]`, arguments that are patterns have no names for a fallback.
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, function: TokenStream) -> TokenStream {
    recover::expand_or_explain(args.into(), function.into()).into()
}
