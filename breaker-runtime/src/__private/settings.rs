//! The settings of a site: the initial builder of generated code, and clones of a builder that the compiler
//! evaluated.

use crate::config::{Config, ConfigBuilder};

/// The builder with every setting at its default.
pub const DEFAULTS: ConfigBuilder = Config::builder();

/// Clones settings that the compiler has evaluated.
pub fn clone_settings(settings: &ConfigBuilder) -> ConfigBuilder {
    settings.clone()
}
