//! The shapes of sync functions. The tests check that they compile, and that calls are admitted and counted.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "the tests are about the shapes of functions"
)]

use std::collections::HashMap;
use std::fmt::{Debug, Display};

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

fn successes(name: &str) -> u64 {
    Registry::global().get(name).unwrap().snapshot().totals.successes
}

fn failures(name: &str) -> u64 {
    Registry::global().get(name).unwrap().snapshot().totals.failures
}

struct Shop {
    prices: HashMap<String, u32>,
}

trait Sells {
    fn sell(&mut self, sku: &str) -> Answer<u32>;

    #[circuit_breaker(name = "sync/default method")]
    fn restock(&self) -> Answer<&'static str> {
        Ok("restocked")
    }
}

impl Shop {
    fn new() -> Self {
        Self { prices: HashMap::from([("tea".to_owned(), 3)]) }
    }

    #[circuit_breaker(name = "sync/&self", fallback = Self::cached)]
    fn price(&self, sku: &str) -> Answer<u32> {
        Ok(self.prices[sku])
    }

    fn cached(&self, sku: &str) -> Answer<u32> {
        Ok(u32::try_from(sku.len() + self.prices.len()).unwrap())
    }

    #[circuit_breaker(name = "sync/&mut self", fallback = |_| None)]
    fn slot(&mut self, sku: &str) -> Option<&mut u32> {
        self.prices.get_mut(sku)
    }

    #[circuit_breaker(name = "sync/self")]
    fn close(self) -> Answer<usize> {
        Ok(self.prices.len())
    }

    #[circuit_breaker(name = "sync/self: Arc")]
    fn count(self: std::sync::Arc<Self>) -> Answer<usize> {
        Ok(self.prices.len())
    }

    #[circuit_breaker(name = "sync/Self", fallback = |_| Self::new())]
    fn fresh() -> Self {
        Self::new()
    }
}

impl Sells for Shop {
    #[circuit_breaker(name = "sync/trait method")]
    fn sell(&mut self, sku: &str) -> Answer<u32> {
        let price = self.prices.remove(sku).unwrap_or_default();
        self.prices.insert(sku.to_owned(), price);
        Ok(price)
    }
}

#[test]
fn methods_are_supported() {
    let mut shop = Shop::new();
    assert_eq!(shop.price("tea").unwrap(), 3);
    Registry::global().get("sync/&self").unwrap().force_open();
    assert_eq!(shop.price("tea").unwrap(), 4);
    *shop.slot("tea").unwrap() += 1;
    assert_eq!(shop.sell("tea").unwrap(), 4);
    assert_eq!(shop.restock().unwrap(), "restocked");
    assert_eq!(shop.close().unwrap(), 1);
    assert_eq!(std::sync::Arc::new(Shop::fresh()).count().unwrap(), 1);
    for name in ["&mut self", "self", "self: Arc", "Self", "trait method", "default method"] {
        assert_eq!(successes(&format!("sync/{name}")), 1, "{name}");
    }
}

#[circuit_breaker(name = "sync/generic")]
fn generic<T, const N: usize>(items: [T; N]) -> Answer<Vec<String>>
where
    T: Display + Clone,
{
    Ok(items.iter().map(ToString::to_string).collect())
}

#[circuit_breaker(name = "sync/lifetimes")]
fn longest<'a, 'b: 'a>(one: &'a str, two: &'b str) -> Answer<&'a str> {
    Ok(if one.len() > two.len() { one } else { two })
}

#[circuit_breaker(name = "sync/elided")]
fn first_word(text: &str) -> Answer<&str> {
    Ok(text.split(' ').next().unwrap_or_default())
}

#[circuit_breaker(name = "sync/impl argument")]
fn shown(value: impl Debug, more: &impl Display) -> Answer<String> {
    Ok(format!("{value:?}{more}"))
}

