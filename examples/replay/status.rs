//! The HTTP statuses that count as failures: `5xx`, or a list such as `5xx,429`.

use std::ops::RangeInclusive;

use crate::number::parse_number;
use crate::shown::shown;

/// A set of statuses.
#[derive(Clone, Debug)]
pub(crate) struct FailureStatuses(Vec<RangeInclusive<u16>>);

impl FailureStatuses {
    pub(crate) fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let ranges: Result<_, _> = text.split(',').map(|part| parse_range(part.trim())).collect();
        ranges.map(Self)
    }
}

impl Default for FailureStatuses {
    fn default() -> Self {
        Self(vec![500..=599])
    }
}

fn parse_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let accepted = || format!("{} is no status; write numbers and classes, as in 5xx,429", shown(text));
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = parse_number(class).ok_or_else(accepted)?;
        return if (1..=9).contains(&class) { Ok(class * 100..=class * 100 + 99) } else { Err(accepted()) };
    }
    let status: u16 = parse_number(text).ok_or_else(accepted)?;
    Ok(status..=status)
}
