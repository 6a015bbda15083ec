//! The rows of crates that protect sync functions.

use std::hint::black_box;
use std::sync::OnceLock;

use recloser::Recloser;

use super::peers::{self, Failsafe, FailsafeInTime};
use super::work::{repeat, work, work_or_fail};

pub(crate) fn recloser_closed(calls: u64) {
    static PEER: OnceLock<Recloser> = OnceLock::new();
    let peer = PEER.get_or_init(peers::recloser);
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

pub(crate) fn recloser_failing(calls: u64) {
    static PEER: OnceLock<Recloser> = OnceLock::new();
    let peer = PEER.get_or_init(peers::recloser);
    repeat(calls, |number| _ = black_box(peer.call(|| work_or_fail(10, number))));
}

pub(crate) fn recloser_open(calls: u64) {
    static PEER: OnceLock<Recloser> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = peers::recloser();
        for _ in 0..=100 {
            _ = peer.call(|| Err::<u64, _>(()));
        }
        peer
    });
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

pub(crate) fn failsafe_closed(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<Failsafe> = OnceLock::new();
    let peer = PEER.get_or_init(peers::failsafe);
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

pub(crate) fn failsafe_failing(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<Failsafe> = OnceLock::new();
    let peer = PEER.get_or_init(peers::failsafe);
    repeat(calls, |number| _ = black_box(peer.call(|| work_or_fail(10, number))));
}

pub(crate) fn failsafe_time(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<FailsafeInTime> = OnceLock::new();
    let peer = PEER.get_or_init(peers::failsafe_in_time);
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}

pub(crate) fn failsafe_open(calls: u64) {
    use failsafe::CircuitBreaker as _;
    static PEER: OnceLock<Failsafe> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = peers::failsafe();
        for _ in 0..5 {
            _ = peer.call(|| Err::<u64, _>(()));
        }
        peer
    });
    repeat(calls, |number| _ = black_box(peer.call(|| work(number))));
}
