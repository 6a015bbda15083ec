//! What circuits look like as JSON; the shapes are in the documentation of [the room](super).
//!
//! | file | |
//! |---|---|
//! | `figures.rs` | what moves: state, counts, times |
//! | `transition.rs` | a change, and why |
//! | `settings.rs` | every setting by its name |

mod figures;
mod settings;
mod transition;

use std::time::Duration;

use serde::{Serialize, Serializer};

pub(super) use self::figures::{CLOSED, Figures, UNCALLED};
pub(super) use self::settings::Settings;
pub(super) use self::transition::Transition;
use crate::state::State;

/// A breaker, or the circuit of one key of it.
#[derive(Debug)]
pub(super) struct Breaker {
    pub(super) name: String,
    pub(super) key: Option<String>,
    /// Where the function stands that was never called.
    pub(super) declared_at: Option<String>,
    pub(super) figures: Figures,
    pub(super) keys: Option<Keys>,
    pub(super) settings: Settings,
    /// The newest first.
    pub(super) transitions: Vec<Transition>,
}

/// What of a breaker somebody has not seen yet.
#[derive(Serialize)]
pub(super) struct News<'a> {
    name: &'a str,
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_at: Option<&'a str>,
    #[serde(flatten)]
    figures: &'a Figures,
    keys: Option<&'a Keys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<&'a Settings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transitions: Option<&'a [Transition]>,
}

/// The circuits of a breaker that has one for each key.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Keys {
    pub(super) count: usize,
    pub(super) most: usize,
    pub(super) states: States,
    pub(super) worst: Vec<Member>,
}

/// How many circuits are in which state.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct States {
    closed: u64,
    open: u64,
    half_open: u64,
    forced_open: u64,
    disabled: u64,
}

/// One of them.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Member {
    pub(super) key: Option<String>,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// A time that passes by itself. Any two are equal: that time passes is no news.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing(pub(super) Duration);

impl Breaker {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn has_figures_of(&self, other: &Self) -> bool {
        self.figures == other.figures && self.keys == other.keys
    }
}

impl<'a> News<'a> {
    /// Everything.
    pub(super) fn whole(breaker: &'a Breaker) -> Self {
        Self {
            name: &breaker.name,
            key: breaker.key.as_deref(),
            declared_at: breaker.declared_at.as_deref(),
            figures: &breaker.figures,
            keys: breaker.keys.as_ref(),
            settings: Some(&breaker.settings),
            transitions: Some(&breaker.transitions),
        }
    }
}

impl States {
    pub(super) fn add(&mut self, state: State) {
        let count = match state {
            State::Closed => &mut self.closed,
            State::Open => &mut self.open,
            State::HalfOpen => &mut self.half_open,
            State::ForcedOpen => &mut self.forced_open,
            State::Disabled => &mut self.disabled,
        };
        *count += 1;
    }
}

impl PartialEq for Passing {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Serialize for Passing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Nobody reads more than milliseconds of a time that passes.
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        serializer.serialize_f64(Duration::from_millis(millis).as_secs_f64())
    }
}
