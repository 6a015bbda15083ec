//! Commands over HTTP: their authorization and their execution.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::app_state::AppState;
use super::error::HttpError;
use super::json::CircuitJson;
use super::query::{KeyQuery, decode};
use super::request::Input;
use super::response::{encode, json};
use super::token::CommandToken;
use super::view::cost_of;
use crate::breaker::Operator;
use crate::printable::{has_glyph, is_hidden};
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
    request: Request,
) -> Result<Response, HttpError> {
    let operator = authorize(app.token.as_ref(), request.headers())?;
    let Path((name, command)) = path?;
    let Input(KeyQuery { key }) = Input::from_request(request, &()).await?;
    let command = Command::parse(&command).ok_or(HttpError::UNKNOWN_COMMAND)?;
    let entry = app.registry_view.find(&name, key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    if let RegistryEntry::Declared(_) = entry {
        return Err(HttpError::NEVER_CALLED);
    }
    let cost = cost_of(&entry);
    let state = Arc::clone(&app);
    let commanded = entry.clone();
    app.reader.run_command(cost, move || command.run_on_all(&commanded, &operator)).await?;
    let read = move || encode(&CircuitJson::complete(&state.registry_view.view(&entry)));
    Ok(json(StatusCode::OK, app.reader.run(cost, read).await?))
}

/// Returns the name of the operator, if the request carries the token and a name.
///
/// The token is required first, so that the error of a request without both headers names the token. A cross-site
/// form can send neither.
fn authorize(token: Option<&CommandToken>, headers: &HeaderMap) -> Result<String, HttpError> {
    let token = token.ok_or(HttpError::COMMANDS_DISABLED)?;
    let mut tokens = headers.get_all(AUTHORIZATION).into_iter();
    let is_permitted = tokens.next().is_some_and(|value| token.permits(value.as_bytes()));
    if !is_permitted || tokens.next().is_some() {
        return Err(HttpError::INVALID_TOKEN);
    }
    let mut operators = headers.get_all(OPERATOR).into_iter();
    let operator = operators.next().ok_or(HttpError::OPERATOR_MISSING)?;
    if operators.next().is_some() {
        return Err(HttpError::REPEATED_OPERATOR);
    }
    let name = str::from_utf8(operator.as_bytes()).ok().and_then(decode);
    name.filter(|name| is_valid_operator(name)).ok_or(HttpError::INVALID_OPERATOR)
}

/// Returns `true` if the name is of a legal length, contains no hidden character, and at least one with a glyph.
fn is_valid_operator(name: &str) -> bool {
    name.len() <= MAX_OPERATOR && name.contains(has_glyph) && !name.contains(is_hidden)
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

    /// Runs the command on the circuit, or on each circuit of a breaker with keys.
    fn run_on_all(self, entry: &RegistryEntry, operator: &str) {
        match entry {
            RegistryEntry::Registered(breaker) => {
                breaker.circuits().iter().for_each(|circuit| self.run(&circuit.operator(operator)));
            }
            RegistryEntry::Declared(_) => {}
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
