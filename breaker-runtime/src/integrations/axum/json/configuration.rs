//! The JSON of the configuration: how it was loaded, and which settings it changed.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::super::settings_log::SettingsChangeView;
use crate::event::SettingsChange;
use crate::integrations::serde::seconds;
use crate::registry::ConfigStatus;

/// The results of loading the configuration.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConfigStatusJson {
    applied: u64,
    refused: u64,
    last_applied: Option<f64>,
    last_error: Option<Arc<str>>,
}

/// A change of settings, and the time since then.
#[derive(Serialize)]
pub(super) struct SettingsChangeJson<'a> {
    ago: f64,
    #[serde(flatten)]
    change: &'a SettingsChange,
}

impl From<ConfigStatus> for ConfigStatusJson {
    fn from(status: ConfigStatus) -> Self {
        let ConfigStatus { applied, refused, last_applied, last_error } = status;
        Self { applied, refused, last_applied: last_applied.map(|ago: Duration| seconds(ago)), last_error }
    }
}

impl ConfigStatusJson {
    /// Returns `true` if nothing was loaded between the two, so that they differ at most in their times.
    pub(crate) fn has_same_loads(&self, other: &Self) -> bool {
        (self.applied, self.refused) == (other.applied, other.refused)
    }
}

impl<'a> From<&'a SettingsChangeView> for SettingsChangeJson<'a> {
    fn from(view: &'a SettingsChangeView) -> Self {
        Self { ago: seconds(view.ago), change: &view.change }
    }
}
