//! The setting `shared`: whether the processes of an application share a circuit. It decides nothing itself.

use std::fmt;
use std::str::FromStr;

use super::{ConfigError, Setting};

/// Which processes a circuit belongs to, and how many of them must see the dependency fail before all of them open.
///
/// A circuit of this process protects the process: it opens by what the process itself sees. A shared circuit protects
/// the dependency: all processes open together, and only one of them at a time makes trial calls. `Quorum` and `First`
/// need the feature `redis`, and a connection by `fleet::connect`.
///
/// ```
/// use breaker_runtime::{Config, Sharing};
///
/// assert_eq!(Config::default().shared(), Sharing::Local);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sharing {
    /// The circuit belongs to this process alone.
    #[default]
    Local,
    /// All processes share the circuit. It opens in all of them when a tenth of those that are alive have opened it by
    /// their own rules: at least 2, at most 10, and not more than are alive. One process alone, whose own network is
    /// bad, opens the circuit for itself only.
    Quorum,
    /// All processes share the circuit. It opens in all of them as soon as one of them has opened it by its own rules.
    First,
}

impl Sharing {
    const ALL: [Self; 3] = [Self::Local, Self::Quorum, Self::First];

    /// Returns the name in settings and JSON, which `Display` writes and `FromStr` reads.
    ///
    /// ```
    /// use breaker_runtime::Sharing;
    ///
    /// assert_eq!(Sharing::Quorum.label(), "quorum");
    /// assert_eq!("first".parse(), Ok(Sharing::First));
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Quorum => "quorum",
            Self::First => "first",
        }
    }

    /// Returns `true` if the processes of a fleet share the circuit.
    pub(crate) const fn is_shared(self) -> bool {
        match self {
            Self::Local => false,
            Self::Quorum | Self::First => true,
        }
    }
}

impl fmt::Display for Sharing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.label())
    }
}

impl FromStr for Sharing {
    type Err = ConfigError;

    /// Parses the name, in lowercase.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let sharing = Self::ALL.into_iter().find(|sharing| sharing.label() == text);
        sharing.ok_or(ConfigError::of_setting(Setting::Shared, "shared must be `local`, `quorum` or `first`"))
    }
}
