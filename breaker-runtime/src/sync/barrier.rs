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
//! Proof that both threads agree on the kind of barrier: [`IS_ASYMMETRIC`] is set only after the process was registered,
//! and never cleared. A light barrier that finds it unset is a fence, which is correct with both heavy barriers. One
//! that finds it set relies on the system call, which every heavy barrier then makes, because [`IS_REGISTERED`] has
//! one value that all threads see.

#[cfg(not(breaker_loom))]
pub(crate) use imp::prepare;
pub(crate) use imp::{heavy, light};

#[cfg(all(target_os = "linux", not(breaker_loom), not(miri)))]
mod imp {
    use std::sync::atomic::{AtomicU32, Ordering, compiler_fence, fence};

    use once_cell::sync::Lazy;

    /// Commands of the system call.
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    /// 1 once a light barrier need not be a fence.
    static IS_ASYMMETRIC: AtomicU32 = AtomicU32::new(0);
    static IS_REGISTERED: Lazy<bool> = Lazy::new(|| membarrier(REGISTER_PRIVATE_EXPEDITED));

    /// Registers the process, so that light barriers cost nothing from now on.
    pub(crate) fn prepare() {
        if *IS_REGISTERED {
            IS_ASYMMETRIC.store(1, Ordering::Relaxed);
        }
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

    /// The barrier of rare work. Returns `false` if the system refuses the call; then it was no barrier.
    #[must_use]
    pub(crate) fn heavy() -> bool {
        if *IS_REGISTERED {
            return membarrier(PRIVATE_EXPEDITED);
        }
        fence(Ordering::SeqCst);
        true
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

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{heavy, light, prepare};

    #[test]
    fn one_of_two_threads_sees_the_store_of_the_other() {
        const ROUNDS: u32 = 20_000;
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
}
