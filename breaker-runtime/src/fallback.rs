//! Strategies for the result of a call that is rejected or fails. Each is one line in the attribute
//! [`circuit_breaker`](crate::circuit_breaker).
//!
//! | strategy | attribute | fits |
//! |---|---|---|
//! | last good value | `fallback = last_good(max_age = "5m", key = sku)` | answers that stay useful for a while: prices, profiles, settings |
//! | default value | `fallback = \|_\| Ok(0)` | answers that the caller can do without: recommendations, badges |
//! | explicit refusal | `fallback = \|error\| Err(Refused::from(error))` | calls that must not be answered by anything else: payments |
//! | alternative service | `fallback = backup` | a second provider, a replica |
//! | queue for later | `queue::RetryQueue` (feature `queue`) | writes that must not be lost |
//!
//! With `fallback_on = failure`, each strategy also applies to calls that fail. The outcome of each fallback is counted
//! in [`Totals::fallbacks`](crate::Totals): an `Ok` is a success, and an `Err` is a failure and reaches the caller.
//!
//! # Last good value
//!
//! `last_good` remembers the value of the last successful call, and returns a clone of it until it is older than
//! `max_age`. [The reference](crate::circuit_breaker#the-last-good-value) lists its arguments. A function that returns
//! [`MaybeStale`] tells its callers that a value is an earlier one, and how old it is.
//!
//! The key must contain everything that selects the value. The attribute requires a key for a function with arguments,
//! but cannot tell whether it contains all that matter: with `key = sku`, `price(sku, region)` returns the price of
//! another region. It requires none for `self`: a method of several instances with one circuit needs
//! `key = (self.region, sku)`, and a default method of a trait, whose circuit all types share, needs
//! `key = (self.url(), sku)`, or `key = (std::any::type_name::<Self>(), sku)`.
//!
//! ```
//! use breaker_runtime::fallback::MaybeStale;
//! use breaker_runtime::{BreakerError, Registry, circuit_breaker};
//!
//! #[circuit_breaker(name = "prices", fallback = last_good(max_age = "5m", key = sku))]
//! fn price(sku: &str) -> Result<MaybeStale<u64>, BreakerError> {
//!     // the real call
//!     let price = sku.len() as u64;
//!     Ok(price.into())
//! }
//!
//! assert_eq!(price("tea")?.age(), None);
//! Registry::global().get("prices").unwrap().force_open();
//! let stale = price("tea")?;
//! assert_eq!((*stale, stale.is_stale()), (3, true));
//! assert!(price("coffee").is_err()); // there is no value for this key
//! # Ok::<(), BreakerError>(())
//! ```
//!
//! # Default value
//!
//! ```
//! use breaker_runtime::{Registry, circuit_breaker};
//!
//! #[circuit_breaker(name = "recommendations", fallback = |_| Ok(Vec::new()))]
//! fn recommendations(user: u64) -> Result<Vec<u64>, String> {
//!     // the real call
//! #   Ok(vec![user])
//! }
//!
//! # assert_eq!(recommendations(7)?, [7]);
//! Registry::global().get("recommendations").unwrap().force_open();
//! assert!(recommendations(7)?.is_empty());
//! # Ok::<(), String>(())
//! ```
//!
//! # Explicit refusal
//!
//! Without a fallback, the caller gets the rejection, converted by `From<BreakerError>`. A closure can add what the
//! caller needs to know:
//!
//! ```
//! use breaker_runtime::{Registry, circuit_breaker};
//!
//! #[circuit_breaker(name = "capture", fallback = |error| Err(format!("order {order} is not paid: {error}")))]
//! fn capture(order: u64) -> Result<u64, String> {
//!     // the real call
//! #   Ok(order)
//! }
//!
//! # assert_eq!(capture(7), Ok(7));
//! Registry::global().get("capture").unwrap().force_open();
//! assert!(capture(7).unwrap_err().starts_with("order 7 is not paid"));
//! ```
//!
//! # Alternative service
//!
//! The second service has a circuit of its own. If that rejects the call too, its error is the one that the caller
//! gets, and the fallback of the first function counts as failed.
//!
//! ```
//! use breaker_runtime::{BreakerError, Registry, circuit_breaker};
//!
//! #[circuit_breaker(name = "geocoder", fallback = backup)]
//! fn locate(address: &str) -> Result<&'static str, BreakerError> {
//!     // the real call
//! #   _ = address;
//!     Ok("first")
//! }
//!
//! #[circuit_breaker(name = "backup geocoder")]
//! fn backup(address: &str) -> Result<&'static str, BreakerError> {
//!     // the real call
//! #   _ = address;
//!     Ok("second")
//! }
//!
//! assert_eq!(locate("Main Street")?, "first");
//! let geocoder = Registry::global().get("geocoder").unwrap();
//! geocoder.force_open();
//! assert_eq!(locate("Main Street")?, "second");
//! Registry::global().get("backup geocoder").unwrap().force_open();
//! assert_eq!(locate("Main Street").unwrap_err().name(), "backup geocoder");
//! assert_eq!(geocoder.snapshot().totals.fallbacks.failures, 1);
//! # Ok::<(), BreakerError>(())
//! ```

mod maybe_stale;
pub(crate) mod store;

pub use maybe_stale::MaybeStale;
