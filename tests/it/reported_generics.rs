//! Bugs of other attribute macros with generics and lifetimes. Each test is named after the report.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

struct Store<'s, K, V, const N: usize>(&'s [(K, V); N]);

impl<'s, K, V, const N: usize> Store<'s, K, V, N>
where
    K: Eq + Hash + Clone,
{
    #[circuit_breaker(name = "reported/where", fallback = |_| Ok((HashMap::new(), default)))]
    fn index<Q, const M: usize>(&self, default: [Q; M]) -> Answer<(HashMap<K, &'s V>, [Q; M])>
    where
        Q: Default + Debug,
        Self: Sized,
    {
        Ok((self.0.iter().map(|(key, value)| (key.clone(), value)).collect(), default))
    }

    #[circuit_breaker(name = "reported/where, async", fallback = Self::backup)]
    async fn find<Q>(&self, key: &Q) -> Option<&'s V>
    where
        Q: PartialEq<K> + ?Sized,
    {
        tokio::task::yield_now().await;
        self.0.iter().find(|(candidate, _)| key == candidate).map(|(_, value)| value)
    }

    async fn backup<Q: ?Sized>(&self, _key: &Q) -> Option<&'s V> {
        self.0.first().map(|(_, value)| value)
    }
}

#[tokio::test]
async fn cached_212_generics_and_where_clauses_are_kept() {
    let items = [("a".to_owned(), 1), ("b".to_owned(), 2)];
    let store = Store(&items);
    assert_eq!(
        store.index([0_u8; 3]).unwrap(),
        (HashMap::from([("a".to_owned(), &1), ("b".to_owned(), &2)]), [0; 3])
    );
    assert_eq!(store.find("b").await, Some(&2));
    Registry::global().get("reported/where, async").unwrap().force_open();
    assert_eq!(store.find("b").await, Some(&1));
}

#[circuit_breaker(name = "reported/lifetimes", fallback = |_| Ok((one, rest[0])))]
async fn picks<'a, 'b: 'a, T: 'static + ?Sized>(one: &'a T, rest: &[&'b T], _: &T) -> Answer<(&'a T, &'b T)> {
    tokio::task::yield_now().await;
    Ok((one, rest[rest.len() - 1]))
}

#[circuit_breaker(name = "reported/for", fallback = |_| 0)]
fn applies<F>(text: &str, call: F) -> usize
where
    F: for<'a> Fn(&'a str) -> &'a str,
{
    call(text).len()
}

type Shorten = for<'a> fn(&'a str) -> &'a str;

#[circuit_breaker(name = "reported/for, returned", fallback = |_| Box::new(str::trim_end))]
async fn shortens<'s>(at_start: &'s bool) -> Box<dyn for<'a> Fn(&'a str) -> &'a str + 's> {
    tokio::task::yield_now().await;
    Box::new(|text| if *at_start { text.trim_start() } else { text.trim_end() })
}

#[circuit_breaker(name = "reported/for, alias", fallback = |_| str::trim)]
fn trims() -> Shorten {
    |text| text.trim()
}

#[circuit_breaker(name = "reported/underscore", fallback = |_| text.split(' '))]
fn words(text: &'_ str) -> std::str::Split<'_, char> {
    text.split(',')
}

#[tokio::test]
async fn async_trait_110_lifetimes_are_kept() {
    let (one, two) = ("one".to_owned(), "two".to_owned());
    assert_eq!(picks(one.as_str(), &["three", two.as_str()], "four").await.unwrap(), ("one", "two"));
    assert_eq!((shortens(&true).await(" a "), trims()(" a ")), ("a ", "a"));
    assert_eq!((applies("abc", |text| &text[1..]), words("a,b").count()), (2, 2));
}

#[circuit_breaker(name = "reported/monomorphizations", fallback = |_| format!("no {value}"))]
fn shows<T: Display>(value: T) -> String {
    value.to_string()
}

trait Greets: Display {
    #[circuit_breaker(name = "reported/implementors", fallback = |_| format!("no {self}"))]
    fn greet(&self) -> String {
        format!("hello {self}")
    }
}

impl Greets for u8 {}
impl Greets for char {}

#[test]
fn cached_80_all_monomorphizations_share_one_circuit() {
    assert_eq!(
        (shows(1), shows('a'), 1.greet(), 'a'.greet()),
        ("1".into(), "a".into(), "hello 1".into(), "hello a".into())
    );
    for name in ["reported/monomorphizations", "reported/implementors"] {
        let breaker = Registry::global().get(name).unwrap();
        assert_eq!(breaker.snapshot().totals.successes, 2);
        breaker.force_open();
    }
    assert_eq!(
        (shows(1), shows('a'), 1.greet(), 'a'.greet()),
        ("no 1".into(), "no a".into(), "no 1".into(), "no a".into())
    );
}

struct Shop<T>(T);

impl<T: PartialOrd + Display> Shop<T> {
    const LIMIT: u32 = 5;

    #[circuit_breaker(
        name = "reported/E0401",
        failure_threshold = Shop::<u8>::LIMIT,
        failure_if(price if *price > self.0),
        key = N,
        fallback = |_| self.0
    )]
    fn price<const N: usize>(self, price: T) -> T
    where
        T: Copy,
    {
        price
    }
}

#[test]
fn e0401_the_generated_static_uses_no_generics_of_the_function() {
    assert_eq!((Shop(3).price::<1>(2), Shop('c').price::<2>('d')), (2, 'd'));
    let breaker = Registry::global().get_keyed("reported/E0401").unwrap();
    let failures = ["1", "2"].map(|key| breaker.get(key).snapshot().totals.failures);
    assert_eq!((failures, breaker.config().failure_threshold()), ([0, 1], Some(5)));
}
