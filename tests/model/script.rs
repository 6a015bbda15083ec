//! Scripts at random, for policies at random.

use breaker_runtime::{Cause, Outcome};
use proptest::prelude::*;
use proptest::{option, sample};

use crate::policy::{Policy, Span};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Acquire,
    /// Ends one of the calls that are running.
    End(usize, End),
    /// By so many nanoseconds.
    Advance(u64),
    Order(Cause),
    Apply(Policy),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Settled(Outcome),
    Dropped,
    Forgotten,
}

/// Who makes policies of one kind.
pub(crate) type Family = BoxedStrategy<Policy>;

const ORDERS: [Cause; 5] =
    [Cause::ForcedOpen, Cause::ForcedClosed, Cause::Disabled, Cause::Released, Cause::Reset];

/// A step of a script of calls, with settings of `family` applied now and then. `leaks` of a thousand permits are
/// forgotten: each holds its place among `max_concurrent` for ever.
pub(crate) fn steps(family: &Family, leaks: u32) -> BoxedStrategy<Step> {
    let end = prop_oneof![
        450 => Just(End::Settled(Outcome::Success)),
        300 => Just(End::Settled(Outcome::Failure)),
        150 => Just(End::Settled(Outcome::Ignored)),
        100 - leaks => Just(End::Dropped),
        leaks => Just(End::Forgotten),
    ];
    prop_oneof![
        100 => Just(Step::Acquire),
        100 => (any::<usize>(), end).prop_map(|(which, end)| Step::End(which, end)),
        40 => (0_u64..15).prop_map(Step::Advance),
        1 => (0_u64..1000).prop_map(Step::Advance),
        3 => sample::select(&ORDERS).prop_map(Step::Order),
        2 => family.clone().prop_map(Step::Apply),
    ]
    .boxed()
}

/// Failures in a row.
pub(crate) fn consecutive() -> Family {
    (base(), 1_u32..6).prop_map(|(base, run)| Policy { consecutive: Some(run), ..base }).boxed()
}

/// Failures within the last so many calls.
pub(crate) fn failures_in_calls() -> Family {
    (base(), calls(), 1_u32..6)
        .prop_map(|(base, window, failures)| Policy {
            window,
            failures: Some(window.at_most(failures)),
            ..base
        })
        .boxed()
}

pub(crate) fn failure_rate() -> Family {
    rated(calls()).prop_map(|policy| Policy { slow_call: None, ..policy }).boxed()
}

pub(crate) fn slow_call_rate() -> Family {
    rated(calls()).prop_map(|policy| Policy { failure_rate: None, ..policy }).boxed()
}

/// Rules of all kinds, beside each other.
pub(crate) fn several_rules() -> Family {
    all_rules(calls())
}

/// The same within the last so many nanoseconds.
pub(crate) fn window_of_time() -> Family {
    all_rules((1_u64..400).prop_map(Span::Time).boxed())
}

pub(crate) fn backoff() -> Family {
    (consecutive(), 2_u32..4, 0_u64..100)
        .prop_map(|(base, backoff, more)| Policy { backoff, max_recovery: base.recovery + more, ..base })
        .boxed()
}

pub(crate) fn shadow() -> Family {
    any_limits(several_rules()).prop_map(|policy| Policy { shadow: true, ..policy }).boxed()
}

pub(crate) fn max_concurrent() -> Family {
    (several_rules(), 1_u32..5).prop_map(|(base, most)| Policy { max_concurrent: Some(most), ..base }).boxed()
}

/// All of these: each `apply` may make it quite another breaker.
pub(crate) fn any_policy() -> Family {
    let rules = prop_oneof![consecutive(), failures_in_calls(), several_rules(), window_of_time(), backoff()];
    let shadow = prop_oneof![4 => Just(false), 1 => Just(true)];
    (any_limits(rules.boxed()), shadow).prop_map(|(base, shadow)| Policy { shadow, ..base }).boxed()
}

/// No rule, no window, no limit.
fn base() -> Family {
    (1_u64..20, 1_u32..4, 1_u32..4, 1_u64..40)
        .prop_map(|(recovery, places, successes, lease)| Policy {
            window: Span::None,
            consecutive: None,
            failures: None,
            failure_rate: None,
            slow_call: None,
            slow_call_rate: 1.0,
            minimum_calls: 1,
            recovery,
            backoff: 1,
            max_recovery: recovery,
            places,
            successes,
            lease,
            max_concurrent: None,
            shadow: false,
        })
        .boxed()
}

fn calls() -> BoxedStrategy<Span> {
    (8_u32..40).prop_map(Span::Calls).boxed()
}

fn rated(window: BoxedStrategy<Span>) -> Family {
    let rate = || sample::select(&[0.1, 0.3, 0.5, 0.7, 1.0]);
    (base(), window, rate(), rate(), 1_u64..60, 1_u32..9)
        .prop_map(|(base, window, failure_rate, slow_call_rate, slow_call, minimum_calls)| Policy {
            window,
            failure_rate: Some(failure_rate),
            slow_call: Some(slow_call),
            slow_call_rate,
            minimum_calls,
            ..base
        })
        .boxed()
}

fn all_rules(window: BoxedStrategy<Span>) -> Family {
    (rated(window), option::of(3_u32..8), option::of(3_u32..12), any::<(bool, bool)>())
        .prop_map(|(base, consecutive, failures, (rate, slow))| Policy {
            consecutive,
            failures: if consecutive.is_none() && !rate && !slow { Some(7) } else { failures }
                .map(|failures| base.window.at_most(failures)),
            failure_rate: base.failure_rate.filter(|_| rate),
            slow_call: base.slow_call.filter(|_| slow),
            ..base
        })
        .boxed()
}

fn any_limits(family: Family) -> Family {
    (family, option::of(2_u32..12))
        .prop_map(|(base, max_concurrent)| Policy { max_concurrent, ..base })
        .boxed()
}
