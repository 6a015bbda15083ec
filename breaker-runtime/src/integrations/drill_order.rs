//! A command that starts a drill, as an operator gives it over HTTP.

/// A drill to start.
#[allow(dead_code, reason = "only the feature `chaos` carries it out")]
#[derive(Clone, Debug)]
pub(super) struct DrillOrder {
    pub(super) circuit: String,
    pub(super) key: Option<String>,
    pub(super) by: String,
    /// The values of the drill by name.
    pub(super) values: Vec<DrillValue>,
}

/// One value of a drill.
#[allow(dead_code, reason = "only the feature `chaos` reads it")]
#[derive(Clone, Debug)]
pub(super) struct DrillValue {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// The reason why a drill was not started or stopped.
#[allow(dead_code, reason = "without the feature `chaos`, there is no drill")]
#[derive(Clone, Debug)]
pub(super) enum DrillRefusal {
    /// The feature `chaos` is not enabled.
    Disabled,
    UnknownCircuit,
    /// A value is missing or out of its range.
    Invalid(String),
}
