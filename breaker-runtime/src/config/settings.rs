//! A `Config` that many circuits share; the default one is a static and costs no allocation.

use std::ops::Deref;
use std::sync::Arc;

use super::Config;
use crate::state::Recovery;

#[derive(Clone, Debug)]
pub(crate) enum Settings {
    Static(&'static Config),
    Shared(Arc<Config>),
}

static DEFAULT: Config = super::combine::DEFAULT;

impl From<Config> for Settings {
    fn from(config: Config) -> Self {
        if config == DEFAULT { Self::Static(&DEFAULT) } else { Self::Shared(Arc::new(config)) }
    }
}

impl Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        match self {
            Self::Static(config) => config,
            Self::Shared(config) => config,
        }
    }
}

impl AsRef<Recovery> for Settings {
    fn as_ref(&self) -> &Recovery {
        self.recovery()
    }
}
