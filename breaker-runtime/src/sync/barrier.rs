//! Two memory barriers that order the memory accesses of two threads, although one of them usually costs nothing.
//!
//! Each thread stores something, passes a barrier, and loads what the other one stores. If one thread passes
//! [`light`] and the other one [`heavy`], at least one of them sees the store of the other. Calls pass the light
//! barrier, and the rare work that must know what calls do passes the heavy one.
//!
//! On Linux, the heavy barrier is the system call `membarrier`. It makes every running thread of the process execute a
//! full barrier at some point; a thread that does not run has executed one when it was suspended. If the light barrier
//! of a thread precedes that point, its earlier stores are visible after the heavy barrier. Otherwise its later loads
//! see the stores that precede the heavy barrier. So a light barrier only has to keep the compiler from moving memory
//! accesses across it. This is a guarantee of the kernel; the memory model of Rust does not describe it. Without that
//! system call, and under loom, both are sequentially consistent fences, which have a total order.
//!
//! Proof that both threads agree on the kind of barrier: [`IS_ASYMMETRIC`] is set once, after the process was
//! registered. A light barrier that finds it unset is a fence, which is correct with both heavy barriers. One that
//! finds it set relies on the system call, which every heavy barrier then makes, because [`IS_REGISTERED`] has one
//! value that all threads see.
//!
//! The system may refuse the call later, if the process then restricts its system calls. The first refusal clears
//! [`IS_ASYMMETRIC`] permanently. A light barrier that found it set may still be in progress then: its store may be in
//! the store buffer of its processor, where it stays for less than a microsecond while the thread runs, and which is
//! emptied when the thread is suspended. Heavy barriers fail until [`GRACE`] has passed, which is a million times
//! longer. Afterwards such stores are visible to all threads, and each new light barrier is a fence, like the heavy
//! one.
//!
//! This file also has the other function of the system that `holds.rs` needs, because both are `unsafe`.

pub(crate) use imp::{heavy, light};
#[cfg(not(breaker_loom))]
pub(crate) use imp::{prepare, run_after_fork};

#[cfg(all(target_os = "linux", not(breaker_loom), not(miri)))]
#[expect(
    clippy::disallowed_types,
    reason = "the time since a refusal has nothing to do with the time of breakers"
)]
mod imp {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering, compiler_fence, fence};
    use std::time::{Duration, Instant};

    use once_cell::sync::Lazy;

    /// Commands of the system call.
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    /// The time from the first refusal until heavy barriers are fences.
    pub(super) const GRACE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 1000 });

    /// 1 while a light barrier need not be a fence.
    static IS_ASYMMETRIC: AtomicU32 = AtomicU32::new(0);
    static IS_REGISTERED: Lazy<bool> = Lazy::new(|| {
        let is_registered = membarrier(REGISTER_PRIVATE_EXPEDITED);
        IS_ASYMMETRIC.store(u32::from(is_registered), Ordering::Relaxed);
        is_registered
    });
    /// The time at which the system first refused the call although the process was registered.
    static REFUSED: OnceLock<Instant> = OnceLock::new();

    /// Registers the process, so that light barriers cost nothing from now on.
    pub(crate) fn prepare() {
        Lazy::force(&IS_REGISTERED);
    }

    /// The barrier of calls.
    #[inline]
    pub(crate) fn light() {
        if IS_ASYMMETRIC.load(Ordering::Relaxed) == 0 {
            fence(Ordering::SeqCst);
        } else {
            compiler_fence(Ordering::SeqCst);
        }
    }

    /// The barrier of rare work. Returns `false` for a moment after the system has refused the call for the first time;
    /// then it was no barrier.
    #[must_use]
    pub(crate) fn heavy() -> bool {
        let is_fence = !*IS_REGISTERED || REFUSED.get().is_some();
        if !is_fence && (membarrier(PRIVATE_EXPEDITED) || renew()) {
            return true;
        }
        let refused = (*IS_REGISTERED).then(|| {
            REFUSED.get_or_init(|| {
                IS_ASYMMETRIC.store(0, Ordering::SeqCst);
                Instant::now()
            })
        });
        fence(Ordering::SeqCst);
        refused.is_none_or(|refused| refused.elapsed() >= GRACE)
    }

    /// Registers the process again, because a process that is restored from an image may have lost its registration.
    /// Returns `true` if the barrier succeeds then.
    #[cold]
    fn renew() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)
    }

    /// Makes the only thread of each process that is forked from this one run `handler` first.
    #[expect(unsafe_code, reason = "std has no such function")]
    pub(crate) fn run_after_fork(handler: extern "C" fn()) {
        // SAFETY: the function only stores the address of the handler, which stays valid.
        _ = unsafe { libc::pthread_atfork(None, None, Some(handler)) };
    }

    #[expect(unsafe_code, reason = "std has no such function")]
    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: the system call takes three integers, and accesses no memory of the process.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

