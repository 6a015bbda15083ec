//! Whether connections can use TLS (feature `redis-tls`).

use super::error::{Failure, Remedy};
use crate::fleet::store::StoreErrorKind;

/// `true` if the library was built with TLS.
pub(super) const IS_AVAILABLE: bool = cfg!(feature = "redis-tls");

/// Checks that the process has chosen one of rustls' implementations of cryptography. Without a choice, the client would
/// panic if none or several are compiled in.
pub(super) fn check_provider() -> Result<(), Failure> {
    if has_provider() {
        return Ok(());
    }
    Err(Failure::new(
        StoreErrorKind::Tls,
        Remedy::Reconnect,
        "this process has not chosen a crypto provider for TLS: add `rustls` to its dependencies, and call \
         `rustls::crypto::ring::default_provider().install_default()` at the start of `main`",
    ))
}

#[cfg(feature = "redis-tls")]
fn has_provider() -> bool {
    rustls::crypto::CryptoProvider::get_default().is_some()
}

/// Without the feature, an address that needs TLS was refused before.
#[cfg(not(feature = "redis-tls"))]
const fn has_provider() -> bool {
    false
}
