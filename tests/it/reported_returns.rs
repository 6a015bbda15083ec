//! Bugs of other attribute macros with return types and return values. Each test is named after the report.

#![deny(warnings)]
#![allow(
    clippy::elidable_lifetime_names,
    clippy::needless_return,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use std::error::Error;
use std::fmt::Display;

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

/// Returns the successes and failures of a breaker.
fn counts(name: &str) -> (u64, u64) {
    let totals = Registry::global().get(name).unwrap().snapshot().totals;
    (totals.successes, totals.failures)
}

#[circuit_breaker(name = "reported/return", fallback = |_| -1)]
fn returns(number: i32) -> i32 {
    if number > 1 {
        return number;
    }
    for next in 0.. {
        if next == number {
            return next;
        }
    }
    0
}

#[circuit_breaker(name = "reported/return, async")]
async fn returns_async(number: i32) -> Answer<i32> {
    let inner = async { return number + 1 };
    if number > 1 {
        return Ok(inner.await);
    }
    tokio::task::yield_now().await;
    return Ok(number);
}

#[tokio::test]
async fn tokio_4635_return_ends_the_body_only() {
    assert_eq!((returns(2), returns(1)), (2, 1));
    assert_eq!((returns_async(2).await.unwrap(), returns_async(1).await.unwrap()), (3, 1));
    assert_eq!((counts("reported/return"), counts("reported/return, async")), ((2, 0), (2, 0)));
}

#[derive(Debug)]
struct Fault(String);

impl<E: Display> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

#[circuit_breaker(name = "reported/question mark")]
async fn parses(text: &str) -> Result<u32, Fault> {
    let number: u64 = text.parse()?;
    Ok(number.try_into()?)
}

#[circuit_breaker(name = "reported/nothing but a question mark")]
async fn tries(text: &str) -> Result<(), Fault> {
    text.parse::<u32>()?;
    Ok(())
}

#[tokio::test]
async fn tokio_6930_the_question_mark_infers_its_types() {
    assert_eq!(parses("1").await.unwrap(), 1);
    assert!(parses("x").await.unwrap_err().0.contains("invalid digit"));
    assert!(tries("1").await.is_ok() && tries("x").await.is_err());
    assert_eq!(counts("reported/question mark"), (1, 1));
}

#[circuit_breaker(name = "reported/dyn", fallback = |_| Box::new("none"))]
fn shows(number: u8) -> Box<dyn Display> {
    match number {
        0 => Box::new("zero"),
        number => Box::new(number),
    }
}

#[circuit_breaker(name = "reported/dyn error")]
async fn fails_with(text: &str) -> Result<Box<dyn Display + Send>, Box<dyn Error + Send + Sync>> {
    if text.is_empty() {
        return Err("the text is empty".into());
    }
    Ok(Box::new(text.parse::<u32>()?))
}

#[circuit_breaker(name = "reported/fn pointer", fallback = |_| |number| number)]
async fn picks(twice: bool) -> fn(u32) -> u32 {
    if twice { |number| 2 * number } else { |number| number }
}

#[circuit_breaker(name = "reported/slice", fallback = |_| &[])]
async fn listed() -> &'static [u8] {
    &[1, 2]
}

#[tokio::test]
async fn tracing_1053_async_trait_149_a_returned_box_coerces_to_dyn() {
    assert_eq!((shows(0).to_string(), shows(1).to_string()), ("zero".to_owned(), "1".to_owned()));
    assert_eq!(fails_with("1").await.unwrap().to_string(), "1");
    assert!(fails_with("x").await.is_err() && fails_with("").await.is_err());
    assert_eq!((picks(true).await(2), picks(false).await(2)), (4, 2));
    assert_eq!(listed().await, [1, 2]);
}

#[circuit_breaker(name = "reported/impl", fallback = |_| Vec::new().into_iter())]
fn numbers(most: u32) -> impl Iterator<Item = u32> + Clone {
    (0..most).collect::<Vec<_>>().into_iter()
}

