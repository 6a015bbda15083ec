//! The command that replaces settings of a breaker over HTTP, in the layer of operators.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::StreamExt as _;

use super::announcements::CommandEffects;
use super::app_state::AppState;
use super::command::{authorize, respond};
use super::error::HttpError;
use super::query::KeyQuery;
use super::registry_commands::CommandSubject;
use super::request::{Input, PathValues};
use crate::config::{ConfigBuilder, SettingSource};
use crate::registry::{AnyBreaker, ConfigSection, MAX_KEY_BYTES, RegistryEntry};

/// Maximum length of the settings, in bytes.
const MAX_SETTINGS: usize = 16 * 1024;

/// Replaces the settings that operators have set of a breaker, or of one of its keys, and returns the circuit as JSON.
pub(super) async fn configure(
    State(app): State<Arc<AppState>>,
    path: Result<PathValues<1>, HttpError>,
    request: Request,
) -> Result<Response, HttpError> {
    let operator = authorize(app.tokens.commands.as_ref(), request.headers())?;
    let PathValues([name]) = path?;
    let (parts, body) = request.into_parts();
    let Input(KeyQuery { key }) = Input::with_body(&parts.uri)?;
    let settings = read_settings(body).await?;
    let entry = app.registry_view.find(&name, None).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    if key.is_some() && !has_keys(&entry) {
        return Err(HttpError::KEY_WITHOUT_KEYS);
    }
    if key.as_ref().is_some_and(|key| key.len() > MAX_KEY_BYTES) {
        return Err(HttpError::KEY_TOO_LONG);
    }
    let section =
        ConfigSection::for_breaker(name.clone(), settings, SettingSource::Operator { name: operator.into() });
    let section = match &key {
        Some(key) => section.for_key(&**key),
        None => section,
    };
    let registry = app.registry_view.registry().clone();
    let apply = move || match registry.apply_operator_section(section) {
        Ok(applied) => Ok(CommandEffects::from(Some(applied))),
        Err(error) if error.is_overridden() => Err(HttpError::SETTINGS_BY_HAND),
        Err(error) => Err(HttpError::invalid_settings(error.to_string())),
    };
    let cost = app.registry_view.settings_cost();
    app.commands.change(CommandSubject::Settings, cost, apply).await?;
    let of_key = key.and_then(|key| app.registry_view.find(&name, Some(&key)));
    // The settings of a function that has never been called are read again.
    let entry = of_key.or_else(|| app.registry_view.find(&name, None)).unwrap_or(entry);
    respond(&app, entry).await
}

/// Reads the settings of a request: an object, which may be empty.
async fn read_settings(body: Body) -> Result<ConfigBuilder, HttpError> {
    let body = read_body(body).await?;
    serde_json::from_slice(&body).map_err(|error| {
        let position = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let problem = text.strip_suffix(&position).filter(|_| error.is_data()).unwrap_or(&text);
        HttpError::invalid_settings(problem.to_owned())
    })
}

/// Reads a body that has at most the maximum length of the settings.
async fn read_body(body: Body) -> Result<Vec<u8>, HttpError> {
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| HttpError::UNREADABLE_BODY)?;
        if chunk.len() > MAX_SETTINGS - read.len() {
            return Err(HttpError::SETTINGS_TOO_LONG);
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

fn has_keys(entry: &RegistryEntry) -> bool {
    match entry {
        RegistryEntry::Registered(AnyBreaker::Keyed(_)) => true,
        RegistryEntry::Registered(AnyBreaker::Single(_)) => false,
        RegistryEntry::Declared(uncalled) => uncalled.declaration.max_keys().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::Body;
    use futures_util::FutureExt as _;
    use futures_util::stream::iter;

    use super::{MAX_SETTINGS, read_body};

    fn read(chunks: Vec<Result<Vec<u8>, io::Error>>) -> Result<usize, String> {
        let read = read_body(Body::from_stream(iter(chunks))).now_or_never().expect("the body is there");
        read.map(|body| body.len()).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_body_that_is_too_long_is_told_from_one_that_cannot_be_read() {
        let chunk = |length: usize| Ok(vec![b' '; length]);
        assert_eq!(read(vec![chunk(MAX_SETTINGS - 1), chunk(1)]), Ok(MAX_SETTINGS));
        let too_long = read(vec![chunk(MAX_SETTINGS), chunk(1)]).unwrap_err();
        assert!(too_long.contains("413") && too_long.contains("at most 16 KiB"), "{too_long}");
        let broken = read(vec![chunk(2), Err(io::ErrorKind::InvalidData.into())]).unwrap_err();
        assert!(broken.contains("400") && broken.contains("the body cannot be read"), "{broken}");
    }
}
