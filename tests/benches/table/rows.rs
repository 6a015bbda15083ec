//! The rows: the same small function, called in every way.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, Registry, circuit_breaker};

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) run: fn(u64),
    /// The most instructions that a call of ours may take.
    pub(crate) budget: Option<u64>,
}

pub(crate) const ROWS: &[Row] = &[
    Row { name: "raw call of a function that is not inlined", run: raw, budget: None },
    Row { name: "closed, success: breaker", run: ours_closed, budget: Some(40) },
    Row { name: "closed, success, not inlined: breaker", run: ours_not_inlined, budget: Some(50) },
    Row { name: "closed, success: recloser", run: recloser_closed, budget: None },
    Row { name: "closed, success: failsafe", run: failsafe_closed, budget: None },
    Row { name: "raw async call, ready at once", run: raw_async, budget: None },
    Row { name: "closed, success, async: breaker", run: ours_async, budget: Some(40) },
    Row { name: "closed, success, async: breaker 2.0", run: peer_async, budget: None },
    Row { name: "closed, count window 100, full and clean: breaker", run: ours_count_clean, budget: None },
    Row { name: "closed, count window 100, failures in it: breaker", run: ours_count_dirty, budget: None },
    Row { name: "closed, count window 100: breaker 2.0", run: raw, budget: None },
    Row { name: "closed, time window: breaker", run: ours_time, budget: None },
    Row { name: "closed, timed: breaker", run: ours_timed, budget: None },
    Row { name: "closed, known key of 1000: breaker", run: ours_keyed, budget: None },
    Row { name: "closed, bulkhead: breaker", run: ours_bulkhead, budget: None },
    Row { name: "closed, 10 % failing: breaker", run: ours_failing, budget: None },
    Row { name: "open, rejected: breaker", run: ours_open, budget: Some(105) },
    Row { name: "open, rejected, as an error: breaker", run: ours_open_error, budget: None },
    Row { name: "open, rejected: recloser", run: recloser_open, budget: None },
    Row { name: "open, rejected: failsafe", run: failsafe_open, budget: None },
    Row { name: "open, rejected, async: breaker 2.0", run: peer_open, budget: None },
];

type Answer = Result<u64, Refused>;

/// An error of one byte, so that what is measured is the call and not the copying of errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