#[circuit_breaker(name = "reported/impl, async")]
async fn numbers_async<'a>(text: &'a str) -> Result<impl Iterator<Item = char> + use<'a>, Fault> {
    tokio::task::yield_now().await;
    Ok(text.chars())
}

#[tokio::test]
async fn tracing_1227_impl_trait_can_be_returned() {
    assert_eq!(numbers(3).clone().sum::<u32>(), 3);
    assert_eq!(numbers_async("ab").await.unwrap().count(), 2);
    Registry::global().get("reported/impl").unwrap().force_open();
    assert_eq!(numbers(3).count(), 0);
}

#[circuit_breaker(name = "reported/never", fallback = |error| panic!("{error}"))]
fn never() -> ! {
    panic!("never")
}

#[circuit_breaker(name = "reported/never, async", fallback = |error| panic!("{error}"))]
async fn never_async() -> ! {
    tokio::task::yield_now().await;
    panic!("never")
}

#[circuit_breaker(name = "reported/infallible", fallback = |error| panic!("{error}"))]
async fn infallible(number: u32) -> std::convert::Infallible {
    panic!("{number}")
}

#[circuit_breaker(name = "reported/never, fallback", fallback = |_| {
    let why = "not yet";
    todo!("{why}")
})]
async fn not_yet(number: u32) -> impl Display {
    number
}

#[tokio::test]
async fn tokio_4175_the_never_type_can_be_returned() {
    assert!(tokio::spawn(async { never() }).await.is_err());
    assert!(tokio::spawn(async { never_async().await }).await.is_err());
    assert!(tokio::spawn(infallible(1)).await.is_err());
    assert_eq!(not_yet(1).await.to_string(), "1");
    Registry::global().get("reported/never, fallback").unwrap().force_open();
    assert!(tokio::spawn(async { not_yet(1).await.to_string() }).await.is_err());
    assert_eq!((counts("reported/never"), counts("reported/never, async")), ((0, 1), (0, 1)));
}

mod fruit {
    pub(super) struct Kind(pub(super) u32);
    pub(super) mod bitter {
        pub(crate) struct Kind;
    }
}
use fruit::Kind;

#[circuit_breaker(name = "reported/use", fallback = |_| Kind(0))]
async fn uses(number: u32) -> Kind {
    use fruit::bitter::Kind;
    _ = Kind;
    fruit::Kind(number)
}

#[circuit_breaker(name = "reported/use, sync", fallback = |_| Kind(0))]
fn uses_sync(number: u32) -> Kind {
    use fruit::bitter::Kind;
    _ = Kind;
    fruit::Kind(number)
}

#[tokio::test]
async fn tracing_3306_imports_in_the_body_do_not_change_the_return_type() {
    assert_eq!((uses(1).await.0, uses_sync(2).0), (1, 2));
}

struct Buffer(Vec<u8>);

impl Buffer {
    #[circuit_breaker(name = "reported/reborrow", fallback = |_| None)]
    fn first(&mut self) -> Option<&mut u8> {
        let list = &mut self.0;
        list.push(7);
        list.first_mut()
    }

    #[circuit_breaker(name = "reported/reborrow, async", fallback = |_| None)]
    async fn first_async<'a>(&mut self, into: &'a mut Vec<u8>) -> Option<&'a mut u8> {
        into.append(&mut self.0);
        tokio::task::yield_now().await;
        into.first_mut()
    }
}

#[circuit_breaker(name = "reported/reborrow, argument", fallback = |_| list)]
fn pushed(list: &mut Vec<u8>, item: u8) -> &mut Vec<u8> {
    list.push(item);
    list
}

#[tokio::test]
async fn backon_49_a_reborrow_can_be_returned() {
    let mut buffer = Buffer(vec![1]);
    *buffer.first().unwrap() += 1;
    let mut list = vec![];
    *buffer.first_async(&mut list).await.unwrap() += 1;
    pushed(&mut list, 1).push(2);
    assert_eq!(list, [3, 7, 1, 2]);
}
