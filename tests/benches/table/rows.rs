//! The rows: the same small function, called in every way.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use breaker_runtime::BreakerError;

pub(crate) use breaker::print_future_sizes;

use super::breaker;

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) run: fn(u64),
    pub(crate) whose: Whose,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Its instructions are held against the committed figure.
    Ours,
    /// The same, unless others watch: it is no call, so they do not see it.
    Compiler,
    /// A peer, or no breaker at all; or one of ours whose instructions chance decides: the hash of keys has
    /// another seed in each process.
    Others,
}

const fn ours(name: &'static str, run: fn(u64)) -> Row {
    Row { name, run, whose: Whose::Ours }
}

const fn other(name: &'static str, run: fn(u64)) -> Row {
    Row { name, run, whose: Whose::Others }
}

pub(crate) const ROWS: &[Row] = &[
    other("raw call of a function that is not inlined", raw),
    ours("closed, success: breaker", breaker::closed),
    ours("closed, success, not inlined: breaker", breaker::not_inlined),
    other("closed, success: recloser", recloser_closed),
    other("closed, success: failsafe", failsafe_closed),
    other("raw async call, ready at once", raw_async),
    ours("closed, success, async: breaker", breaker::asynchronous),
    other("closed, success, async: breaker 2.0", peer_async),
    ours("closed, count window 100, full and clean: breaker", breaker::count_window),
    ours("closed, count window, one of 64 failing: breaker", breaker::failing_count_window),
    other("closed, count window 100, async: breaker 2.0", peer_window),
    ours("closed, time window: breaker", breaker::time_window),
    other("closed, time window: failsafe", failsafe_time),
    ours("closed, timed: breaker", breaker::timed),
    other("two readings of Instant and the raw call", instant_twice),
    other("closed, known keys, 1000 in turn: breaker", breaker::keyed),
    ours("closed, max_concurrent: breaker", breaker::bounded),
    ours("closed, 10 % failing: breaker", breaker::failing),
    other("closed, 10 % failing: recloser", recloser_failing),
    other("closed, 10 % failing: failsafe", failsafe_failing),
    ours("open, rejected: breaker", breaker::open),
    ours("open, rejected, closure fallback: breaker", breaker::open_as_error),
    other("open, rejected: recloser", recloser_open),
    other("open, rejected: failsafe", failsafe_open),
    other("open, rejected, async: breaker 2.0", peer_open),
    Row {
        name: "a thousandth of the expansion of a function: breaker",
        run: breaker::expansion,
        whose: Whose::Compiler,
    },
];

pub(crate) type Answer = Result<u64, Refused>;

/// One of so many calls fails.
pub(crate) fn work_or_fail(of: u64, number: u64) -> Answer {
    if number.is_multiple_of(of) { Err(Refused) } else { work(number) }
}

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
pub(crate) fn work(number: u64) -> Answer {
    Ok(black_box(number).wrapping_mul(31) ^ 7)
}

pub(crate) async fn work_async(number: u64) -> Answer {
    std::future::ready(work(number)).await
}

pub(crate) fn repeat(calls: u64, mut call: impl FnMut(u64)) {
    for number in 0..calls {
        call(black_box(number));
    }
}

pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
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

fn instant_twice(calls: u64) {
    repeat(calls, |number| {
        let start = Instant::now();
        _ = black_box(work(number));
        black_box(start.elapsed());
    });
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

fn recloser_failing(calls: u64) {
    static PEER: OnceLock<recloser::Recloser> = OnceLock::new();
    let peer = PEER.get_or_init(recloser);
    repeat(calls, |number| _ = black_box(peer.call(|| work_or_fail(10, number))));
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

fn failsafe_failing(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<Failsafe> = OnceLock::new();
    let peer = PEER.get_or_init(failsafe);
    repeat(calls, |number| _ = black_box(peer.call(|| work_or_fail(10, number))));
}

type FailsafeOverTime = failsafe::StateMachine<
    failsafe::failure_policy::SuccessRateOverTimeWindow<failsafe::backoff::Constant>,
    (),
>;

fn failsafe_time(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<FailsafeOverTime> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let hour = failsafe::backoff::constant(Duration::from_secs(3600));
        let minute = Duration::from_secs(60);
        let policy = failsafe::failure_policy::success_rate_over_time_window(0.5, 10, minute, hour);
        failsafe::Config::new().failure_policy(policy).build()
    });
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

/// It has always a window; without one in name, of one call.
fn peer(window: u32) -> peer_breaker::CircuitBreaker {
    let config = peer_breaker::CircuitBreakerConfig::builder().consecutive_failures(5);
    peer_breaker::CircuitBreaker::new(config.sliding_window_size(window).build())
}

fn peer_async(calls: u64) {
    static PEER: OnceLock<peer_breaker::CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| peer(1));
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

fn peer_window(calls: u64) {
    static PEER: OnceLock<peer_breaker::CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| peer(100));
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

fn peer_open(calls: u64) {
    static PEER: OnceLock<peer_breaker::CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = peer(1);
        peer.trip();
        peer
    });
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}
