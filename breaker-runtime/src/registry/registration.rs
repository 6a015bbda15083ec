//! The registration of a name at one location in the code, and the comparison of two registrations.

use std::num::NonZeroU32;
use std::panic::Location;

use super::declaration::Declaration;
use super::layers::{ConfigSection, Keys, Layers};
use super::resolution::{Resolved, Target};
use crate::config::{Config, Conflict, ConflictCause, Name, SharedConfig};

/// A name with the settings of its breaker. They stay as registered: `set_config` does not change them.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(super) name: Name,
    pub(super) settings: SharedConfig,
    pub(super) max_keys: Option<NonZeroU32>,
    source: RegistrationSource,
}

/// The code that registers a breaker.
#[derive(Clone, Copy, Debug)]
enum RegistrationSource {
    /// A call of [`Registry::register`](crate::Registry::register). Two calls may share a name on purpose.
    Call(&'static Location<'static>),
    /// A function with the attribute.
    Function(&'static Declaration),
}

impl Registration {
    /// Returns the registration by a call at `location`.
    pub(super) fn of_call(
        name: Name,
        config: Config,
        max_keys: Option<NonZeroU32>,
        location: &'static Location<'static>,
    ) -> Self {
        let settings = SharedConfig::of_call(config, location);
        Self { name, settings, max_keys, source: RegistrationSource::Call(location) }
    }

    /// Returns the registration by an annotated function.
    pub(crate) fn of_function(declaration: &'static Declaration) -> Self {
        Self {
            name: Name::Static(declaration.name()),
            settings: declaration.settings(),
            max_keys: declaration.keys(),
            source: RegistrationSource::Function(declaration),
        }
    }

    /// Returns the settings after the configuration.
    pub(super) fn resolve<'a>(&self, layers: &'a Layers) -> Resolved<'a> {
        let has_keys = self.max_keys.is_some();
        Target { name: self.name.as_str(), base: &self.settings, has_keys }.resolve(layers)
    }

    /// Returns `true` if the section can apply to a circuit of the breaker.
    pub(super) fn is_configured_by(&self, section: &ConfigSection) -> bool {
        let keys = if self.max_keys.is_some() { Keys::Circuits } else { Keys::None };
        section.applies_to(self.name.as_str(), keys)
    }

    /// Returns the conflict with `second`, a later registration of the same name.
    pub(super) fn conflict(&self, second: &Self) -> Option<Conflict> {
        let cause = match (self.max_keys, second.max_keys) {
            (Some(_), None) | (None, Some(_)) => ConflictCause::Keys,
            (Some(first), Some(second)) if first != second => ConflictCause::MaxKeys { first, second },
            _ if *self.settings != *second.settings => ConflictCause::Settings,
            _ => return None,
        };
        let [first, second] = [self.source, second.source].map(RegistrationSource::location);
        Some(Conflict::new(self.name.as_str(), first, second, cause))
    }

    /// Returns the conflict of a function that was renamed, because another function has its name.
    pub(super) fn renaming(&self) -> Option<Conflict> {
        let RegistrationSource::Function(declaration) = self.source else {
            return None;
        };
        let namesake = declaration.namesake()?;
        let cause = ConflictCause::Renamed(declaration.name().to_owned());
        Some(Conflict::new(declaration.given_name(), namesake.location(), declaration.location(), cause))
    }
}

impl RegistrationSource {
    const fn location(self) -> &'static Location<'static> {
        match self {
            Self::Call(location) => location,
            Self::Function(declaration) => declaration.location(),
        }
    }
}
