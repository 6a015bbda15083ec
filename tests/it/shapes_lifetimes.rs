//! Types with implementations that hold only for some lifetimes. The compiler ignores lifetimes when it selects an
//! implementation, so such a type is a compile error unless the selection is for all lifetimes.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display, Formatter};

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

/// Returns the text of the failure that opened the circuit.
fn last_failure(name: &str) -> Option<String> {
    let opened = Registry::global().get(name).unwrap().snapshot().last_transition.unwrap();
    opened.last_failure.as_deref().map(str::to_owned)
}

trait Discount: Send {
    fn percent(&self) -> u32;
}

impl Discount for u32 {
    fn percent(&self) -> u32 {
        *self
    }
}

impl Discount for &u32 {
    fn percent(&self) -> u32 {
        **self
    }
}

impl Clone for Box<dyn Discount> {
    fn clone(&self) -> Self {
        Box::new(self.percent())
    }
}

#[circuit_breaker(name = "lifetimes/owned box", fallback = |_| Ok(discount.percent()))]
async fn owned_box(discount: Box<dyn Discount>) -> Answer<u32> {
    Ok(discount.percent() + 1)
}

#[circuit_breaker(name = "lifetimes/borrowing box", fallback = |_| Ok(discount.percent()))]
async fn borrowing_box(discount: Box<dyn Discount + '_>) -> Answer<u32> {
    Ok(discount.percent() + 1)
}

#[circuit_breaker(name = "lifetimes/path", fallback = backup)]
async fn path<'a>(discounts: Vec<Box<dyn Discount + 'a>>, name: &'a str) -> Answer<&'a str> {
    Ok(&name[discounts.len()..])
}

async fn backup<'a>(_discounts: Vec<Box<dyn Discount + 'a>>, name: &'a str) -> Answer<&'a str> {
    Ok(name)
}

/// It can be cloned only if it borrows for the whole program.
struct Label<'a>(&'a str);

impl Clone for Label<'static> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

#[circuit_breaker(name = "lifetimes/label", fallback = |_| Ok(label.0.len()))]
async fn label(label: Label<'_>) -> Answer<usize> {
    Ok(label.0.len() + 1)
}

#[tokio::test]
async fn an_argument_that_is_clone_only_for_some_lifetimes_can_be_used_by_a_fallback() {
    let (percent, text) = (5, "tea".to_owned());
    let borrowing = || -> Box<dyn Discount + '_> { Box::new(&percent) };
    assert_eq!(owned_box(Box::new(1)).await.unwrap(), 2);
    assert_eq!(borrowing_box(borrowing()).await.unwrap(), 6);
    assert_eq!(path(vec![borrowing()], &text).await.unwrap(), "ea");
    assert_eq!(label(Label(&text)).await.unwrap(), 4);
    for name in ["owned box", "borrowing box", "path", "label"] {
        force_open(&format!("lifetimes/{name}"));
    }
    assert_eq!(owned_box(Box::new(1)).await.unwrap(), 1);
    assert_eq!(borrowing_box(borrowing()).await.unwrap(), 5);
    assert_eq!(path(vec![borrowing()], &text).await.unwrap(), "tea");
    assert_eq!(label(Label(&text)).await.unwrap(), 3);
}

/// Lifetimes of which one outlives the other.
#[derive(Clone)]
struct Page<'book, 'word: 'book>(&'book [&'word str]);

#[derive(Clone)]
struct Ref<'a, T: 'a>(&'a T);

struct Store<T>(T);

impl<T: Clone> Store<T> {
    #[circuit_breaker(name = "lifetimes/generic", fallback = |_| Ok(item.0.clone()))]
    async fn read(&self, item: Ref<'_, T>) -> Answer<T> {
        Ok(if std::ptr::eq(item.0, &raw const self.0) { item.0.clone() } else { self.0.clone() })
    }

    #[circuit_breaker(name = "lifetimes/outlives", fallback = |_| Ok(page.0.len()))]
    async fn count(&self, page: Page<'_, '_>) -> Answer<usize> {
        Ok(page.0.iter().map(|word| word.len()).sum())
    }
}

#[tokio::test]
async fn lifetimes_with_bounds_are_accepted() {
    let store = Store(5);
    let text = "green tea".to_owned();
    let words: Vec<&str> = text.split(' ').collect();
    assert_eq!(store.read(Ref(&6)).await.unwrap(), 5);
    assert_eq!(store.count(Page(&words)).await.unwrap(), 8);
    force_open("lifetimes/generic");
    force_open("lifetimes/outlives");
    assert_eq!(store.read(Ref(&6)).await.unwrap(), 6);
    assert_eq!(store.count(Page(&words)).await.unwrap(), 2);
}

/// An error that implements `Error` only if it borrows for the whole program.
#[derive(Debug)]
enum Fault<'a> {
    Bad(&'a str),
    Breaker(BreakerError),
}

impl From<BreakerError> for Fault<'_> {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

impl Display for Fault<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad(text) => write!(formatter, "bad {text}"),
            Self::Breaker(error) => error.fmt(formatter),
        }
    }
}

impl Error for Fault<'static> {}

type Checked<'a, T> = Result<T, Fault<'a>>;

#[circuit_breaker(name = "lifetimes/sync", failure_threshold = 1)]
fn sync(text: &str) -> Result<u32, Fault<'_>> {
    Err(Fault::Bad(text))
}

#[circuit_breaker(name = "lifetimes/async", failure_threshold = 1, failure_if(Err(Fault::Bad(_) | Fault::Breaker(_))))]
async fn asynchronous<'a>(text: &'a str) -> Checked<'a, Cow<'a, str>> {
    Err(Fault::Bad(text))
}

#[circuit_breaker(
    name = "lifetimes/on failure",
    failure_threshold = 1,
    fallback = |_| Ok(text.len()),
    fallback_on = failure
)]
async fn on_failure<'a>(text: &'a str) -> Result<usize, Fault<'a>> {
    Err(Fault::Bad(text))
}

/// An error that can be shown only if it borrows for the whole program.
struct Mute<'a>(&'a str);

impl From<BreakerError> for Mute<'_> {
    fn from(_: BreakerError) -> Self {
        Self("")
    }
}

impl fmt::Debug for Mute<'static> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

#[circuit_breaker(name = "lifetimes/mute", failure_threshold = 1)]
fn mute(text: &str) -> Result<u32, Mute<'_>> {
    Err(Mute(text))
}

#[tokio::test]
async fn an_error_that_implements_a_trait_only_for_some_lifetimes_is_inspected_by_another_one() {
    let text = "tea".to_owned();
    assert!(matches!(sync(&text), Err(Fault::Bad("tea"))));
    assert!(asynchronous(&text).await.is_err());
    assert_eq!(on_failure(&text).await.unwrap(), 3);
    assert_eq!(mute(&text).map_err(|error| error.0), Err("tea"));
    for name in ["lifetimes/sync", "lifetimes/async", "lifetimes/on failure"] {
        assert_eq!(last_failure(name).as_deref(), Some("bad tea"), "{name}");
    }
    assert_eq!(Registry::global().get("lifetimes/mute").unwrap().snapshot().totals.failures, 1);
    assert_eq!(last_failure("lifetimes/mute"), None);
}
