//! The key `key = ..`: when the expression is evaluated, and what it can borrow.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use breaker_runtime::{BreakerError, Config, Registry, circuit_breaker};

use crate::support::{Fault, catch_panic};

#[circuit_breaker(name = "keys/argument", key = tenant, failure_threshold = 1)]
fn by_argument(tenant: &str, fail: bool) -> Result<usize, Fault> {
    if fail { Err(Fault::Down) } else { Ok(tenant.len()) }
}

#[test]
fn each_key_has_its_own_circuit() {
    assert_eq!(by_argument("one", true), Err(Fault::Down));
    assert_eq!(by_argument("one", false), Err(Fault::Rejected));
    assert_eq!(by_argument("two", false), Ok(3));
}

static PARTS: AtomicU32 = AtomicU32::new(0);

/// A text of a megabyte in small parts, unless writing fails.
struct LongText;

impl std::fmt::Display for LongText {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for _ in 0..100_000 {
            PARTS.fetch_add(1, Ordering::Relaxed);
            out.write_str("0123456789")?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the key is built from an owned argument")]
#[circuit_breaker(name = "keys/long", key = text, failure_threshold = 1)]
fn by_long_text(text: LongText) -> Result<(), Fault> {
    Err(Fault::Down)
}

#[circuit_breaker(name = "keys/long elements", key = (text, end), failure_threshold = 1)]
fn by_long_elements(text: &str, end: u32) -> Result<(), Fault> {
    Err(Fault::Down)
}

#[test]
fn a_key_that_is_too_long_is_not_written_further() {
    assert_eq!(by_long_text(LongText), Err(Fault::Down));
    assert_eq!(PARTS.load(Ordering::Relaxed), 27);
    let text = "\u{e9}/".repeat(100_000);
    assert_eq!(by_long_elements(&text, 1), Err(Fault::Down));
    for name in ["keys/long", "keys/long elements"] {
        let breakers = Registry::global().get_keyed(name).unwrap();
        assert_eq!((breakers.len(), breakers.overflow().snapshot().totals.failures), (0, 1), "{name}");
    }
}

#[circuit_breaker(name = "keys/longest", key = (text, end), failure_threshold = 1)]
fn by_longest_elements(text: &str, end: u32) -> Result<(), Fault> {
    Err(Fault::Down)
}

#[test]
fn the_longest_key_has_a_circuit_of_its_own() {
    let circuits = |length| {
        _ = by_longest_elements(&"x".repeat(length), 1);
        Registry::global().get_keyed("keys/longest").unwrap().len()
    };
    assert_eq!((circuits(254), circuits(253), circuits(254)), (0, 1, 1));
}

static EVALUATIONS: AtomicU32 = AtomicU32::new(0);

fn counted_key(tenant: u32) -> u32 {
    EVALUATIONS.fetch_add(1, Ordering::Relaxed);
    tenant
}

#[circuit_breaker(key = counted_key(tenant), max_keys = 4 * 4, failure_threshold = 1)]
async fn unnamed(tenant: u32, order: String) -> Result<String, Fault> {
    tokio::task::yield_now().await;
    if tenant == 1 { Err(Fault::Down) } else { Ok(order) }
}

#[tokio::test]
async fn the_key_expression_is_evaluated_once_per_call_before_the_body() {
    let call = |tenant| unnamed(tenant, "tea".to_owned());
    assert_eq!(call(1).await, Err(Fault::Down));
    assert_eq!(call(1).await, Err(Fault::Rejected));
    assert_eq!(tokio::spawn(call(2)).await.unwrap(), Ok("tea".to_owned()));
    assert_eq!(EVALUATIONS.load(Ordering::Relaxed), 3);
}

struct Shop {
    region: Mutex<String>,
}

impl Shop {
    #[circuit_breaker(name = "keys/locked", key = self.region.lock().unwrap(), fallback = |_| None)]
    fn price(&self, order: String) -> Option<String> {
        // The guard that the key expression created is dropped.
        self.region.try_lock().ok().map(|region| format!("{order} {region}"))
    }

    #[circuit_breaker(
        name = "keys/waiting",
        key = format!("{}/{order}", self.region.lock().unwrap()),
        max_concurrent = 1,
        max_wait = "1h",
        fallback = |_| None
    )]
    async fn stock(&self, order: String) -> Option<String> {
        tokio::task::yield_now().await;
        self.region.try_lock().ok().map(|region| format!("{order} {region}"))
    }
}

