//! Protected functions of another crate of the workspace. No test calls them: `tests/it/declarations.rs` checks
//! that they are declared nevertheless.

use breaker_runtime::{BreakerError, circuit_breaker};

/// Path of this file.
pub const FILE: &str = file!();

/// Shares its name with a function in `tests/it/declarations.rs` that has other settings.
///
/// # Errors
///
/// Returns no error.
#[circuit_breaker(name = "declared/two crates", failure_threshold = 8)]
pub fn of_another_crate() -> Result<(), BreakerError> {
    Ok(())
}

/// A private module that no code refers to.
#[allow(dead_code, reason = "the function is declared even if it is unused")]
mod hidden {
    use super::{BreakerError, circuit_breaker};

    #[circuit_breaker(key = tenant, max_keys = 12)]
    fn unnamed(tenant: u32) -> Result<(), BreakerError> {
        Ok(())
    }
}
