//! Commands over HTTP: their authorization and their execution.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::percent_decode;

use super::app_state::{AppState, KeyQuery};
use super::error::HttpError;
use super::json::CircuitJson;
use super::response::json;
use super::token::CommandToken;
use crate::breaker::Operator;
use crate::registry::RegistryEntry;

const OPERATOR: &str = "x-breaker-operator";
/// Maximum length of an operator's name, in bytes.
const MAX_OPERATOR: usize = 255;

#[derive(Clone, Copy)]
enum Command {
    ForceOpen,
    ForceClose,
    Disable,
    Release,
    Reset,
}

/// Runs a command on one circuit, or on every circuit of a breaker with keys, and returns the result as JSON.
pub(super) async fn run(
    State(app): State<Arc<AppState>>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<KeyQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let operator = authorize(app.token.as_ref(), &headers)?;
    let (Path((name, command)), Query(query)) = (path?, query?);
    let command = Command::parse(&command).ok_or(HttpError::UNKNOWN_COMMAND)?;
    let entry = app.registry_view.find(&name, query.key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    let RegistryEntry::Registered(breaker) = &entry else { return Err(HttpError::NEVER_CALLED) };
    for circuit in breaker.circuits() {
        command.run(&circuit.operator(operator.as_str()));
    }
    Ok(json(StatusCode::OK, &CircuitJson::complete(&app.registry_view.view(&entry))))
}

/// Returns the name of the operator, if the request carries a name and the token.
///
/// The header with the name is required first: a cross-site form cannot send it.
fn authorize(token: Option<&CommandToken>, headers: &HeaderMap) -> Result<String, HttpError> {
    let token = token.ok_or(HttpError::COMMANDS_DISABLED)?;
    let operator = headers.get(OPERATOR).ok_or(HttpError::OPERATOR_MISSING)?;
    if !headers.get(AUTHORIZATION).is_some_and(|value| token.permits(value.as_bytes())) {
        return Err(HttpError::INVALID_TOKEN);
    }
    let name = percent_decode(operator.as_bytes()).decode_utf8().map_err(|_| HttpError::INVALID_OPERATOR)?;
    let is_valid = (1..=MAX_OPERATOR).contains(&name.len()) && !name.contains(char::is_control);
    if is_valid { Ok(name.into_owned()) } else { Err(HttpError::INVALID_OPERATOR) }
}

impl Command {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "force-open" => Some(Self::ForceOpen),
            "force-close" => Some(Self::ForceClose),
            "disable" => Some(Self::Disable),
            "release" => Some(Self::Release),
            "reset" => Some(Self::Reset),
            _ => None,
        }
    }

    fn run(self, operator: &Operator<'_>) {
        match self {
            Self::ForceOpen => operator.force_open(),
            Self::ForceClose => operator.force_close(),
            Self::Disable => operator.disable(),
            Self::Release => operator.release(),
            Self::Reset => operator.reset(),
        }
    }
}