#[tokio::test]
async fn a_borrow_in_the_key_expression_ends_before_the_body() {
    let shop = Shop { region: Mutex::new("eu".to_owned()) };
    assert_eq!(shop.price("tea".to_owned()).unwrap(), "tea eu");
    assert_eq!(shop.stock("tea".to_owned()).await.unwrap(), "tea eu");
}

#[circuit_breaker(name = "keys/generic", key = kind, failure_threshold = 1, failure_if(Err(_)), fallback = |error| Err(error))]
fn generic<T: std::fmt::Display>(kind: T, fail: bool) -> Result<T, BreakerError> {
    if fail { by_argument_error() } else { Ok(kind) }
}

fn by_argument_error<T>() -> Result<T, BreakerError> {
    let breaker = breaker_runtime::CircuitBreaker::new("keys/error", Config::default()).unwrap();
    breaker.force_open();
    breaker.try_acquire().map(|_| panic!("the circuit is open"))
}

#[test]
fn a_key_can_be_generic() {
    assert!(generic(1, true).is_err() && generic(1, false).is_err());
    assert!(generic('2', false).is_ok());
}

#[circuit_breaker(name = "keys/most", key = 1, max_keys = 1_000_000)]
fn with_largest_max_keys() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn the_largest_max_keys_literal_equals_the_limit_of_the_runtime() {
    // The registry rejects one more. The attribute rejects such a literal: see ui/fail/count_out_of_range.rs.
    with_largest_max_keys().unwrap();
    assert_eq!(Registry::global().get_keyed("keys/most").unwrap().max_keys(), 1_000_000);
    assert!(Registry::new().register_keyed("keys/most", Config::default(), 1_000_001).is_err());
}

/// A key that writes "tenant" and panics afterwards if `breaks` is set.
struct Tenant {
    breaks: bool,
}

impl std::fmt::Display for Tenant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("tenant")?;
        assert!(!self.breaks, "Display of a tenant");
        Ok(())
    }
}

impl Tenant {
    fn known(&self) -> &Self {
        assert!(!self.breaks, "an unknown tenant");
        self
    }
}

#[circuit_breaker(name = "keys/shown", key = tenant, max_concurrent = 1, fallback = |_| false)]
#[expect(clippy::needless_pass_by_value, reason = "the body drops its argument")]
fn shown(tenant: Tenant) -> bool {
    !tenant.breaks
}

#[circuit_breaker(name = "keys/known", key = tenant.known(), max_concurrent = 1, fallback = |_| false)]
#[expect(clippy::needless_pass_by_value, reason = "the body drops its argument")]
fn known(tenant: Tenant) -> bool {
    !tenant.breaks
}

#[circuit_breaker(name = "keys/shown, async", key = tenant, max_concurrent = 1, fallback = |_| false)]
async fn shown_async(tenant: Tenant) -> bool {
    !tenant.breaks
}

#[circuit_breaker(
    name = "keys/known, async",
    key = tenant.known(),
    max_concurrent = 1,
    max_wait = "1ns",
    call_timeout = "1h",
    fallback = |_| false
)]
async fn known_async(tenant: Tenant) -> bool {
    !tenant.breaks
}

fn calls(name: &str) -> (u64, Option<u32>) {
    let snapshot = Registry::global().get_keyed(name).unwrap().get("tenant").snapshot();
    (snapshot.totals.calls(), snapshot.calls_in_flight)
}

#[tokio::test]
async fn a_panicking_key_expression_counts_no_call_and_leaks_no_slot() {
    let tenant = |breaks| Tenant { breaks };
    assert!(shown(tenant(false)) && known(tenant(false)));
    assert!(shown_async(tenant(false)).await && known_async(tenant(false)).await);
    for _ in 0..3 {
        assert!(catch_panic(|| shown(tenant(true))).is_err() && catch_panic(|| known(tenant(true))).is_err());
        assert!(tokio::spawn(shown_async(tenant(true))).await.is_err());
        assert!(tokio::spawn(known_async(tenant(true))).await.is_err());
    }
    for name in ["keys/shown", "keys/known", "keys/shown, async", "keys/known, async"] {
        assert_eq!(calls(name), (1, Some(0)), "{name}");
    }
    assert!(shown(tenant(false)) && known(tenant(false)));
    assert!(shown_async(tenant(false)).await && known_async(tenant(false)).await);
}

