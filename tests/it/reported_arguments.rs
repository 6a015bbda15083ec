//! Bugs of other attribute macros with arguments. Each test is named after the report.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::used_underscore_binding,
    reason = "the tests are about the shapes of functions"
)]

use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::rc::Rc;

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

type Answer<T> = Result<T, BreakerError>;

fn open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

#[circuit_breaker(name = "reported/mut", fallback = same)]
fn counts_down(mut from: u32) -> u32 {
    while from > 1 {
        from -= 1;
    }
    from
}

#[circuit_breaker(name = "reported/mut, async", fallback = same)]
async fn counts_down_async(mut from: u32) -> u32 {
    while from > 1 {
        tokio::task::yield_now().await;
        from -= 1;
    }
    from
}

fn same(from: u32) -> u32 {
    from
}

#[tokio::test]
async fn cached_96_tracing_1167_mut_arguments() {
    assert_eq!((counts_down(5), counts_down_async(5).await), (1, 1));
    open("reported/mut");
    open("reported/mut, async");
    assert_eq!((counts_down(5), counts_down_async(5).await), (5, 5));
}

struct Point {
    x: u32,
    y: u32,
}

#[circuit_breaker(name = "reported/patterns", fallback = |_| Ok(x + y + left))]
async fn patterns(
    Point { x, y }: Point,
    (left, mut right): (u32, u32),
    _: &str,
    &[first, ..]: &[u32; 2],
) -> Answer<u32> {
    tokio::task::yield_now().await;
    right += first;
    Ok(x * y * left * right)
}

#[derive(Clone)]
struct LogsDrop(Rc<RefCell<Vec<&'static str>>>, &'static str);

impl Drop for LogsDrop {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[circuit_breaker(name = "reported/drop order", fallback = |_| ())]
fn drops(_: LogsDrop, _ignored: LogsDrop, kept: LogsDrop) {
    kept.0.borrow_mut().push("body");
}

#[circuit_breaker(name = "reported/drop order, no fallback")]
fn drops_without_fallback(_: LogsDrop, _ignored: LogsDrop, kept: LogsDrop) -> Answer<()> {
    kept.0.borrow_mut().push("body");
    Ok(())
}

#[circuit_breaker(name = "reported/drop order, async, no fallback")]
async fn drops_later_without_fallback(_: LogsDrop, _ignored: LogsDrop, kept: LogsDrop) -> Answer<()> {
    tokio::task::yield_now().await;
    kept.0.borrow_mut().push("body");
    Ok(())
}

#[circuit_breaker(name = "reported/drop order, async", fallback = |_| ())]
async fn drops_async(_: LogsDrop, _ignored: LogsDrop, kept: LogsDrop) {
    tokio::task::yield_now().await;
    kept.0.borrow_mut().push("body");
}

fn arguments(log: &Rc<RefCell<Vec<&'static str>>>) -> [LogsDrop; 3] {
    ["_", "_ignored", "kept"].map(|name| LogsDrop(log.clone(), name))
}

#[tokio::test]
async fn async_trait_199_232_patterns_bind_and_every_argument_is_dropped_once_after_the_body() {
    assert_eq!(patterns(Point { x: 2, y: 3 }, (5, 6), "", &[1, 2]).await.unwrap(), 210);
    open("reported/patterns");
    assert_eq!(patterns(Point { x: 2, y: 3 }, (5, 6), "", &[1, 2]).await.unwrap(), 10);
    for is_open in [false, true] {
        let logs = [Rc::default(), Rc::default(), Rc::default(), Rc::default()];
        let [first, second, third] = arguments(&logs[0]);
        drops(first, second, third);
        let [first, second, third] = arguments(&logs[1]);
        drops_async(first, second, third).await;
        let [first, second, third] = arguments(&logs[2]);
        assert_eq!(drops_without_fallback(first, second, third).is_err(), is_open);
        let [first, second, third] = arguments(&logs[3]);
        assert_eq!(drops_later_without_fallback(first, second, third).await.is_err(), is_open);
        // Without a fallback the body owns its arguments even if it does not run.
        for log in &logs[2..] {
            assert_eq!(log.borrow().iter().find(|name| **name != "body"), Some(&"kept"), "{log:?}");
        }
        for log in logs {
            let mut log = log.take();
            assert_eq!(log.first() == Some(&"body"), !is_open, "{log:?}");
            log.retain(|name| *name != "body");
            log.sort_unstable();
            assert_eq!(log, ["_", "_ignored", "kept"]);
        }
        for name in ["reported/drop order", "reported/drop order, async"] {
            open(name);
            open(&format!("{name}, no fallback"));
        }
    }
}

#[circuit_breaker(name = "reported/cfg", fallback = |_| here)]
async fn configured(#[cfg(test)] here: u32, #[cfg(not(test))] nowhere: Nonsense) -> u32 {
    here + 1
}

#[circuit_breaker(name = "reported/cfg, forwarded", call_timeout = "1h", fallback = |_| Ok(here.len()))]
async fn timed(#[cfg(test)] here: String, #[cfg(not(test))] here: Nonsense) -> Answer<usize> {
    Ok(here.len() + 1)
}

#[tokio::test]
async fn async_trait_226_cfg_on_arguments() {
    assert_eq!((configured(1).await, timed("a".to_owned()).await.unwrap()), (2, 2));
}

#[circuit_breaker(name = "reported/impl argument", fallback = backup)]
fn shown(value: impl Debug + Clone, more: &impl Display) -> String {
    format!("{value:?}{more}")
}

fn backup(value: impl Debug, more: &impl Display) -> String {
    format!("{more}{value:?}")
}

#[circuit_breaker(name = "reported/impl argument, async", fallback = |_| more.to_string())]
async fn shown_async(value: impl Debug + Clone, more: &(impl Display + ?Sized)) -> String {
    tokio::task::yield_now().await;
    format!("{value:?}{more}")
}

#[circuit_breaker(name = "reported/callback", fallback = |_| 0)]
async fn calls_back<F: std::future::Future<Output = u32>>(call: impl FnOnce(u32) -> F) -> u32 {
    call(1).await
}

#[tokio::test]
async fn async_trait_177_impl_trait_arguments() {
    assert_eq!((shown(Some(1), &2), shown_async(1, "x").await), ("Some(1)2".to_owned(), "1x".to_owned()));
    open("reported/impl argument");
    assert_eq!(shown(Some(1), &2), "2Some(1)");
    assert_eq!(calls_back(async |number| number + 1).await, 2);
}

#[circuit_breaker(name = "reported/collisions", failure_if(__breaker if *__breaker > __permit), fallback = |__rejected| __out + __site)]
fn collides(__out: u32, __admission: u32, __site: u32) -> u32 {
    __out + __admission + __site
}

#[expect(non_upper_case_globals, reason = "only its name matters")]
const __permit: u32 = 90;

#[circuit_breaker(name = "reported/collisions, key", key = __circuit, call_timeout = "1h", fallback = |p| __again_order + p.name().len())]
async fn collides_async(__circuit: &str, __again_order: usize, order: usize) -> usize {
    __circuit.len() + __again_order + order
}

#[tokio::test]
async fn cached_114_230_argument_names_do_not_collide_with_generated_names() {
    assert_eq!((collides(1, 2, 3), collides_async("ab", 2, 3).await), (6, 7));
    open("reported/collisions");
    assert_eq!(collides(1, 2, 3), 4);
}
