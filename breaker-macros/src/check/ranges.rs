//! The ranges of the settings: copies of those of the runtime, so that an out-of-range literal is reported at
//! the literal.
//!
//! Tests in `tests/it` and `tests/expansions` compare each copy with the runtime.

use std::time::Duration;

/// Maximum number of failures that a threshold counts.
pub(super) const MAX_FAILURES: u32 = 16_777_215;
/// Maximum number of concurrent trial calls.
pub(super) const MAX_TRIALS: u32 = 1024;
/// Maximum number of keyed circuits per function.
pub(super) const MAX_KEYS: u32 = 1_000_000;
/// Maximum length of a window, in calls.
pub(super) const MAX_WINDOW_CALLS: u32 = 1_000_000;
/// Maximum length of a name, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 255;
/// Default of `recovery_timeout`.
pub(super) const DEFAULT_RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);
