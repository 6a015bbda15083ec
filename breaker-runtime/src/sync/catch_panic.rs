//! Runs user code whose panic must not reach the caller.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `user_code` and returns its result, or `None` if it panics.
///
/// The payload of the panic is dropped. If that panics as well, the payload of the second panic is leaked, because
/// dropping it could panic without end.
pub(crate) fn catch_panic<T>(user_code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(user_code)) {
        Ok(result) => Some(result),
        Err(payload) => {
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            None
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "the tests are about panics")]
mod tests {
    use super::*;

    struct PanicsOnDrop;

    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(PanicsOnDrop));
        }
    }

    #[test]
    fn the_payload_of_a_caught_panic_is_dropped() {
        let payload = std::sync::Arc::new(());
        let thrown = std::sync::Arc::clone(&payload);
        assert_eq!(catch_panic(|| -> u8 { std::panic::resume_unwind(Box::new(thrown)) }), None);
        assert_eq!(std::sync::Arc::strong_count(&payload), 1);
    }

    #[test]
    fn a_panic_is_caught_although_its_payload_panics_when_it_is_dropped() {
        assert_eq!(catch_panic(|| 7), Some(7));
        assert_eq!(catch_panic(|| -> u8 { std::panic::resume_unwind(Box::new(PanicsOnDrop)) }), None);
    }
}