#[cfg(not(all(target_os = "linux", not(breaker_loom), not(miri))))]
mod imp {
    use crate::sync::{Ordering, fence};

    /// Does nothing, because both barriers are fences.
    #[cfg(not(breaker_loom))]
    pub(crate) const fn prepare() {}

    /// Does nothing.
    #[cfg(not(breaker_loom))]
    pub(crate) const fn run_after_fork(_: extern "C" fn()) {}

    /// The barrier of calls.
    #[inline]
    pub(crate) fn light() {
        fence(Ordering::SeqCst);
    }

    /// The barrier of rare work. Always returns `true`.
    #[must_use]
    pub(crate) fn heavy() -> bool {
        fence(Ordering::SeqCst);
        true
    }
}

/// Runs `test` in a process that is forked from this one, and returns its result. No other thread may hold a lock.
#[cfg(all(test, target_os = "linux", not(breaker_loom), not(miri)))]
#[expect(unsafe_code, reason = "std has no such functions")]
pub(crate) fn is_true_after_fork(test: impl FnOnce() -> bool) -> bool {
    // SAFETY: no lock that the child needs is held.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_wrong = !test();
        // SAFETY: the process has nothing left to do.
        unsafe { libc::_exit(is_wrong.into()) };
    }
    let mut status = -1;
    // SAFETY: the status is valid during the call.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    status == 0
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{heavy, light, prepare};
    #[cfg(all(target_os = "linux", not(miri)))]
    use crate::sync::own_process;

    #[test]
    fn one_of_two_threads_sees_the_store_of_the_other() {
        const ROUNDS: u32 = if cfg!(miri) { 50 } else { 20_000 };
        prepare();
        let [of_call, of_eviction] = [(); 2].map(|()| AtomicU32::new(0));
        let (start, end) = (Barrier::new(2), Barrier::new(2));
        let missed = std::thread::scope(|scope| {
            let call = scope.spawn(|| {
                (1..=ROUNDS)
                    .map(|round| {
                        start.wait();
                        of_call.store(round, Ordering::Relaxed);
                        light();
                        let seen = of_eviction.load(Ordering::Relaxed);
                        end.wait();
                        seen == round
                    })
                    .collect::<Vec<_>>()
            });
            let eviction: Vec<_> = (1..=ROUNDS)
                .map(|round| {
                    start.wait();
                    of_eviction.store(round, Ordering::Relaxed);
                    assert!(heavy());
                    let seen = of_call.load(Ordering::Relaxed);
                    end.wait();
                    seen == round
                })
                .collect();
            let call = call.join().expect("the thread does not panic");
            call.into_iter().zip(eviction).filter(|(one, other)| !one && !other).count()
        });
        assert_eq!(missed, 0);
    }

    /// Makes the system refuse `membarrier` on this thread. Returns `false` if the system does not support that.
    #[cfg(all(target_os = "linux", not(miri)))]
    #[expect(unsafe_code, reason = "std has no such function")]
    fn refuse_membarrier() -> bool {
        let statement = |code: u32, skipped_if_different, value| libc::sock_filter {
            code: u16::try_from(code).unwrap_or_default(),
            jt: 0,
            jf: skipped_if_different,
            k: value,
        };
        let number = u32::try_from(libc::SYS_membarrier).unwrap_or_default();
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
        let mut filter = [
            statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, number),
            statement(libc::BPF_RET | libc::BPF_K, 0, refused),
            statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
        // SAFETY: the program and its filter are valid during the calls, which copy them.
        unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn barriers_are_fences_soon_after_the_system_call_is_refused() {
        own_process::run(
            "sync::barrier::tests::barriers_are_fences_soon_after_the_system_call_is_refused",
            || {
                prepare();
                assert!(heavy());
                let is_refused = refuse_membarrier();
                assert!(!is_refused || !heavy());
                // Takes 50 ms, or several seconds if the barrier never succeeds again.
                assert!((0..20_000_000).any(|_| {
                    std::thread::yield_now();
                    heavy()
                }));
                assert!(heavy());
            },
        );
    }
}
