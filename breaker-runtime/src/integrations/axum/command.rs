//! Commands over HTTP: their authorization and their execution, on one breaker or on all of them, in this process or in
//! all processes of a fleet.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::app_state::AppState;
use super::bearer::BearerToken;
use super::error::HttpError;
use super::json::{self, CircuitJson};
use super::query::{CommandQuery, CommandScope, NoQuery, Query, decode};
use super::registry_commands::CommandTargets;
use super::request::{Input, PathValues};
use super::response::{encode, json};
use super::view::cost_of;
use crate::breaker::CircuitBreaker;
use crate::config::Config;
use crate::integrations::fleet_json;
use crate::integrations::fleet_order::{FleetAction, FleetOrder};
use crate::printable::{has_glyph, is_hidden};
use crate::registry::{AnyBreaker, RegistryEntry, Uncalled};
use crate::state::Cause;

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

/// A command for one breaker: who runs it, the name of the breaker, and the query string.
pub(super) struct CommandRequest<Q> {
    pub(super) operator: String,
    pub(super) name: String,
    pub(super) query: Q,
}

impl<Q: Query> CommandRequest<Q> {
    /// Checks the token before anything else of the request.
    pub(super) async fn read(
        app: &AppState,
        path: Result<PathValues<1>, HttpError>,
        request: Request,
    ) -> Result<Self, HttpError> {
        let operator = authorize(app.tokens.commands.as_ref(), request.headers())?;
        let PathValues([name]) = path?;
        let Input(query) = Input::from_request(request, &()).await?;
        Ok(Self { operator, name, query })
    }
}

