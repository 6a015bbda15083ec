//! The rows of the table. Each calls one small function in a different way.

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
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call whose instructions are checked.
    Call,
    /// Work at compile time, which is checked only without observers.
    Expansion,
    /// A call without a breaker or through another crate, or one with a key, whose hash is seeded per process.
    Unchecked,
}

const fn checked(name: &'static str, run: fn(u64)) -> Row {
    Row { name, run, kind: Kind::Call }
}

const fn unchecked(name: &'static str, run: fn(u64)) -> Row {
    Row { name, run, kind: Kind::Unchecked }
}

pub(crate) const ROWS: &[Row] = &[
    unchecked("raw call of a function that is not inlined", raw),
    checked("closed, success: breaker", breaker::closed),
    checked("closed, success, not inlined: breaker", breaker::not_inlined),
    unchecked("closed, success: recloser", recloser_closed),
    unchecked("closed, success: failsafe", failsafe_closed),
    unchecked("raw async call, ready at once", raw_async),
    checked("closed, success, async: breaker", breaker::asynchronous),
    unchecked("closed, success, async: breaker 2.0", peer_async),
    checked("closed, count window 100, full and clean: breaker", breaker::count_window),
    checked("closed, count window, one of 64 failing: breaker", breaker::failing_count_window),
    unchecked("closed, count window 100, async: breaker 2.0", peer_window),
    checked("closed, time window: breaker", breaker::time_window),
    unchecked("closed, time window: failsafe", failsafe_time),
    checked("closed, timed: breaker", breaker::timed),
    unchecked("two readings of Instant and the raw call", instant_twice),
    unchecked("closed, known keys, 1000 in turn: breaker", breaker::keyed),
    checked("closed, max_concurrent: breaker", breaker::bounded),
    checked("closed, 10 % failing: breaker", breaker::failing),
    unchecked("closed, 10 % failing: recloser", recloser_failing),
    unchecked("closed, 10 % failing: failsafe", failsafe_failing),
    checked("open, rejected: breaker", breaker::open),
    checked("open, rejected, closure fallback: breaker", breaker::open_as_error),
    unchecked("open, rejected: recloser", recloser_open),
    unchecked("open, rejected: failsafe", failsafe_open),
    unchecked("open, rejected, async: breaker 2.0", peer_open),
    Row {
        name: "expansion of a function, in thousands: breaker",
        run: breaker::expansion,
        kind: Kind::Expansion,
    },
];

pub(crate) type WorkResult = Result<u64, WorkFailed>;

/// Fails if `number` is a multiple of `period`.
pub(crate) fn work_or_fail(period: u64, number: u64) -> WorkResult {
    if number.is_multiple_of(period) { Err(WorkFailed) } else { work(number) }
}

/// An error without content, so that copying it costs nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkFailed;

impl From<BreakerError> for WorkFailed {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it represents a function that can fail")]
#[inline(never)]
pub(crate) fn work(number: u64) -> WorkResult {
    Ok(black_box(number).wrapping_mul(31) ^ 7)
}

pub(crate) async fn work_async(number: u64) -> WorkResult {
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
        Poll::Pending => unreachable!("the function is ready at the first poll"),
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

/// Returns the breaker of the crate `breaker`, which always has a window.
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
