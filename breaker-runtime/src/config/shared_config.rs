//! A [`Config`] that many circuits share. The default one costs no allocation.

use std::ops::Deref;
use std::sync::Arc;

use super::Config;
use crate::state::Recovery;

/// A shared config, or `None` for the default one.
#[derive(Clone, Debug)]
pub(crate) struct SharedConfig(Option<Arc<Config>>);

impl SharedConfig {
    /// Returns `true` if both are equal. Fast if they are clones of each other.
    pub(crate) fn is_equal_to(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(second)) => Arc::ptr_eq(one, second) || **one == **second,
            (one, second) => one.is_none() && second.is_none(),
        }
    }
}

static DEFAULT: Config = super::defaults::DEFAULT;

impl From<Config> for SharedConfig {
    fn from(config: Config) -> Self {
        Self((config != DEFAULT).then(|| Arc::new(config)))
    }
}

impl Deref for SharedConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        self.0.as_deref().unwrap_or(&DEFAULT)
    }
}

impl AsRef<Recovery> for SharedConfig {
    fn as_ref(&self) -> &Recovery {
        self.recovery()
    }
}