/// Runs a command on one circuit, or on every circuit of a breaker with keys, and returns the result as JSON.
pub(super) async fn run(
    State(app): State<Arc<AppState>>,
    path: Result<PathValues<2>, HttpError>,
    request: Request,
) -> Result<Response, HttpError> {
    let operator = authorize(app.tokens.commands.as_ref(), request.headers())?;
    let PathValues([name, command]) = path?;
    let Input(CommandQuery { key, scope, why }) = Input::from_request(request, &()).await?;
    let command = Command::parse(&command).ok_or(HttpError::UNKNOWN_COMMAND)?;
    match scope {
        CommandScope::Process if why.is_some() => Err(HttpError::WHY_WITHOUT_FLEET),
        CommandScope::Process => {
            let entry = app.registry_view.find(&name, key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
            let breaker = commanded(&app, entry)?;
            let entry = RegistryEntry::Registered(breaker.clone());
            let run = move |circuit: &CircuitBreaker| circuit.command_unannounced(command.cause(), &operator);
            app.commands.run(CommandTargets::Breaker(breaker), run).await?;
            respond(&app, entry).await
        }
        CommandScope::Fleet => {
            let action = command.for_fleet().ok_or(HttpError::RESET_OF_FLEET)?;
            let why = why.unwrap_or_default();
            run_on_fleet(&app, FleetOrder { action, circuit: name, key, by: operator, why }).await
        }
    }
}

/// Runs a command on the circuit of all processes of the fleet, and returns the circuit of this process as JSON. The
/// key need not be in use in this process.
async fn run_on_fleet(app: &AppState, order: FleetOrder) -> Result<Response, HttpError> {
    let entry = app.registry_view.find(&order.circuit, None).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    let registry = app.registry_view.registry();
    let key = order.key.as_deref();
    let config = match &entry {
        RegistryEntry::Registered(AnyBreaker::Single(breaker)) => key.is_none().then(|| breaker.config()),
        RegistryEntry::Registered(AnyBreaker::Keyed(breaker)) => key.map(|key| breaker.config_of(key)),
        RegistryEntry::Declared(uncalled) if uncalled.declaration.max_keys().is_some() => {
            key.map(|key| registry.store().config_of_key(uncalled.declaration, key))
        }
        RegistryEntry::Declared(uncalled) => key.is_none().then(|| Config::clone(&uncalled.settings)),
    };
    let config = config.ok_or(HttpError::KEY_REQUIRED)?;
    if !config.shared().is_shared() {
        return Err(HttpError::NOT_SHARED);
    }
    let of_key = order.key.clone().and_then(|key| app.registry_view.find(&order.circuit, Some(&key)));
    fleet_json::run(registry, order).await.map_err(HttpError::refused_by_fleet)?;
    app.commands.record();
    respond(app, of_key.unwrap_or(entry)).await
}

/// Returns the circuit after a command.
pub(super) async fn respond(app: &AppState, entry: RegistryEntry) -> Result<Response, HttpError> {
    let view = Arc::clone(&app.registry_view);
    let cost = cost_of(&entry);
    let read = move || encode(&CircuitJson::complete(&view.view(&entry, &view.fleet())));
    Ok(json(StatusCode::OK, app.reader.run(cost, read).await?))
}

/// Runs a command on every circuit of the registry, and returns all of them as JSON.
pub(super) async fn run_on_registry(
    State(app): State<Arc<AppState>>,
    command: Result<PathValues<1>, HttpError>,
    request: Request,
) -> Result<Response, HttpError> {
    let operator = authorize(app.tokens.commands.as_ref(), request.headers())?;
    let PathValues([command]) = command?;
    let Input(NoQuery) = Input::from_request(request, &()).await?;
    let command = Command::parse(&command).ok_or(HttpError::UNKNOWN_COMMAND)?;
    let registry = app.registry_view.registry().clone();
    let targets = match command {
        Command::ForceOpen | Command::Disable => CommandTargets::All(registry),
        // A function that has never been called is closed already.
        Command::ForceClose | Command::Release | Command::Reset => CommandTargets::Existing(registry),
    };
    let run = move |circuit: &CircuitBreaker| circuit.command_unannounced(command.cause(), &operator);
    app.commands.run(targets, run).await?;
    Ok(json(StatusCode::OK, app.read_all(&app.circuits, json::all_circuits).await?))
}

/// Returns the breaker of an entry. Registers that of a function that has never been called.
///
/// # Errors
///
/// Returns an error if the breaker has keys and no circuit, because the command would have no effect.
fn commanded(app: &AppState, entry: RegistryEntry) -> Result<AnyBreaker, HttpError> {
    let breaker = match entry {
        RegistryEntry::Declared(uncalled) if uncalled.declaration.max_keys().is_some() => {
            return Err(HttpError::NO_CIRCUIT);
        }
        RegistryEntry::Declared(Uncalled { declaration, .. }) => {
            app.registry_view.registry().store().register_function(declaration).breaker
        }
        RegistryEntry::Registered(breaker) => breaker,
    };
    match &breaker {
        AnyBreaker::Keyed(keyed) if keyed.is_empty() && keyed.iter().next().is_none() => {
            Err(HttpError::NO_CIRCUIT)
        }
        AnyBreaker::Keyed(_) | AnyBreaker::Single(_) => Ok(breaker),
    }
}

/// Returns the name of the operator, if the request carries the token and a name.
///
/// The token is required first, so that the error of a request without both headers names the token. A cross-site
/// form can send neither.
pub(super) fn authorize(token: Option<&BearerToken>, headers: &HeaderMap) -> Result<String, HttpError> {
    let token = token.ok_or(HttpError::COMMANDS_DISABLED)?;
    if !token.permits(headers) {
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

    /// Returns the same for all processes of a fleet, if there is such a command.
    const fn for_fleet(self) -> Option<FleetAction> {
        match self {
            Self::ForceOpen => Some(FleetAction::ForceOpen),
            Self::ForceClose => Some(FleetAction::ForceClose),
            Self::Disable => Some(FleetAction::Disable),
            Self::Release => Some(FleetAction::Release),
            Self::Reset => None,
        }
    }

    const fn cause(self) -> Cause {
        match self {
            Self::ForceOpen => Cause::ForcedOpen,
            Self::ForceClose => Cause::ForcedClosed,
            Self::Disable => Cause::Disabled,
            Self::Release => Cause::Released,
            Self::Reset => Cause::Reset,
        }
    }
}
