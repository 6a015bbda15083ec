//! The commands that start and stop drills over HTTP.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::announcements::CommandEffects;
use super::app_state::AppState;
use super::cache::MAX_UNCACHED_COST;
use super::command::{CommandRequest, respond};
use super::error::HttpError;
use super::query::{DrillQuery, KeyQuery};
use super::registry_commands::CommandSubject;
use super::request::PathValues;
use super::view::cost_of;
use crate::event::Announcement;
use crate::integrations::drill_order::{DrillOrder, DrillRefusal};
use crate::integrations::drills;
use crate::registry::Registry;

/// Starts a drill on one circuit, or on all circuits of a breaker with keys, and returns the result as JSON.
pub(super) async fn start(
    State(app): State<Arc<AppState>>,
    path: Result<PathValues<1>, HttpError>,
    request: Request,
) -> Result<Response, HttpError> {
    let CommandRequest { operator, name, query } = CommandRequest::read(&app, path, request).await?;
    let DrillQuery { key, values } = query;
    let order = DrillOrder { circuit: name.clone(), key: key.clone(), by: operator, values };
    run(&app, name, key, move |registry| drills::start(registry, order)).await
}

/// Stops the drill of one circuit, or all drills of a breaker with keys, and returns the result as JSON.
pub(super) async fn stop(
    State(app): State<Arc<AppState>>,
    path: Result<PathValues<1>, HttpError>,
    request: Request,
) -> Result<Response, HttpError> {
    let CommandRequest { name, query: KeyQuery { key }, .. } =
        CommandRequest::read(&app, path, request).await?;
    let (circuit, of_key) = (name.clone(), key.clone());
    run(&app, name, key, move |registry| drills::stop(registry, &circuit, of_key.as_deref())).await
}

/// Runs a command, and returns the circuit after it.
async fn run(
    app: &AppState,
    circuit: String,
    key: Option<String>,
    command: impl FnOnce(&Registry) -> Result<Option<Announcement>, DrillRefusal> + Send + 'static,
) -> Result<Response, HttpError> {
    let find = || app.registry_view.find(&circuit, key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT);
    let cost = cost_of(&find()?);
    let registry = app.registry_view.registry().clone();
    let change = move || command(&registry).map(CommandEffects::from).map_err(HttpError::refused_drill);
    let subject = if cost > MAX_UNCACHED_COST { CommandSubject::LargeDrills } else { CommandSubject::Drills };
    app.commands.change(subject, cost, change).await?;
    respond(app, find()?).await
}
