//! The token that permits commands.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The hash of the token. Hashes have one length and are compared in constant time, so the time of a
/// comparison reveals nothing about the token.
pub(super) struct CommandToken([u8; 32]);

impl CommandToken {
    /// Returns `None` for an empty token, which anyone could guess.
    pub(super) fn new(token: &str) -> Option<Self> {
        let token = token.trim_ascii();
        (!token.is_empty()).then(|| Self(Sha256::digest(token).into()))
    }

    /// Returns `true` if the value of an `Authorization` header is `Bearer <token>`.
    pub(super) fn permits(&self, authorization: &[u8]) -> bool {
        bearer(authorization).is_some_and(|presented| {
            let presented: [u8; 32] = Sha256::digest(presented).into();
            self.0.ct_eq(&presented).into()
        })
    }
}

/// Returns the token in `Bearer <token>`. The case of the scheme does not matter.
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

impl fmt::Debug for CommandToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CommandToken(..)")
    }
}
