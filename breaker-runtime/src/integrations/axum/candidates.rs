//! The candidates of a breaker over HTTP: their comparison with the live circuit, and the command that promotes one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::announcements::CommandEffects;
use super::app_state::AppState;
use super::command::{CommandRequest, respond};
use super::error::HttpError;
use super::query::{CandidateQuery, NoQuery};
use super::registry_commands::CommandSubject;
use super::request::{Input, PathValues};
use super::response::{encode, json};
use super::view::cost_of;
use crate::integrations::candidates_json;
use crate::integrations::promotion::PromotionRefusal;

/// Returns the candidates of a breaker as JSON.
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    PathValues([name]): PathValues<1>,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    #[derive(Serialize)]
    struct CandidatesJson<T> {
        candidates: T,
    }

    let entry = app.registry_view.find(&name, None).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    let view = Arc::clone(&app.registry_view);
    let read = move || encode(&CandidatesJson { candidates: candidates_json::read(view.registry(), &name) });
    Ok(json(StatusCode::OK, app.reader.run(cost_of(&entry), read).await?))
}

/// Makes the settings of a candidate those of its breaker, and returns the breaker as JSON.
pub(super) async fn promote(
    State(app): State<Arc<AppState>>,
    path: Result<PathValues<1>, HttpError>,
    request: Request,
) -> Result<Response, HttpError> {
    let CommandRequest { operator, name, query } = CommandRequest::read(&app, path, request).await?;
    let CandidateQuery { candidate } = query;
    let candidate = candidate.ok_or(HttpError::CANDIDATE_MISSING)?;
    let entry = app.registry_view.find(&name, None).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    let registry = app.registry_view.registry().clone();
    let promote = move || {
        let promoted = candidates_json::promote(&registry, &name, &candidate, &operator);
        promoted.map(CommandEffects::from).map_err(|refusal| match refusal {
            PromotionRefusal::UnknownCandidate => HttpError::UNKNOWN_CANDIDATE,
            PromotionRefusal::Refused(text) => HttpError::refused_promotion(text),
        })
    };
    let cost = app.registry_view.settings_cost();
    app.commands.change(CommandSubject::Settings, cost, promote).await?;
    respond(&app, entry).await
}