#[circuit_breaker(name = "sync/dyn of impl")]
fn boxed_shown(most: u32) -> Answer<Box<dyn Iterator<Item = impl std::fmt::Display>>> {
    Ok(Box::new(0..most))
}

#[test]
fn a_box_of_dyn_with_an_impl_type_can_be_returned() {
    assert_eq!(boxed_shown(3).unwrap().map(|number| number.to_string()).collect::<String>(), "012");
}

#[circuit_breaker(name = "sync/impl return")]
fn evens(most: u32) -> Answer<impl Iterator<Item = u32>> {
    Ok((0..most).filter(|number| number % 2 == 0))
}

#[circuit_breaker(name = "sync/dyn", fallback = |_| Box::new("none"))]
fn boxed(number: u32) -> Box<dyn Display> {
    if number > 0 { Box::new(number) } else { Box::new('0') }
}

#[test]
fn generics_lifetimes_and_traits_are_kept() {
    assert_eq!(generic([1, 2]).unwrap(), ["1", "2"]);
    assert_eq!(generic(['x']).unwrap(), ["x"]);
    assert_eq!(successes("sync/generic"), 2);
    assert_eq!(longest("abc", "de").unwrap(), "abc");
    assert_eq!(first_word("a b").unwrap(), "a");
    assert_eq!(shown(Some(1), &2).unwrap(), "Some(1)2");
    assert_eq!(evens(5).unwrap().collect::<Vec<_>>(), [0, 2, 4]);
    assert_eq!(boxed(7).to_string(), "7");
    Registry::global().get("sync/dyn").unwrap().force_open();
    assert_eq!(boxed(7).to_string(), "none");
}

#[derive(Debug)]
struct Broken;

impl From<BreakerError> for Broken {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

impl From<std::num::ParseIntError> for Broken {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

#[circuit_breaker(name = "sync/early")]
fn early(text: &str) -> Result<u32, Broken> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = 'found: {
        if text == "one" {
            break 'found 1;
        }
        text.parse::<u32>()?
    };
    if number > 9 {
        return Err(Broken);
    }
    Ok(number)
}

#[test]
fn early_returns_question_marks_and_labels_end_the_body_but_not_the_call() {
    // Regression of pybreaker#7, sentinel-rust#5 and tokio#4635.
    assert_eq!(early("").unwrap(), 0);
    assert_eq!(early("one").unwrap(), 1);
    assert_eq!(early("5").unwrap(), 5);
    assert!(early("x").is_err() && early("10").is_err());
    assert_eq!((successes("sync/early"), failures("sync/early")), (3, 2));
}

#[circuit_breaker(name = "sync/patterns", fallback = |_| Ok(left + right))]
fn patterns((left, right): (u32, u32), _: &str, [first, ..]: [u32; 3]) -> Answer<u32> {
    Ok(left * right * first)
}

#[circuit_breaker(name = "sync/mut", fallback = counted_down)]
fn counts_down(mut from: u32) -> Answer<u32> {
    while from > 1 {
        from -= 1;
    }
    Ok(from)
}

fn counted_down(from: u32) -> Answer<u32> {
    Ok(from)
}

#[circuit_breaker(name = "sync/raw", fallback = r#loop)]
fn r#match(r#type: u32) -> Answer<u32> {
    Ok(r#type)
}

fn r#loop(r#type: u32) -> Answer<u32> {
    Ok(r#type + 1)
}

#[circuit_breaker(name = "sync/cfg", fallback = |_| Ok(here + 1))]
fn configured(here: u32, #[cfg(any())] nowhere: u32) -> Answer<u32> {
    Ok(here)
}

#[circuit_breaker(name = "sync/recursive")]
fn factorial(number: u64) -> Answer<u64> {
    Ok(if number < 2 { 1 } else { number * factorial(number - 1)? })
}

