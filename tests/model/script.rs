//! Random policies, and random scripts of calls, time and commands.

use breaker_runtime::{Cause, Outcome};
use proptest::prelude::*;
use proptest::{option, sample};

use crate::policy::{Policy, Span};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Acquire,
    /// Ends the running call at this index, modulo the number of running calls.
    End(usize, End),
    /// Advances the clock by this number of nanoseconds.
    Advance(u64),
    Command(Cause),
    Adopt(Adoption),
    /// Makes a call inside a call.
    Nest(Nested),
    SetConfig(Policy),
}

/// A decision of a fleet of processes. Times are nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Adoption {
    Open {
        wait: u64,
        rounds: u32,
    },
    Close,
    ForceClose,
    Trial {
        calls: u32,
        rounds: u32,
    },
    /// A decision about the generation that is this number of generations old.
    Hold {
        age: u64,
        wait: u64,
    },
}

/// The outcomes of a call and of the call inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nested {
    pub(crate) inner: Outcome,
    pub(crate) outer: Outcome,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Settled(Outcome),
    Dropped,
    Forgotten,
}

/// A generator of policies of one kind.
pub(crate) type Policies = BoxedStrategy<Policy>;

const COMMANDS: [Cause; 5] =
    [Cause::ForcedOpen, Cause::ForcedClosed, Cause::Disabled, Cause::Released, Cause::Reset];

/// Returns a generator of steps that also sets other policies at times. `leaks` of 1,000 permits are
/// leaked, and each of them keeps its bulkhead slot.
pub(crate) fn steps(policies: &Policies, leaks: u32) -> BoxedStrategy<Step> {
    let end = prop_oneof![
        450 => Just(End::Settled(Outcome::Success)),
        300 => Just(End::Settled(Outcome::Failure)),
        150 => Just(End::Settled(Outcome::Ignored)),
        100 - leaks => Just(End::Dropped),
        leaks => Just(End::Forgotten),
    ];
    prop_oneof![
        100 => Just(Step::Acquire),
        100 => (any::<usize>(), end).prop_map(|(index, end)| Step::End(index, end)),
        10 => (outcome(), outcome()).prop_map(|(inner, outer)| Step::Nest(Nested { inner, outer })),
        40 => (0_u64..15).prop_map(Step::Advance),
        1 => (0_u64..1000).prop_map(Step::Advance),
        3 => sample::select(&COMMANDS).prop_map(Step::Command),
        5 => adoption().prop_map(Step::Adopt),
        2 => policies.clone().prop_map(Step::SetConfig),
    ]
    .boxed()
}

fn adoption() -> BoxedStrategy<Adoption> {
    prop_oneof![
        (0_u64..30, 0_u32..4).prop_map(|(wait, rounds)| Adoption::Open { wait, rounds }),
        Just(Adoption::Close),
        Just(Adoption::ForceClose),
        (0_u32..5, 0_u32..4).prop_map(|(calls, rounds)| Adoption::Trial { calls, rounds }),
        (0_u64..2, 0_u64..30).prop_map(|(age, wait)| Adoption::Hold { age, wait }),
    ]
    .boxed()
}

fn outcome() -> BoxedStrategy<Outcome> {
    prop_oneof![6 => Just(Outcome::Success), 3 => Just(Outcome::Failure), 1 => Just(Outcome::Ignored)].boxed()
}

/// Returns policies that open after failures in a row.
pub(crate) fn consecutive() -> Policies {
    (base(), 1_u32..6).prop_map(|(base, run)| Policy { consecutive: Some(run), ..base }).boxed()
}

/// Returns policies that open after failures in a count-based window.
pub(crate) fn failures_in_calls() -> Policies {
    (base(), calls(), 1_u32..6)
        .prop_map(|(base, window, failures)| Policy {
            window,
            failures: Some(window.at_most(failures)),
            ..base
        })
        .boxed()
}

pub(crate) fn failure_rate() -> Policies {
    rated(calls()).prop_map(|policy| Policy { slow_call: None, ..policy }).boxed()
}

pub(crate) fn slow_call_rate() -> Policies {
    rated(calls()).prop_map(|policy| Policy { failure_rate: None, ..policy }).boxed()
}

/// Returns policies with several rules over a count-based window.
pub(crate) fn several_rules() -> Policies {
    all_rules(calls())
}

/// Returns policies with several rules over a time-based window.
pub(crate) fn time_based_window() -> Policies {
    all_rules((1_u64..400).prop_map(Span::Time).boxed())
}

pub(crate) fn backoff() -> Policies {
    (consecutive(), 2_u32..4, 0_u64..100)
        .prop_map(|(base, backoff, more)| Policy { backoff, max_recovery: base.recovery + more, ..base })
        .boxed()
}

pub(crate) fn shadow() -> Policies {
    any_limits(several_rules()).prop_map(|policy| Policy { shadow: true, ..policy }).boxed()
}

pub(crate) fn max_concurrent() -> Policies {
    (several_rules(), 1_u32..5).prop_map(|(base, max)| Policy { max_concurrent: Some(max), ..base }).boxed()
}

/// Returns policies that close gradually. Some also open because of calls that hang.
pub(crate) fn ramp() -> Policies {
    let policies = prop_oneof![backoff(), several_rules(), time_based_window()];
    (policies, 1_u64..200, option::of(1_u64..60))
        .prop_map(|(base, ramp, hang)| Policy { ramp: Some(ramp), hang, ..base })
        .boxed()
}

/// Returns policies that open because of calls that hang.
pub(crate) fn hang() -> Policies {
    let policies = prop_oneof![backoff(), max_concurrent(), shadow()];
    (policies, 1_u64..100).prop_map(|(base, hang)| Policy { hang: Some(hang), ..base }).boxed()
}

/// Returns policies of all kinds, so that new settings may replace every rule.
pub(crate) fn any_policy() -> Policies {
    let rules = prop_oneof![
        consecutive(),
        failures_in_calls(),
        several_rules(),
        time_based_window(),
        backoff(),
        ramp(),
        hang()
    ];
    let shadow = prop_oneof![4 => Just(false), 1 => Just(true)];
    (any_limits(rules.boxed()), shadow).prop_map(|(base, shadow)| Policy { shadow, ..base }).boxed()
}

/// Returns policies without a rule, a window or a limit.
fn base() -> Policies {
    (1_u64..20, 1_u32..4, 1_u32..4, 1_u64..40, 1_u64..60)
        .prop_map(|(recovery, trial_slots, successes, lease, cancelled_after)| Policy {
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
            trial_slots,
            successes,
            lease,
            ramp: None,
            hang: None,
            cancelled_after,
            max_concurrent: None,
            shadow: false,
        })
        .boxed()
}

fn calls() -> BoxedStrategy<Span> {
    (8_u32..40).prop_map(Span::Calls).boxed()
}

fn rated(window: BoxedStrategy<Span>) -> Policies {
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

fn all_rules(window: BoxedStrategy<Span>) -> Policies {
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

fn any_limits(policies: Policies) -> Policies {
    (policies, option::of(2_u32..12))
        .prop_map(|(base, max_concurrent)| Policy { max_concurrent, ..base })
        .boxed()
}
