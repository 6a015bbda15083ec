//! The attribute `#[circuit_breaker]`. Use it through `breaker_runtime`, which re-exports it and holds
//! everything that the expansion calls.
//!
//! | file | input | output |
//! |---|---|---|
//! | `args.rs` | the tokens in the parentheses | keys and values |
//! | `duration.rs` | `"1h30m"` | a duration |
//! | `repeated.rs` | tokens | cheap copies of them |
//! | `function.rs` | the tokens of the function | its signature, and its body as it was written |
//! | `check.rs` | the arguments and the function | the specification, or every error |
//! | `expand.rs` | the specification and the function | the protected function |
//! | `recover.rs` | the tokens of both | the expansion, or the errors beside the function as it was written |
//!
//! A file uses only files above it.

#![expect(clippy::wildcard_enum_match_arm, reason = "syn may add variants to the enums matched here")]

use proc_macro::TokenStream;

mod args;
mod duration;
mod repeated;
mod function;
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
/// [`Registry`](../breaker_runtime/struct.Registry.html), unless a `key` says otherwise. Without any key, as
/// `#[circuit_breaker]`, the breaker is called after the path of the function, opens at five failures in a
/// row, stays open for 30 seconds, and closes when three trials have succeeded.
///
/// A value out of its range is a compile error at the value, also when it is a const, and so is a key that
/// means nothing without another one, at the key. All that the attribute itself can see is told at once, and the
/// function stays; names, types and consts that rustc checks come after it. Numbers, durations, bools and the
/// name may be const expressions. Durations are strings (`"500ms"`, `"30s"`, `"2m"`, `"1h30m"`; the units are ns,
/// us, ms, s, m, h, d) or const `Duration`s, longer than zero; for never, write `Duration::MAX`.
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
/// The keys, by what they are for:
///
/// | | keys |
/// |---|---|
/// | [when it opens](#rules-and-windows) | `failure_threshold` `consecutive_failures` `window` `failure_rate` `minimum_calls` `slow_call` `slow_call_rate` |
/// | [what counts](#what-is-a-failure) | `failure_if` `ignore_if` |
/// | [what the caller gets](#rejected-and-failed-calls) | `fallback` `fallback_on` |
/// | [how it recovers](#recovery) | `recovery_timeout` `backoff` `max_recovery_timeout` `jitter` `half_open_max_calls` `success_threshold` `half_open_timeout` |
/// | [limits on a call](#limits-on-a-call) | `call_timeout` `max_concurrent` `max_wait` |
/// | [which breaker](#which-breaker) | `name` `key` `max_keys` `breaker` `registry` |
/// | [how it behaves](#modes) | `mode` `critical` `durations` `crate` |
///
/// # Rules and windows
///
/// Any rule that is met opens the circuit; equal is enough. Without a window, `failure_threshold` counts failures
/// in a row. With one it counts those within the last so many calls, or the last so much time; so do the rates,
/// once the window holds `minimum_calls`. `consecutive_failures` is for a run beside a window.
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `failure_threshold` | how many failures, in a row or within the `window`: 1 to 16,777,215, at most a window of calls | 5 when no other rule is given, or the window of calls if that is smaller | must be an integer between 1 and 16777215 |
/// | `consecutive_failures` | how many failures in a row, also beside a window: 1 to 16,777,215 | none | must be an integer between 1 and 16777215 |
/// | `window` | what the rules look at: 1 to 1,000,000 calls, or a duration | none | must be a number of calls, between 1 and 1000000, or a duration |
/// | `failure_rate` | which share of failures in the `window`: above 0, at most 1 | none | must be a number above 0 and at most 1; needs `window` |
/// | `minimum_calls` | how many calls in the `window` a rate waits for: at least 1, at most a window of calls | 10, or the window of calls if that is smaller | must be an integer of at least 1; must be at most the window; needs `failure_rate` or `slow_call` |
/// | `slow_call` | from how long on a call is slow: a duration | none | must be a duration; needs `window` |
/// | `slow_call_rate` | which share of slow calls in the `window`: above 0, at most 1 | 0.5 with `slow_call` | must be a number above 0 and at most 1; needs `slow_call` |
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[circuit_breaker(failure_threshold = 3)]
/// fn stock(sku: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
///
/// #[circuit_breaker(
///     window = "60s",
///     failure_rate = 0.5,
///     minimum_calls = 20,
///     consecutive_failures = 5,
///     slow_call = "2s",
///     slow_call_rate = 0.8
/// )]
/// fn quote(sku: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
/// # assert_eq!(stock("tea").unwrap() + quote("tea").unwrap(), 6);
/// ```
///
/// # What is a failure
///
/// Every `Err`, and no other value. `failure_if` says it otherwise.
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `failure_if` | which results are failures: `(pattern)` or `(pattern if guard)` as in `matches!`, or `=` the path of a function or a closure from a reference to what was returned to `bool` | every `Err` | is a pattern, or a function |
/// | `ignore_if` | which results count as nothing: the same | none | is a pattern, or a function |
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
/// #[circuit_breaker(name = "upload", ignore_if = |sent| matches!(sent, Err(Fault::Status(404))))]
/// fn upload(text: &str) -> Result<String, Fault> {
///     // the real call
/// #   Err(Fault::Status(404))
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
/// # assert!(upload("").is_err());
/// # assert_eq!(Registry::global().get("upload").unwrap().snapshot().totals.ignored, 1);
/// # assert_eq!(stock("tea"), Some(3));
/// ```
///
/// # Rejected and failed calls
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `fallback` | what the caller gets of a call that was rejected or took too long: the path of a function with the same arguments, or a closure that takes the error and has the arguments in scope | the error | is the path of a function, or a closure |
/// | `fallback_on` | after which calls it runs: `rejected`, or `failure`, also after one that failed | `rejected` | must be `rejected` or `failure`; needs `fallback` |
///
/// A path is called with the function's own arguments, in order, and never with the error; for the error write
/// `|error| fallback(error)`. In an async function the fallback may be async or not.
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
/// A function without one returns a `Result` whose error says how a rejection looks: it is
/// `From<BreakerError>`. With thiserror that is one variant, with anyhow and
/// `Box<dyn Error + Send + Sync>` it is nothing at all. Otherwise the compiler says that the return type cannot
/// say that the circuit breaker rejected the call.
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
/// A failure is an answer, and it may be one to show or to try again, so a fallback leaves it alone. With
/// `fallback_on = failure` it runs after a call that counts as a failure as well, at most once a call; not after
/// one that counts as nothing, and not after a panic, which goes on unwinding. A closure is then given a
/// [`CallError`](../breaker_runtime/enum.CallError.html): the error of the breaker, or what the function returned.
///
/// ```
/// use breaker_runtime::{CallError, circuit_breaker};
///
/// #[circuit_breaker(
///     ignore_if(Err(404)),
///     fallback = |error| match error {
///         CallError::Breaker(_) | CallError::Failed(_) => Ok(format!("what we knew of {sku}")),
///     },
///     fallback_on = failure
/// )]
/// fn describe(sku: String) -> Result<String, u16> {
///     // the real call
/// #   if sku == "tea" { Err(503) } else { Err(404) }
/// }
/// assert_eq!(describe("tea".to_owned()).unwrap(), "what we knew of tea");
/// assert_eq!(describe("nothing".to_owned()), Err(404));
/// ```
///
/// Where the fallback may run after the body, which had the arguments, it gets clones of those that it uses, made
/// before the circuit is asked: a path all of them, a closure those that it names. They must be `Clone`; what
/// there is only once, `self` and `&mut`, it cannot have. A rejected call makes the clones too, and a `Clone` that
/// panics is no call. That is so with `fallback_on = failure`, and in an `async fn` with `call_timeout` and
/// `breaker`; otherwise nothing is cloned.
///
/// # Recovery
///
/// After `recovery_timeout` the circuit admits trials, which close it or open it again. A trial that takes
/// longer than `half_open_timeout` counts as failed, and that is all that happens to it: the call goes on,
/// and its caller gets what it returns. For the circuit its result comes too late: it is in the totals and
/// decides nothing. What ends a call is `call_timeout`.
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `recovery_timeout` | how long the circuit stays open before it admits a trial: a duration | `"30s"` | must be a duration |
/// | `backoff` | by which factor that time grows each time a trial opens it again: at least 1.0 | 1.0 | must be a number of at least 1.0 |
/// | `max_recovery_timeout` | up to how long it grows: a duration, at least `recovery_timeout` | `"5m"`, or `recovery_timeout` if that is longer | must be at least `recovery_timeout`; needs `backoff` |
/// | `jitter` | which part of that time is left to chance: 0 to 1; with 0.2 it lasts 80 to 100 percent | 0 | must be a number between 0 and 1 |
/// | `half_open_max_calls` | how many trials may run at a time: 1 to 1,024 | 3 | must be an integer between 1 and 1024 |
/// | `success_threshold` | how many successful trials close the circuit: at least 1 | 3 | must be an integer of at least 1 |
/// | `half_open_timeout` | how long a trial may take before it counts as failed: a duration | `recovery_timeout`, or `call_timeout` if longer | must be a duration |
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[circuit_breaker(
///     recovery_timeout = "10s",
///     backoff = 2.0,
///     max_recovery_timeout = "2m",
///     jitter = 0.2,
///     half_open_max_calls = 1,
///     success_threshold = 2,
///     half_open_timeout = "5s"
/// )]
/// fn quote(sku: &str) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
/// # assert_eq!(quote("tea").unwrap(), 3);
/// ```
///
/// # Limits on a call
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `call_timeout` | how long a call may take, in an `async fn`: a duration | as long as it likes | must be a duration; ends async calls only; needs the feature `tokio` |
/// | `max_concurrent` | how many calls may run at a time: at least 1 | no limit | must be an integer of at least 1 |
/// | `max_wait` | how long a call waits for its turn, first come, first served: any duration, zero too | `"0s"` | must be a duration; needs `max_concurrent`, and in an `async fn` the feature `tokio` |
///
/// `call_timeout` ends an async call that takes too long: its future is dropped, which is a failure. A call that
/// finds no room among `max_concurrent` is rejected, which is none. Either way the caller gets what a rejected
/// call gives: the fallback, or an error.
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
/// # Which breaker
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `name` | what it is called: a string of 1 to 255 bytes; functions of one name share a circuit and must agree on its settings | the path of the function | must be a string; the name is empty; the name is so many bytes long |
/// | `key` | an expression over the arguments, `Display` or `AsRef<str>`: one circuit for each of its values | one circuit | a key is text; `key` is no closure |
/// | `max_keys` | for how many keys there is a circuit at a time: 1 to 1,000,000 | 1,024 | must be an integer between 1 and 1000000; needs `key` |
/// | `registry` | an expression, a [`Registry`](../breaker_runtime/struct.Registry.html): where the breaker is registered; evaluated at the first call of the function, and at the others that come at the same time | the global one | is no `Registry` |
/// | `breaker` | an expression, a [`CircuitBreaker`](../breaker_runtime/struct.CircuitBreaker.html) that is there already; evaluated at every call | its own | is no `CircuitBreaker`; is said where a breaker is made |
/// | `crate` | where `breaker_runtime` lives, as an absolute path, for those who re-export it | `::breaker_runtime` | says where `breaker_runtime` lives |
///
/// With `key`, one bad tenant, host or region does not close the door on the others. It is evaluated once a call,
/// before the body, and it may borrow from the arguments. All circuits together are one
/// [`KeyedBreaker`](../breaker_runtime/struct.KeyedBreaker.html), which `Registry::global().get_keyed("name")`
/// finds, while `get` does not. All settings hold for each key on its own: with `max_concurrent = 50`, there may
/// be 50 calls of every key at a time.
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
/// With `breaker`, several functions share a breaker, or each object has one. Its settings hold, so the only keys
/// beside it are `fallback`, `fallback_on`, `failure_if`, `ignore_if` and `crate`. Of a `KeyedBreaker` take one:
/// `breaker = self.hosts.get(host)`. A breaker in a field or a static is borrowed while the call runs; where the
/// body could change or move what holds it, and where the expression calls something, the call runs on a clone,
/// so that no guard is held. An async call obeys the `call_timeout` and the `max_wait` of the breaker.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, circuit_breaker};
///
/// struct Client {
///     breaker: CircuitBreaker,
/// }
///
/// impl Client {
///     #[circuit_breaker(breaker = self.breaker)]
///     fn get(&self, path: &str) -> Result<String, BreakerError> {
///         // the real call
/// #       Ok(path.to_owned())
///     }
///
///     #[circuit_breaker(breaker = self.breaker, fallback = |_| Ok(()))]
///     async fn put(&mut self, path: &str) -> Result<(), BreakerError> {
///         // the real call
/// #       drop(path.to_owned());
/// #       Ok(())
///     }
/// }
///
/// let config = Config::builder().failure_threshold(3).build()?;
/// let client = Client { breaker: CircuitBreaker::new("eu-1", config)? };
/// assert_eq!(client.get("/")?, "/");
/// assert_eq!(client.breaker.snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
///
/// #[circuit_breaker(name = "billing", registry = registry)]
/// fn bill(registry: &Registry) -> Result<(), BreakerError> {
///     // the real call
/// #   Ok(())
/// }
///
/// let registry = Registry::new();
/// bill(&registry)?;
/// assert!(registry.get("billing").is_some() && Registry::global().get("billing").is_none());
/// # Ok::<(), BreakerError>(())
/// ```
///
/// ```
/// mod facade {
///     pub use breaker_runtime::*;
/// }
///
/// #[facade::circuit_breaker(crate = crate::facade)]
/// fn price(sku: &str) -> Result<u64, facade::BreakerError> {
///     // the real call
/// #   Ok(sku.len() as u64)
/// }
///
/// fn main() {
///     assert_eq!(price("tea").unwrap(), 3);
/// }
/// ```
///
/// # Modes
///
/// | key | what | default | otherwise the compiler says |
/// |---|---|---|---|
/// | `mode` | `"enforce"`, or `"shadow"`: counts, changes its state and reports, and rejects nothing: how one introduces a breaker | `"enforce"` | must be "enforce" or "shadow" |
/// | `critical` | whether `/health/circuits` answers 503 while this circuit rejects calls and is not yet due for a trial: a bool | `false` | must be `true`, `false` or a const `bool` |
/// | `durations` | whether the durations of calls are recorded, for the snapshot: a bool | `false`, `true` with `slow_call` | must be `true`, `false` or a const `bool` |
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[circuit_breaker(mode = "shadow", critical = true, durations = true)]
/// fn pay(cents: u64) -> Result<u64, BreakerError> {
///     // the real call
/// #   Ok(cents)
/// }
/// # assert_eq!(pay(3).unwrap(), 3);
/// ```
///
/// # From other libraries
///
/// | here | resilience4j | Polly | gobreaker | failsafe | recloser |
/// |---|---|---|---|---|---|
/// | `name` | `name` | `Name` | `Name` | | `name` |
/// | `failure_threshold`, `consecutive_failures` | | | `ReadyToTrip` | `consecutive_failures` | |
/// | `failure_rate` | `failureRateThreshold`, in percent | `FailureRatio` | `ReadyToTrip` | 1 - `required_success_rate` | `error_rate` |
/// | `window` | `slidingWindowSize`, `slidingWindowType` | `SamplingDuration` | `Interval` | `window` | `closed_len` |
/// | `minimum_calls` | `minimumNumberOfCalls` | `MinimumThroughput` | `ReadyToTrip` | `min_request_threshold` | `closed_len` |
/// | `slow_call`, `slow_call_rate` | `slowCallDurationThreshold`, `slowCallRateThreshold` in percent | | | | |
/// | `recovery_timeout` | `waitDurationInOpenState` | `BreakDuration` | `Timeout` | `backoff::constant` | `open_wait` |
/// | `backoff`, `max_recovery_timeout` | `waitIntervalFunctionInOpenState` | `BreakDurationGenerator` | | `backoff::exponential` | `open_wait_strategy` |
/// | `jitter` | `waitIntervalFunctionInOpenState` | `BreakDurationGenerator` | | `backoff::equal_jittered`, `backoff::full_jittered` | `open_wait_strategy` |
/// | `half_open_max_calls` | `permittedNumberOfCallsInHalfOpenState` | always one | `MaxRequests` | | |
/// | `success_threshold` | `permittedNumberOfCallsInHalfOpenState`, of which a rate decides | always one | `MaxRequests` | | `half_open_len`, of which a rate decides |
/// | `half_open_timeout` | `maxWaitDurationInHalfOpenState` | | | | |
/// | `failure_if` | `recordExceptions`, `recordException`, `recordResult` | `ShouldHandle` | `IsSuccessful` | `FailurePredicate` | `ErrorPredicate` |
/// | `ignore_if` | `ignoreExceptions`, `ignoreException` | `ShouldHandle`, a success | `IsExcluded` | | |
/// | `fallback` with `fallback_on = failure` | `fallbackMethod` | `FallbackAction` | | | |
/// | `call_timeout` | `TimeLimiter`: `timeoutDuration` | `Timeout` | | | |
/// | `max_concurrent`, `max_wait` | `Bulkhead`: `maxConcurrentCalls`, `maxWaitDuration` | `PermitLimit`, `QueueLimit` | | | |
/// | `mode = "shadow"` | the state `METRICS_ONLY` | | | | |
///
/// The names correspond; what they mean is not always the same:
///
/// * `failure_threshold`: in gobreaker `ConsecutiveFailures > 5` opens at the sixth failure; here
///   `failure_threshold = 6` does.
/// * `failure_if`: an error that it does not name is ignored. In gobreaker, failsafe, recloser, Polly and
///   resilience4j's `recordException` it is a success, which lowers rates and lets trials succeed.
/// * `window`: gobreaker's `Interval` without `BucketPeriod` is a fixed window, which is cleared when it is over;
///   here all windows slide.
/// * `half_open_max_calls`: failsafe and recloser admit all calls while half-open.
/// * `success_threshold`: in failsafe one success closes.
/// * `half_open_timeout`: resilience4j's limits the half-open state as a whole, ours each trial.
/// * `max_wait`: Polly's `QueueLimit` is how many may wait, ours how long.
///
/// # Limits
///
/// * All monomorphizations of a generic function share one circuit, and so do all implementors of a
///   trait's default method. Two functions that end up with one default name are reported as a conflict
///   when the second one is first called, and before that by
///   [`Registry::check`](../breaker_runtime/struct.Registry.html#method.check); give each a `name`.
/// * The name and the settings belong to the function and not to one of its instances, so they can name
///   neither `Self` nor a generic parameter: write `Shop::LIMIT` and not `Self::LIMIT`. `key`,
///   `failure_if`, `ignore_if`, `fallback`, `breaker` and `registry` can.
/// * `#[track_caller]` stops at the body.
/// * Where the return type is a type parameter or an associated type, as in `fn retry<T>(..) -> T`, nobody
///   knows that it is a `Result`: only panics count as failures.
/// * A future grows by at most 48 bytes, and by the size of the arguments that the body gives away before
///   its first `await`: these have two places in it. With `key` it grows by 32 bytes more; with `max_wait` by
///   all arguments; with `call_timeout` and with `fallback_on = failure` by 128, by the clones and by what the
///   function returns; with `breaker` by 128 and by all arguments. An argument that `key` borrows or that is
///   cloned for a fallback has two places too, since rustc keeps what was borrowed across an `await`, and an async
///   fallback needs room for its own future. Take what is large by reference or in an `Arc`.
/// * Arguments are dropped when the body ends, or when a call is rejected and there is no fallback, in the order in
///   which the body mentions them and those that it does not mention last, not in reverse order of declaration: let a
///   guard that must outlive another be a local of the body.
/// * In an `async fn` a fallback closure whose type the compiler cannot tell, as in `|_| Default::default()` or
///   `|_| text.parse().unwrap()`, needs its type: `|_| -> Vec<u8> { Default::default() }`. So does one that ends
///   in `std::process::exit`.
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
