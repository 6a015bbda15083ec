//! The return types of annotated functions, and the values of their fallbacks.

use std::fmt::{Debug, Display};
use std::rc::Rc;

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

#[derive(Debug, PartialEq)]
struct Down;

impl From<BreakerError> for Down {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[test]
fn impl_trait_can_appear_in_any_return_type() {
    #[circuit_breaker(fallback = |_| None)]
    fn evens(most: u32) -> Option<impl Iterator<Item = u32>> {
        Some((0..most).step_by(2))
    }
    #[circuit_breaker(fallback = |_| (String::new(), 0))]
    fn pair(shown: String) -> (impl Display, u8) {
        (shown, 1)
    }
    #[circuit_breaker(failure_if = |all: &Vec<_>| all.is_empty(), fallback = |_| Vec::new())]
    fn all(most: u8) -> Vec<impl Into<u32>> {
        (0..most).collect()
    }
    assert_eq!(evens(3).unwrap().sum::<u32>(), 2);
    let (shown, count) = pair("x".to_owned());
    assert_eq!((shown.to_string(), count), ("x".to_owned(), 1));
    assert_eq!(all(2).into_iter().map(Into::into).sum::<u32>(), 1);
}

#[tokio::test]
async fn an_impl_trait_error_does_not_need_display() {
    #[circuit_breaker]
    fn count(count: u8) -> Result<u8, impl Debug + From<BreakerError>> {
        if count == 0 { Err(Down) } else { Ok(count) }
    }
    #[circuit_breaker]
    async fn count_async(count: u8) -> Result<u8, impl Debug + From<BreakerError>> {
        if count == 0 { Err(Down) } else { Ok(count) }
    }
    assert_eq!((count(1).unwrap(), count_async(2).await.unwrap()), (1, 2));
    assert_eq!(format!("{:?}", count(0).unwrap_err()), "Down");
}

macro_rules! shown {
    ($name:ident, $output:ty) => {
        #[circuit_breaker(fallback = |_| 0)]
        fn $name() -> $output {
            1
        }
    };
}

macro_rules! diverges {
    ($name:ident, $output:ty) => {
        #[circuit_breaker(fallback = |_| panic!("open"))]
        fn $name() -> $output {
            panic!("user code")
        }
    };
}

shown!(shown, impl Display);
diverges!(diverges, !);

#[test]
fn the_return_type_can_come_from_a_macro() {
    assert_eq!(shown().to_string(), "1");
    assert!(std::panic::catch_unwind(|| diverges()).is_err());
}

#[tokio::test]
async fn lifetimes_can_appear_in_returned_function_types() {
    #[circuit_breaker]
    fn greeter<'a>(name: &'a str) -> Result<Box<dyn Fn() -> &'a str + 'a>, BreakerError> {
        Ok(Box::new(move || name))
    }
    #[circuit_breaker]
    async fn chooser<'a>(name: &'a str) -> Result<Box<dyn Fn(&'a str) -> &'a str + 'a>, BreakerError> {
        Ok(Box::new(move |other| if other.is_empty() { name } else { other }))
    }
    #[circuit_breaker(fallback = |_| |text| text)]
    fn pointer<'a>(_: &'a str) -> fn(&'a str) -> &'a str {
        |text| text.trim()
    }
    assert_eq!(greeter("x").unwrap()(), "x");
    assert_eq!(chooser("x").await.unwrap()(""), "x");
    assert_eq!(pointer("")(" y "), "y");
}

#[test]
fn the_value_of_a_closure_fallback_is_coerced_to_the_return_type() {
    #[circuit_breaker(name = "returns/boxed", fallback = |_| Ok(Box::new(1)))]
    fn boxed() -> Result<Box<dyn Display>, BreakerError> {
        Ok(Box::new(2))
    }
    #[circuit_breaker(name = "returns/slice", fallback = |_| Some(&[1, 2]))]
    fn slice() -> Option<&'static [u8]> {
        Some(&[])
    }
    #[circuit_breaker(name = "returns/function", fallback = |_| Ok(|count| count + 1), fallback_on = failure)]
    fn function() -> Result<fn(u8) -> u8, BreakerError> {
        Ok(|count| count)
    }
    #[circuit_breaker(name = "returns/error", fallback = |error| Err(Rc::new(error)))]
    fn error() -> Result<u8, Rc<dyn std::error::Error>> {
        Ok(1)
    }
    _ = (boxed(), slice(), function(), error());
    for name in ["returns/boxed", "returns/slice", "returns/function", "returns/error"] {
        force_open(name);
    }
    assert_eq!(boxed().unwrap().to_string(), "1");
    assert_eq!(slice(), Some(&[1, 2][..]));
    assert_eq!(function().unwrap()(1), 2);
    assert!(error().is_err());
}

fn never_returns(_: u8) -> ! {
    panic!("user code")
}

// Warnings are errors here: generated code after a fallback that never returns must not be reported as dead
// code.
#[test]
fn a_fallback_can_diverge() {
    #[circuit_breaker(name = "returns/path", fallback = never_returns)]
    fn path(count: u8) -> u64 {
        count.into()
    }
    #[circuit_breaker(name = "returns/closure", fallback = |error| -> ! { panic!("{error}") })]
    fn closure() {}
    #[circuit_breaker(name = "returns/late", fallback = never_returns, fallback_on = failure)]
    fn late(count: u8) -> Result<u8, Down> {
        if count == 0 { Err(Down) } else { Ok(count) }
    }
    assert_eq!((path(1), late(1)), (1, Ok(1)));
    closure();
    force_open("returns/path");
    force_open("returns/closure");
    assert!(std::panic::catch_unwind(|| path(1)).is_err());
    assert!(std::panic::catch_unwind(closure).is_err());
    assert!(std::panic::catch_unwind(|| late(0)).is_err());
}

async fn cached(count: u32) -> Result<u32, Down> {
    Ok(std::future::ready(count).await)
}

mod step {
    #[expect(non_snake_case, reason = "the test needs the name of the variant")]
    pub(super) async fn Ok(count: u32) -> Result<u32, super::Down> {
        Result::Ok(std::future::ready(count).await)
    }
}

#[tokio::test]
async fn a_fallback_that_looks_like_a_value_can_be_a_future() {
    #[circuit_breaker(name = "returns/return", fallback = |_| {
        if count > 0 {
            return cached(count);
        }
        unreachable!("count is not zero")
    })]
    async fn price(count: u32) -> Result<u32, Down> {
        Ok(count + 1)
    }
    #[circuit_breaker(name = "returns/named", fallback = |_| step::Ok(count))]
    async fn named(count: u32) -> Result<u32, Down> {
        Ok(count + 1)
    }
    assert_eq!((price(1).await, named(1).await), (Ok(2), Ok(2)));
    force_open("returns/return");
    force_open("returns/named");
    assert_eq!((price(1).await, named(1).await), (Ok(1), Ok(1)));
}