#[circuit_breaker(name = "keys/tuple", key = (tenant, (region, code)), failure_threshold = 1)]
async fn by_tuple(tenant: &str, region: Option<u8>, code: char) -> Result<(), Fault> {
    Err(Fault::Down)
}

#[tokio::test]
async fn a_tuple_key_joins_the_texts_of_its_elements() {
    for (tenant, region, code) in [("acme", Some(1), 'x'), ("acme", None, 'x'), ("ac/me", Some(1), '\\')] {
        assert_eq!(by_tuple(tenant, region, code).await, Err(Fault::Down));
        assert_eq!(by_tuple(tenant, region, code).await, Err(Fault::Rejected));
    }
    let breakers = Registry::global().get_keyed("keys/tuple").unwrap();
    for key in ["acme/1/x", "acme/none/x", r"ac\/me/1/\\"] {
        assert!(breakers.find(key).is_some(), "{key}");
    }
}

#[circuit_breaker(name = "keys/pair", key = (one, two), failure_threshold = 1)]
fn by_pair(one: &str, two: &str) -> Result<(), Fault> {
    Err(Fault::Down)
}

#[test]
fn different_tuples_never_share_a_circuit() {
    for (one, two) in
        [("a/b", "c"), ("a", "b/c"), (r"a\", "b"), ("a", r"\b"), ("a/", "b"), ("", "a/b"), ("", "")]
    {
        assert_eq!(by_pair(one, two), Err(Fault::Down), "{one:?} {two:?}");
    }
    // A text that does not fit on the stack.
    let long = "x".repeat(100);
    assert_eq!(by_pair(&long, "1"), Err(Fault::Down));
    assert_eq!((by_pair(&long, "2"), by_pair(&long, "1")), (Err(Fault::Down), Err(Fault::Rejected)));
}

#[circuit_breaker(name = "keys/option", key = tenant, failure_threshold = 1)]
fn by_option(tenant: Option<&str>) -> Result<(), Fault> {
    Err(Fault::Down)
}

#[expect(clippy::ref_option, reason = "the key borrows the value of a borrowed option")]
#[circuit_breaker(name = "keys/option", key = tenant, failure_threshold = 1)]
fn by_borrowed_option(tenant: &Option<String>) -> Result<(), Fault> {
    Ok(())
}

#[test]
fn an_option_key_has_the_text_of_its_value_or_none() {
    assert_eq!(by_option(None), Err(Fault::Down));
    assert_eq!(by_option(Some("acme")), Err(Fault::Down));
    assert_eq!(by_borrowed_option(&None), Err(Fault::Rejected));
    assert_eq!(by_borrowed_option(&Some("acme".to_owned())), Err(Fault::Rejected));
    assert_eq!(by_borrowed_option(&Some("other".to_owned())), Ok(()));
    let breakers = Registry::global().get_keyed("keys/option").unwrap();
    assert!(["none", "acme", "other"].iter().all(|key| breakers.find(key).is_some()));
}

trait Entity {
    const TABLE: &'static str;
}

struct User;
struct Invoice;

impl Entity for User {
    const TABLE: &'static str = "users";
}

impl Entity for Invoice {
    const TABLE: &'static str = "invoices";
}

struct Rows<T>(Option<T>);

impl<T: Entity> Rows<T> {
    #[circuit_breaker(name = "keys/generic", key = T::TABLE, failure_threshold = 1)]
    fn load(&self) -> Result<(), Fault> {
        if self.0.is_none() { Err(Fault::Down) } else { Ok(()) }
    }

    #[circuit_breaker(name = "keys/shared", failure_threshold = 1)]
    fn shared(&self) -> Result<(), Fault> {
        if self.0.is_none() { Err(Fault::Down) } else { Ok(()) }
    }
}

#[test]
fn a_generic_function_has_one_circuit_unless_its_key_names_the_type() {
    assert_eq!(Rows::<User>(None).load(), Err(Fault::Down));
    assert_eq!(Rows(Some(User)).load(), Err(Fault::Rejected));
    assert_eq!(Rows(Some(Invoice)).load(), Ok(()));
    assert_eq!(Rows::<User>(None).shared(), Err(Fault::Down));
    assert_eq!(Rows(Some(Invoice)).shared(), Err(Fault::Rejected));
}
