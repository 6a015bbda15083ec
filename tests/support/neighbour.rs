//! Functions of another crate of the workspace, which nobody calls.

use breaker_runtime::{BreakerError, circuit_breaker};

/// Where the tests look for it.
pub const FILE: &str = file!();

/// Agrees with nobody: `tests/it/declared.rs` has this name too.
///
/// # Errors
///
/// None.
#[circuit_breaker(name = "declared/two crates", failure_threshold = 8)]
pub fn of_another_crate() -> Result<(), BreakerError> {
    Ok(())
}

/// Its module is not public, and nothing names it.
#[allow(dead_code, reason = "it is known all the same")]
mod hidden {
    use super::{BreakerError, circuit_breaker};

    #[circuit_breaker(key = tenant, max_keys = 12)]
    fn unnamed(tenant: u32) -> Result<(), BreakerError> {
        Ok(())
    }
}
