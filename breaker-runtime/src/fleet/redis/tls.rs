//! The availability of TLS for connections (feature `redis-tls`).

#[cfg(feature = "redis-tls")]
use rustls::crypto::CryptoProvider;

/// `true` if the library was built with TLS.
pub(super) const IS_AVAILABLE: bool = cfg!(feature = "redis-tls");

/// Returns `true` if the process has chosen one of rustls' implementations of cryptography. Without a choice, the
/// client would panic if none or several are compiled in.
#[cfg(feature = "redis-tls")]
pub(super) fn has_provider() -> bool {
    CryptoProvider::get_default().is_some()
}

/// Returns `false`. An address that needs TLS was refused before.
#[cfg(not(feature = "redis-tls"))]
pub(super) const fn has_provider() -> bool {
    false
}
