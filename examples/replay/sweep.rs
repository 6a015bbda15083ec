//! All combinations of several values of settings, and the ones that no other combination dominates.

use breaker_runtime::{Config, ConfigBuilder, Setting};

use crate::play::{Replay, play};
use crate::trace::Trace;

/// One configuration and its result.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// The settings that differ between the candidates.
    pub(crate) label: String,
    pub(crate) replay: Replay,
    /// `true` if no other candidate dominates this one; see [`mark_best`].
    pub(crate) is_best: bool,
}

/// A setting with the values to try.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) setting: Setting,
    pub(crate) values: Vec<String>,
}

/// Maximum number of combinations.
const MAX_CANDIDATES: usize = 1000;

/// Plays the trace with every combination of the values of all ranges.
pub(crate) fn sweep(trace: &Trace, base: &ConfigBuilder, ranges: &[Range]) -> Result<Vec<Candidate>, String> {
    let combinations = combinations(ranges)?;
    let mut candidates = Vec::with_capacity(combinations.len());
    for combination in combinations {
        let mut builder = base.clone();
        for choice in &combination {
            builder = builder.set_text(choice.setting, &choice.value).map_err(|error| error.to_string())?;
        }
        let label = label(&combination);
        let config: Config = builder.build().map_err(|error| format!("{label}: {error}"))?;
        let replay = play(trace, &config).map_err(|error| format!("{label}: {error}"))?;
        candidates.push(Candidate { label, replay, is_best: false });
    }
    mark_best(&mut candidates);
    Ok(candidates)
}

/// One value of a setting.
#[derive(Clone)]
struct Choice {
    setting: Setting,
    value: String,
}

fn combinations(ranges: &[Range]) -> Result<Vec<Vec<Choice>>, String> {
    let count = ranges.iter().try_fold(1_usize, |count, range| count.checked_mul(range.values.len()));
    if count.is_none_or(|count| count > MAX_CANDIDATES) {
        return Err(format!("more than {MAX_CANDIDATES} combinations; give fewer values"));
    }
    let mut combinations = vec![Vec::new()];
    for Range { setting, values } in ranges {
        combinations = combinations
            .iter()
            .flat_map(|combination| {
                values.iter().map(move |value| {
                    let choice = Choice { setting: *setting, value: value.clone() };
                    [combination.as_slice(), &[choice]].concat()
                })
            })
            .collect();
    }
    Ok(combinations)
}

fn label(combination: &[Choice]) -> String {
    if combination.is_empty() {
        return "as given".to_owned();
    }
    let choices: Vec<_> =
        combination.iter().map(|choice| format!("{} = {}", choice.setting, choice.value)).collect();
    choices.join(", ")
}

/// Marks the candidates that no other one dominates. One dominates another if it is at least as good in both figures
/// and better in one.
fn mark_best(candidates: &mut [Candidate]) {
    let figures: Vec<_> = candidates.iter().map(|candidate| Figures::of(&candidate.replay)).collect();
    for (candidate, own) in candidates.iter_mut().zip(&figures) {
        candidate.is_best = !figures.iter().any(|other| other.dominates(own));
    }
}

/// The two figures that decide: failing calls that were rejected, and successful ones.
#[derive(PartialEq)]
struct Figures {
    spared: u64,
    lost: u64,
}

impl Figures {
    fn of(replay: &Replay) -> Self {
        Self { spared: replay.spared, lost: replay.lost }
    }

    fn dominates(&self, other: &Self) -> bool {
        self.spared >= other.spared && self.lost <= other.lost && self != other
    }
}
