//! Runs user code whose panic must not reach the caller.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `user_code` and returns its result, or `None` if it panics.
///
/// The payload of the panic is leaked, because dropping it could panic as well.
pub(crate) fn catch_panic<T>(user_code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(user_code)) {
        Ok(result) => Some(result),
        Err(payload) => {
            std::mem::forget(payload);
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
            std::panic::resume_unwind(Box::new("the payload is dropped"));
        }
    }

    #[test]
    fn a_panic_is_caught_although_its_payload_panics_when_it_is_dropped() {
        assert_eq!(catch_panic(|| 7), Some(7));
        assert_eq!(catch_panic(|| -> u8 { std::panic::resume_unwind(Box::new(PanicsOnDrop)) }), None);
    }
}
