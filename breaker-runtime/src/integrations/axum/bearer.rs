//! The tokens that permit commands and reading, and the check of requests.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::HttpError;

/// The hash of a token. Hashes have one length and are compared in constant time, so the time of a
/// comparison reveals nothing about the token.
pub(super) struct BearerToken([u8; 32]);

/// The tokens of a dashboard.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) reading: ReadAccess,
    /// The token for commands; `None` disables them. It permits reading too.
    pub(super) commands: Option<BearerToken>,
}

/// The clients that may read circuits.
#[derive(Debug)]
pub(super) enum ReadAccess {
    /// All clients, because no token for reading was set.
    AnyClient,
    /// Clients that present the token for reading or the token for commands.
    WithToken(BearerToken),
    /// No client, because the token for reading is empty.
    NoClient,
}

impl BearerToken {
    /// Returns `None` for an empty token, which anyone could guess.
    pub(super) fn new(token: &str) -> Option<Self> {
        let token = token.trim_ascii();
        (!token.is_empty()).then(|| Self(Sha256::digest(token).into()))
    }

    /// Returns `true` if the request carries exactly one header `Authorization`, with the value `Bearer <token>`.
    pub(super) fn permits(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|presented| {
            let presented: [u8; 32] = Sha256::digest(presented).into();
            self.0.ct_eq(&presented).into()
        })
    }
}

impl ReadAccess {
    /// Returns the access of clients with this token. An empty token permits no client, so that a missing
    /// environment variable does not publish the circuits.
    pub(super) fn with_token(token: &str) -> Self {
        BearerToken::new(token).map_or(Self::NoClient, Self::WithToken)
    }
}

impl Tokens {
    /// Checks that the client may read circuits.
    ///
    /// # Errors
    ///
    /// Returns an error without any data of the circuits if it may not.
    fn check_reading(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        match &self.reading {
            ReadAccess::AnyClient => Ok(()),
            ReadAccess::WithToken(token) => {
                // Both are always compared.
                let permits_commands = self.commands.as_ref().is_some_and(|token| token.permits(headers));
                if token.permits(headers) | permits_commands { Ok(()) } else { Err(HttpError::INVALID_TOKEN) }
            }
            ReadAccess::NoClient => Err(HttpError::READING_DISABLED),
        }
    }
}

/// Answers a request for circuits with an error unless the client may read them.
pub(super) async fn require_read_access(
    State(tokens): State<Arc<Tokens>>,
    request: Request,
    next: Next,
) -> Result<Response, HttpError> {
    tokens.check_reading(request.headers())?;
    Ok(next.run(request).await)
}

/// Returns the token in the only header `Authorization: Bearer <token>`. The case of the scheme does not matter.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BearerToken(..)")
    }
}
