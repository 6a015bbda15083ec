//! Replaces `config_drills` without the feature `chaos`: a configuration must not contain drills.

use std::time::Duration;

use crate::registry::Registry;

/// The reason why a configuration must not contain drills.
pub(super) const DISABLED: Option<&str> = Some(PROBLEM);

const PROBLEM: &str =
    "drills are disabled: enable the feature `chaos` of breaker-runtime, or remove this table";

/// The values of a drill in a configuration. None is accepted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DrillValues {
    problem: &'static str,
}

/// A drill that a configuration has started. There is none.
#[derive(Debug)]
pub(super) enum StartedDrill {}

impl DrillValues {
    pub(super) const fn new() -> Self {
        Self { problem: PROBLEM }
    }

    pub(super) const fn set(&mut self, _: &str, _: &str) -> Result<(), &'static str> {
        Err(self.problem)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        Err(self.problem.to_owned())
    }

    pub(super) fn for_rest(&self, _: Duration) -> Self {
        self.clone()
    }

    pub(super) fn start(
        &self,
        _: &Registry,
        _: &str,
        _: Option<&str>,
        _: String,
    ) -> Result<StartedDrill, String> {
        Err(self.problem.to_owned())
    }
}

impl StartedDrill {
    pub(super) const fn remaining(&self) -> Option<Duration> {
        match *self {}
    }

    pub(super) const fn stop(&self) {
        match *self {}
    }
}