impl From<BreakerError> for Refused {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for a function that can fail")]
#[inline(never)]
fn work(number: u64) -> Answer {
    Ok(black_box(number).wrapping_mul(31) ^ 7)
}

async fn work_async(number: u64) -> Answer {
    std::future::ready(work(number)).await
}

fn repeat(calls: u64, mut call: impl FnMut(u64)) {
    for number in 0..calls {
        call(black_box(number));
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the function never waits"),
    }
}

fn raw(calls: u64) {
    repeat(calls, |number| _ = black_box(work(number)));
}

fn raw_async(calls: u64) {
    repeat(calls, |number| _ = black_box(ready(work_async(number))));
}

#[circuit_breaker(name = "closed")]
fn closed(number: u64) -> Answer {
    work(number)
}

fn ours_closed(calls: u64) {
    repeat(calls, |number| _ = black_box(closed(number)));
}

/// With several callers the compiler does not inline the function, and its frame costs as much again.
#[circuit_breaker(name = "closed, not inlined")]
#[inline(never)]
fn closed_not_inlined(number: u64) -> Answer {
    work(number)
}

fn ours_not_inlined(calls: u64) {
    repeat(calls, |number| _ = black_box(closed_not_inlined(number)));
}

#[circuit_breaker(name = "closed, async")]
async fn closed_async(number: u64) -> Answer {
    work(number)
}

fn ours_async(calls: u64) {
    repeat(calls, |number| _ = black_box(ready(closed_async(number))));
}

#[circuit_breaker(name = "open", recovery_timeout = "1d", fallback = |_| Ok(number))]
fn open(number: u64) -> Answer {
    work(number)
}

#[circuit_breaker(name = "open", recovery_timeout = "1d", fallback = other)]
fn open_with_path(number: u64) -> Answer {
    work(number)
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the function returns")]
fn other(number: u64) -> Answer {
    Ok(number)
}

fn hold_open() {
    _ = open_with_path(1);
    Registry::global().get("open").expect("it was just called").force_closed();
    let breaker = Registry::global().get("open").expect("it was just called");
    for _ in 0..5 {
        let permit = breaker.try_acquire().expect("it is closed");
        permit.settle(breaker_runtime::Outcome::Failure);
    }
}

fn ours_open(calls: u64) {
    static OPEN: OnceLock<()> = OnceLock::new();
    OPEN.get_or_init(hold_open);
    repeat(calls, |number| _ = black_box(open_with_path(number)));
}

fn ours_open_error(calls: u64) {
    static OPEN: OnceLock<()> = OnceLock::new();
    OPEN.get_or_init(hold_open);
    repeat(calls, |number| _ = black_box(open(number)));
}

macro_rules! settled {
    ($config:expr, $prepare:expr) => {{
        static BREAKER: OnceLock<CircuitBreaker> = OnceLock::new();
        BREAKER.get_or_init(|| {
            let breaker = CircuitBreaker::new("b", $config.build().unwrap()).unwrap();
            $prepare(&breaker);
            breaker
        })
    }};
}

fn ours_count_clean(calls: u64) {
    let breaker = settled!(Config::builder().window_calls(100).failure_rate(0.5), |_: &_| ());
    repeat(calls, |number| _ = black_box(breaker.call(|| work(number))));
}

fn ours_count_dirty(calls: u64) {
    let breaker =
        settled!(Config::builder().window_calls(1_000_000).failure_rate(0.5), |b: &CircuitBreaker| {
            b.try_acquire().unwrap().settle(breaker_runtime::Outcome::Failure);
        });
    repeat(calls, |number| _ = black_box(breaker.call(|| work(number))));
}

fn ours_time(calls: u64) {
    let breaker =
        settled!(Config::builder().window_time(Duration::from_secs(60)).failure_rate(0.5), |_: &_| ());
    repeat(calls, |number| _ = black_box(breaker.call(|| work(number))));
}

fn ours_timed(calls: u64) {
    let breaker = settled!(Config::builder().durations(true), |_: &_| ());
    repeat(calls, |number| _ = black_box(breaker.call(|| work(number))));
}

fn ours_bulkhead(calls: u64) {
    let breaker = settled!(Config::builder().max_concurrent(100), |_: &_| ());
    repeat(calls, |number| _ = black_box(breaker.call(|| work(number))));
}

fn ours_failing(calls: u64) {
    let breaker = settled!(Config::builder(), |_: &_| ());
    repeat(calls, |number| {
        _ = black_box(breaker.call(|| if number % 10 == 0 { Err(Refused) } else { work(number) }));
    });
}

fn ours_keyed(calls: u64) {
    static BREAKERS: OnceLock<breaker_runtime::KeyedBreaker> = OnceLock::new();
    let breakers = BREAKERS.get_or_init(|| {
        let breakers = Registry::new().register_keyed("k", Config::default(), 2000).unwrap();
        for n in 0..1000 {
            _ = breakers.get(&format!("host-{n}"));
        }
        breakers
    });
    repeat(calls, |number| _ = black_box(breakers.get("host-77").call(|| work(number))));
}

fn recloser() -> recloser::Recloser {
    recloser::Recloser::custom().closed_len(100).open_wait(Duration::from_secs(3600)).build()
}

fn recloser_closed(calls: u64) {
    static PEER: OnceLock<recloser::Recloser> = OnceLock::new();
    let peer = PEER.get_or_init(recloser);
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

fn recloser_open(calls: u64) {
    static PEER: OnceLock<recloser::Recloser> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = recloser();
        for _ in 0..=100 {
            _ = peer.call(|| Err::<u64, _>(()));
        }
        peer
    });
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

type Failsafe =
    failsafe::StateMachine<failsafe::failure_policy::ConsecutiveFailures<failsafe::backoff::Constant>, ()>;

fn failsafe() -> Failsafe {
    let hour = failsafe::backoff::constant(Duration::from_secs(3600));
    let policy = failsafe::failure_policy::consecutive_failures(5, hour);
    failsafe::Config::new().failure_policy(policy).build()
}

fn failsafe_closed(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<Failsafe> = OnceLock::new();
    let peer = PEER.get_or_init(failsafe);
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

fn failsafe_open(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<Failsafe> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = failsafe();
        for _ in 0..5 {
            _ = peer.call(|| Err::<u64, _>(()));
        }
        peer
    });
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

fn peer() -> peer_breaker::CircuitBreaker {
    peer_breaker::CircuitBreaker::new(peer_breaker::CircuitBreakerConfig::standard())
}

fn peer_async(calls: u64) {
    static PEER: OnceLock<peer_breaker::CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(peer);
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

fn peer_open(calls: u64) {
    static PEER: OnceLock<peer_breaker::CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = peer();
        peer.trip();
        peer
    });
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

/// What the attribute adds to a future, in bytes.
pub(crate) fn print_future_sizes() {
    println!(
        "\nfuture: raw {} bytes, with the attribute {} bytes",
        size_of_val(&work_async(1)),
        size_of_val(&closed_async(1))
    );
}