#[test]
fn arguments_of_every_kind_are_supported() {
    assert_eq!(patterns((2, 3), "", [4, 5, 6]).unwrap(), 24);
    Registry::global().get("sync/patterns").unwrap().force_open();
    assert_eq!(patterns((2, 3), "", [4, 5, 6]).unwrap(), 5);
    assert_eq!(counts_down(5).unwrap(), 1);
    assert_eq!(r#match(1).unwrap(), 1);
    Registry::global().get("sync/raw").unwrap().force_open();
    assert_eq!(r#match(1).unwrap(), 2);
    assert_eq!(configured(1).unwrap(), 1);
    assert_eq!(factorial(5).unwrap(), 120);
    assert_eq!(successes("sync/recursive"), 5);
}

#[circuit_breaker(name = "sync/unsafe")]
#[expect(unsafe_code, reason = "the test is about the qualifier")]
unsafe fn dangerous(number: u32) -> Answer<u32> {
    Ok(number)
}

#[circuit_breaker(name = "sync/extern", fallback = |_| -1)]
extern "C" fn foreign(number: i32) -> i32 {
    number
}

/// A documented function.
#[circuit_breaker(name = "sync/attributes")]
#[must_use = "the attribute is kept"]
#[inline]
fn attributed(#[allow(unused_variables)] number: u32) -> Answer<()> {
    #![expect(unused_mut, reason = "an inner attribute belongs to the whole body")]
    let mut unit = ();
    Ok(unit)
}

#[test]
#[circuit_breaker(name = "sync/test", fallback = |_| ())]
fn a_test_can_be_protected() {
    assert_eq!(1 + 1, 2);
}

#[circuit_breaker(name = "sync/test below", fallback = |_| ())]
#[test]
fn a_test_can_be_protected_from_above() {
    assert_eq!(1 + 1, 2);
}

macro_rules! protected {
    ($name:ident, $label:literal, $threshold:expr, $output:ty, $body:block) => {
        #[circuit_breaker(name = $label, failure_threshold = $threshold)]
        fn $name() -> $output $body
    };
}

protected!(by_macro, "sync/macro", 2 + 1, Answer<u32>, { Ok(1) });

#[expect(unsafe_code, reason = "calling an unsafe function needs it")]
#[test]
fn qualifiers_attributes_and_macros_are_supported() {
    // SAFETY: the function has no precondition.
    assert_eq!(unsafe { dangerous(1) }.unwrap(), 1);
    assert_eq!(foreign(1), 1);
    attributed(1).unwrap();
    assert_eq!(by_macro().unwrap(), 1);
    assert_eq!(Registry::global().get("sync/macro").unwrap().config().failure_threshold(), Some(3));
}

struct LogsDrop<'a>(&'a std::cell::RefCell<Vec<&'static str>>, &'static str);

impl Drop for LogsDrop<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[circuit_breaker(name = "sync/drop", fallback = |_| Ok(()))]
fn drops(first: LogsDrop<'_>, _second: LogsDrop<'_>) -> Answer<()> {
    drop(first);
    Ok(())
}

#[circuit_breaker(name = "sync/never", failure_threshold = 1, fallback = |error| panic!("{error}"))]
fn never(text: &str) -> ! {
    panic!("{text}")
}

#[test]
fn a_function_can_diverge() {
    // Regression of tokio#4175.
    let message =
        |action: fn() -> ()| *std::panic::catch_unwind(action).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message(|| never("first")), "first");
    assert!(message(|| never("second")).contains("is open"));
}

#[test]
fn every_argument_is_dropped_once() {
    let log = std::cell::RefCell::default();
    drops(LogsDrop(&log, "first"), LogsDrop(&log, "second")).unwrap();
    Registry::global().get("sync/drop").unwrap().force_open();
    drops(LogsDrop(&log, "first"), LogsDrop(&log, "second")).unwrap();
    let mut log = log.into_inner();
    log.sort_unstable();
    assert_eq!(log, ["first", "first", "second", "second"]);
}
