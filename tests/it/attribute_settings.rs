//! The attribute's settings, as literals and as const expressions, and their effect on a circuit.

use std::time::Duration;

use breaker_runtime::{Adopt, BreakerError, CircuitBreaker, Mode, Registry, Sharing, State, circuit_breaker};

fn breaker(name: &str) -> CircuitBreaker {
    Registry::global().get(name).unwrap()
}

use crate::support::Fault;

#[circuit_breaker(
    name = "rules/literals",
    failure_threshold = 7,
    consecutive_failures = 16_777_215,
    failure_rate = 1,
    window = 1_000_000,
    minimum_calls = 1_000_000,
    slow_call = "2s",
    slow_call_rate = 0.25,
    backoff = 2,
    max_recovery_timeout = "10m",
    jitter = 0,
    max_concurrent = 9,
    max_wait = "0s",
    durations = true,
    critical = true,
    shared = "first",
    adopt = "always",
    mode = "shadow"
)]
fn literals() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn every_setting_accepts_a_literal_up_to_the_limits_of_the_runtime() {
    literals().unwrap();
    let breaker = breaker("rules/literals");
    let config = breaker.config();
    assert_eq!((config.failure_threshold(), config.consecutive_failures()), (Some(7), Some(16_777_215)));
    assert_eq!((config.failure_rate(), config.window_calls()), (Some(1.0), Some(1_000_000)));
    assert_eq!((config.minimum_calls(), config.slow_call()), (1_000_000, Some(Duration::from_secs(2))));
    assert_eq!((config.slow_call_rate(), config.backoff().to_bits()), (Some(0.25), 2_f64.to_bits()));
    assert_eq!(config.max_recovery_timeout(), Duration::from_secs(600));
    assert_eq!((config.jitter().to_bits(), config.max_concurrent()), (0_f64.to_bits(), Some(9)));
    assert_eq!((config.max_wait(), config.mode()), (Duration::ZERO, Mode::Shadow));
    assert!(config.durations() && config.critical());
    assert_eq!((config.shared(), config.adopt()), (Sharing::First, Adopt::Always));
    assert_eq!(config.recovery_timeout(), Duration::from_secs(30));
    let builder = breaker_runtime::Config::builder;
    assert!(builder().consecutive_failures(16_777_216).build().is_err());
    assert!(builder().window_calls(1_000_001).build().is_err());
}

#[circuit_breaker(
    name = "rules/unlimited",
    recovery_timeout = "unlimited",
    max_concurrent = 1,
    max_wait = "unlimited",
    call_timeout = "unlimited",
    hang = "unlimited",
    cancelled_after = "unlimited"
)]
async fn unlimited() -> Result<(), BreakerError> {
    Ok(())
}

#[tokio::test]
async fn a_time_can_be_unlimited() {
    unlimited().await.unwrap();
    let config = breaker("rules/unlimited").config();
    let times = [config.recovery_timeout(), config.max_wait(), config.cancelled_after()];
    assert_eq!((times, config.call_timeout(), config.hang()), ([Duration::MAX; 3], None, None));
}

#[circuit_breaker(name = "rules/\
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn")]
fn long() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn the_longest_name_equals_the_limit_of_the_runtime() {
    // The runtime rejects one more byte. The attribute rejects such a literal: see ui/fail/name_too_long.rs.
    long().unwrap();
    let name = format!("rules/{}", "n".repeat(249));
    assert_eq!(breaker(&name).name().len(), 255);
    assert!(CircuitBreaker::new(name + "n", breaker_runtime::Config::default()).is_err());
}

#[circuit_breaker(name = "rules/longest", backoff = 2.0, max_recovery_timeout = "30s")]
fn longest() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn max_recovery_timeout_can_equal_the_default_recovery_timeout_but_not_be_shorter() {
    // The builder rejects less. The attribute rejects such a literal: see
    // ui/fail/max_recovery_timeout_too_short.rs.
    longest().unwrap();
    let config = breaker("rules/longest").config();
    assert_eq!(config.max_recovery_timeout(), config.recovery_timeout());
    let builder = breaker_runtime::Config::builder().backoff(2.0);
    assert!(builder.max_recovery_timeout(Duration::from_secs(29)).build().is_err());
}

mod settings {
    use std::time::Duration;

    pub(super) const RUN: u32 = 3;
    pub(super) const HALF: f64 = 0.5;
    pub(super) const MINUTE: Duration = Duration::from_secs(60);
    pub(super) const YES: bool = true;
}

