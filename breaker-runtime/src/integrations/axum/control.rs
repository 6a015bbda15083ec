//! Commands by HTTP: who may give them, and to whom they go.

use std::fmt;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::percent_decode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::{Refusal, json};
use super::shape::News;
use super::{Panel, Which, look};
use crate::breaker::Operator;

const OPERATOR: &str = "x-breaker-operator";
const LONGEST_OPERATOR: usize = 255;

/// What those must know who command. Kept as its hash, so that how long a comparison takes tells not even
/// how long the token is.
pub(super) struct Token([u8; 32]);

#[derive(Clone, Copy)]
enum Order {
    ForceOpen,
    ForceClosed,
    Disable,
    Release,
    Reset,
}

pub(super) async fn obey(
    State(panel): State<Arc<Panel>>,
    address: Result<Path<(String, String)>, PathRejection>,
    which: Result<Query<Which>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let operator = authorize(panel.token.as_ref(), &headers)?;
    let (Path((name, order)), Query(which)) = (address?, which?);
    let order = Order::named(&order).ok_or(Refusal::ORDER)?;
    let watched = look::find(&panel.registry, &name, which.key.as_deref()).ok_or(Refusal::CIRCUIT)?;
    for circuit in watched.circuits().ok_or(Refusal::UNCALLED)? {
        order.give(&circuit.operator(operator.as_str()));
    }
    Ok(json(StatusCode::OK, &News::whole(&watched.look(&panel.log))))
}

/// Who commands, if he may.
fn authorize(token: Option<&Token>, headers: &HeaderMap) -> Result<String, Refusal> {
    let token = token.ok_or(Refusal::CONTROLS)?;
    let operator = headers.get(OPERATOR).ok_or(Refusal::SITE)?;
    let presented = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
    if !presented.is_some_and(|presented| token.is(presented)) {
        return Err(Refusal::TOKEN);
    }
    let name = percent_decode(operator.as_bytes()).decode_utf8().map_err(|_| Refusal::OPERATOR)?;
    let is_name = (1..=LONGEST_OPERATOR).contains(&name.len()) && !name.contains(char::is_control);
    if is_name { Ok(name.into_owned()) } else { Err(Refusal::OPERATOR) }
}

/// The token in `Bearer token`; the scheme may be written in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

impl Token {
    /// None of an empty one, which everybody knows.
    pub(super) fn new(token: &str) -> Option<Self> {
        let token = token.trim_ascii();
        (!token.is_empty()).then(|| Self(Sha256::digest(token).into()))
    }

    fn is(&self, presented: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        self.0.ct_eq(&presented).into()
    }
}

impl Order {
    fn named(name: &str) -> Option<Self> {
        match name {
            "force-open" => Some(Self::ForceOpen),
            "force-close" => Some(Self::ForceClosed),
            "disable" => Some(Self::Disable),
            "release" => Some(Self::Release),
            "reset" => Some(Self::Reset),
            _ => None,
        }
    }

    fn give(self, operator: &Operator<'_>) {
        match self {
            Self::ForceOpen => operator.force_open(),
            Self::ForceClosed => operator.force_close(),
            Self::Disable => operator.disable(),
            Self::Release => operator.release(),
            Self::Reset => operator.reset(),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}