#[circuit_breaker(
    name = "rules/consts",
    consecutive_failures = settings::RUN + 1,
    failure_rate = settings::HALF,
    window = settings::MINUTE,
    minimum_calls = settings::RUN,
    slow_call = settings::MINUTE,
    slow_call_rate = settings::HALF / 2.0,
    backoff = 1.0 + settings::HALF,
    max_recovery_timeout = settings::MINUTE,
    jitter = settings::HALF,
    max_concurrent = settings::RUN,
    max_wait = settings::MINUTE,
    durations = settings::YES,
    critical = !settings::YES,
)]
fn consts() -> Result<(), BreakerError> {
    Ok(())
}

#[circuit_breaker(name = "rules/const calls", window = settings::RUN * 2, failure_rate = 0.5)]
fn const_calls() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn every_setting_accepts_a_const_expression() {
    consts().unwrap();
    let breaker_of_consts = breaker("rules/consts");
    let config = breaker_of_consts.config();
    let minute = Duration::from_secs(60);
    assert_eq!((config.consecutive_failures(), config.failure_rate()), (Some(4), Some(0.5)));
    assert_eq!((config.window_time(), config.window_calls()), (Some(minute), None));
    assert_eq!((config.minimum_calls(), config.slow_call()), (3, Some(minute)));
    assert_eq!((config.slow_call_rate(), config.backoff().to_bits()), (Some(0.25), 1.5_f64.to_bits()));
    assert_eq!((config.max_recovery_timeout(), config.jitter().to_bits()), (minute, 0.5_f64.to_bits()));
    assert_eq!((config.max_concurrent(), config.max_wait()), (Some(3), minute));
    assert!(config.durations() && !config.critical());
    const_calls().unwrap();
    assert_eq!(breaker("rules/const calls").config().window_calls(), Some(6));
}

#[circuit_breaker(name = "rules/rate", window = 4, failure_rate = 0.5, minimum_calls = 4)]
fn half_fails(fail: bool) -> Result<(), Fault> {
    if fail { Err(Fault::Down) } else { Ok(()) }
}

#[test]
fn a_rate_opens_once_the_window_holds_enough_calls() {
    for fail in [true, false, true] {
        assert_eq!(half_fails(fail).is_err(), fail);
    }
    assert_eq!(breaker("rules/rate").state(), State::Closed);
    half_fails(false).unwrap();
    half_fails(true).unwrap_err();
    assert_eq!(breaker("rules/rate").state(), State::Open);
    assert!(matches!(half_fails(false), Err(Fault::Rejected)));
}

#[circuit_breaker(name = "rules/run", window = 100, failure_threshold = 50, consecutive_failures = 2)]
fn in_a_row(fail: bool) -> Result<(), Fault> {
    if fail { Err(Fault::Down) } else { Ok(()) }
}

#[test]
fn the_attribute_opens_at_consecutive_failures_although_there_is_a_window() {
    for fail in [true, false, true] {
        assert_eq!(in_a_row(fail).is_err(), fail);
    }
    assert_eq!(breaker("rules/run").state(), State::Closed);
    in_a_row(true).unwrap_err();
    assert_eq!(breaker("rules/run").state(), State::Open);
}

#[circuit_breaker(name = "rules/shadow", failure_threshold = 1, mode = "shadow")]
fn watched() -> Result<(), Fault> {
    Err(Fault::Down)
}

#[test]
fn in_shadow_mode_the_circuit_opens_and_still_admits_calls() {
    for _ in 0..3 {
        assert!(matches!(watched(), Err(Fault::Down)));
    }
    assert_eq!(breaker("rules/shadow").state(), State::Open);
}

struct Timeouts {
    read: Duration,
}

impl Timeouts {
    const fn read(&self) -> Duration {
        self.read
    }
}

const TIMEOUTS: Timeouts = Timeouts { read: Duration::from_secs(2) };
const LIMIT: &u32 = &7;

#[circuit_breaker(
    name = "rules/const blocks",
    recovery_timeout = const { TIMEOUTS.read() },
    failure_threshold = 2 * const { *LIMIT }
)]
fn const_blocks() -> Result<u32, Fault> {
    Ok(1)
}

#[test]
fn a_const_block_may_contain_any_const_expression() {
    const_blocks().unwrap();
    let config = breaker("rules/const blocks").config();
    assert_eq!((config.recovery_timeout(), config.failure_threshold()), (Duration::from_secs(2), Some(14)));
}
