//! The key `config`: a policy that many functions share, with the other keys on top of it.

#![allow(dead_code, reason = "uncalled functions are declared too")]

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::testing::scope;
use breaker_runtime::{
    Adopt, BreakerError, Config, ConfigBuilder, Declaration, ErrorKind, Mode, Registry, Sharing, State,
    circuit_breaker,
};

use crate::support::{poll_once, seconds};

fn declared(name: &str) -> Config {
    Registry::declared().find(|declared| declared.name() == name).map(Declaration::config).unwrap()
}

#[derive(Debug, PartialEq)]
enum Fault {
    Down,
    Rejected(ErrorKind),
}

impl From<BreakerError> for Fault {
    fn from(error: BreakerError) -> Self {
        Self::Rejected(error.kind())
    }
}

/// A policy with a value for every setting.
const EVERYTHING: ConfigBuilder = Config::builder()
    .failure_threshold(3)
    .consecutive_failures(4)
    .failure_rate(0.25)
    .window_calls(50)
    .minimum_calls(7)
    .slow_call(Duration::from_secs(2))
    .slow_call_rate(0.75)
    .recovery_timeout(Duration::from_secs(8))
    .backoff(2.0)
    .max_recovery_timeout(Duration::from_secs(9))
    .jitter(0.5)
    .half_open_max_calls(2)
    .success_threshold(5)
    .half_open_timeout(Duration::from_secs(11))
    .call_timeout(Duration::from_secs(12))
    .cancelled_after(Duration::from_secs(13))
    .max_concurrent(14)
    .max_wait(Duration::from_secs(15))
    .durations(true)
    .shared(Sharing::First)
    .adopt(Adopt::Always)
    .mode(Mode::Shadow)
    .critical(true);

#[circuit_breaker(name = "config/everything", config = EVERYTHING)]
async fn everything() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(
    name = "config/replaced",
    config = EVERYTHING,
    failure_threshold = 30,
    consecutive_failures = 40,
    failure_rate = 0.5,
    window = "50s",
    minimum_calls = 70,
    slow_call = "20s",
    slow_call_rate = 1,
    recovery_timeout = "80s",
    backoff = 3,
    max_recovery_timeout = "90s",
    jitter = 0,
    half_open_max_calls = 20,
    success_threshold = 50,
    half_open_timeout = "110s",
    call_timeout = "120s",
    cancelled_after = "130s",
    max_concurrent = 140,
    max_wait = "0s",
    durations = false,
    shared = "local",
    adopt = "unless_healthy",
    mode = "enforce",
    critical = false
)]
async fn replaced() -> Result<(), Fault> {
    Ok(())
}

#[test]
fn every_setting_of_the_config_applies_and_every_key_replaces_it() {
    assert_eq!(declared("config/everything"), EVERYTHING.build().unwrap());
    let replaced = Config::builder()
        .failure_threshold(30)
        .consecutive_failures(40)
        .failure_rate(0.5)
        .window_time(seconds(50))
        .minimum_calls(70)
        .slow_call(seconds(20))
        .slow_call_rate(1.0)
        .recovery_timeout(seconds(80))
        .backoff(3.0)
        .max_recovery_timeout(seconds(90))
        .jitter(0.0)
        .half_open_max_calls(20)
        .success_threshold(50)
        .half_open_timeout(seconds(110))
        .call_timeout(seconds(120))
        .cancelled_after(seconds(130))
        .max_concurrent(140)
        .durations(false);
    assert_eq!(declared("config/replaced"), replaced.build().unwrap());
}

mod policies {
    use super::{Config, ConfigBuilder, seconds_const};

    pub(super) const RATE: ConfigBuilder = Config::builder().failure_rate(0.5);
    pub(super) const SLOW: ConfigBuilder = Config::builder().slow_call(seconds_const(2)).window_calls(10);
    pub(super) const BACKOFF: ConfigBuilder =
        Config::builder().recovery_timeout(seconds_const(5)).backoff(2.0);
    pub(super) const BULKHEAD: ConfigBuilder = Config::builder().max_concurrent(1);
}

const fn seconds_const(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const CALLS: u32 = 20;

#[circuit_breaker(name = "config/rate", config = policies::RATE, window = CALLS, minimum_calls = 20)]
fn rate() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "config/slow", config = policies::SLOW, slow_call_rate = 0.9, minimum_calls = 10)]
fn slow() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "config/backoff", config = policies::BACKOFF, max_recovery_timeout = "6s")]
fn backoff() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "config/bulkhead", config = policies::BULKHEAD, max_wait = "1s")]
fn bulkhead() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "config/expression", config = policies::BULKHEAD.failure_threshold(9))]
fn expression() -> Result<(), Fault> {
    Ok(())
}

static OF_A_STATIC: ConfigBuilder = Config::builder().failure_threshold(8);

#[circuit_breaker(name = "config/static", config = OF_A_STATIC, success_threshold = 1)]
fn with_static() -> Result<(), Fault> {
    Ok(())
}

macro_rules! with_policy {
    ($name:ident, $policy:expr) => {
        #[circuit_breaker(config = $policy)]
        fn $name() -> Result<(), Fault> {
            Ok(())
        }
    };
}

with_policy!(of_a_macro, policies::BACKOFF);

#[test]
fn requirements_of_the_keys_are_met_by_the_config() {
    let rate = declared("config/rate");
    assert_eq!((rate.failure_rate(), rate.window_calls(), rate.minimum_calls()), (Some(0.5), Some(20), 20));
    assert_eq!(declared("config/slow").slow_call_rate(), Some(0.9));
    assert_eq!(declared("config/backoff").max_recovery_timeout(), seconds(6));
    assert_eq!(declared("config/bulkhead").max_wait(), seconds(1));
    let expression = declared("config/expression");
    assert_eq!((expression.failure_threshold(), expression.max_concurrent()), (Some(9), Some(1)));
    assert_eq!(declared("it::attribute_config::of_a_macro").recovery_timeout(), seconds(5));
    let of_a_static = declared("config/static");
    assert_eq!((of_a_static.failure_threshold(), of_a_static.success_threshold()), (Some(8), 1));
}

/// A policy for the database.
const DB: ConfigBuilder = Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(5));

struct Repository {
    is_down: bool,
}

macro_rules! methods {
    ($($shared:ident $own:ident)*) => {
        /// Methods that share one circuit, and methods with one circuit each.
        impl Repository {
            $(
                #[circuit_breaker(name = "config/db", config = DB)]
                fn $shared(&self) -> Result<&'static str, Fault> {
                    if self.is_down { Err(Fault::Down) } else { Ok(stringify!($shared)) }
                }

                #[circuit_breaker(config = DB)]
                async fn $own(&mut self, row: String) -> Result<String, Fault> {
                    std::future::ready(()).await;
                    if self.is_down { Err(Fault::Down) } else { Ok(row) }
                }
            )*

            fn call_all(&mut self) -> Vec<Result<&'static str, Fault>> {
                vec![$(self.$shared()),*]
            }

            fn call_all_async(&mut self) -> Vec<Poll<Result<String, Fault>>> {
                let mut polls = Vec::new();
                $(polls.push(poll_once(pin!(self.$own(String::from("row")))));)*
                polls
            }
        }
    };
}

methods!(
    find own_find list own_list count own_count insert own_insert update own_update
    delete own_delete lock own_lock unlock own_unlock import own_import export own_export
);

#[circuit_breaker(name = "config/db", failure_threshold = 3, recovery_timeout = "5s")]
fn in_other_words() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "config/db", config = DB, failure_threshold = 3)]
fn with_the_same_value() -> Result<(), Fault> {
    Ok(())
}

#[test]
fn twenty_methods_share_a_policy_and_ten_of_them_a_circuit() {
    scope(|scope| {
        let mut events = scope.registry().subscribe();
        let mut up = Repository { is_down: false };
        assert!(up.call_all().iter().all(Result::is_ok));
        assert!(up.call_all_async().iter().all(|poll| *poll == Poll::Ready(Ok("row".to_owned()))));
        in_other_words().unwrap();
        with_the_same_value().unwrap();
        assert!(events.try_next().is_none(), "equal effective settings are no conflict");
        let breaker = scope.registry().get("config/db").unwrap();
        assert_eq!(breaker.snapshot().totals.successes, 12);

        let mut down = Repository { is_down: true };
        let results = down.call_all();
        assert_eq!(results.iter().filter(|result| **result == Err(Fault::Down)).count(), 3);
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(breaker.snapshot().retry_after, Some(seconds(5)));
        assert!(down.call_all_async().iter().all(|poll| *poll == Poll::Ready(Err(Fault::Down))));
        let own = scope.registry().get("it::attribute_config::own_find").unwrap();
        assert_eq!((own.state(), own.config()), (State::Closed, breaker.config()));
    });
}

#[circuit_breaker(name = "config/conflict", config = DB)]
fn strict() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "config/conflict", config = DB, success_threshold = 2)]
fn different() -> Result<(), Fault> {
    Ok(())
}

#[test]
fn a_key_on_top_of_a_shared_config_is_a_conflict_if_it_changes_the_settings() {
    scope(|scope| {
        strict().unwrap();
        different().unwrap();
        let found = scope.registry().check().unwrap_err();
        assert_eq!(found.iter().filter(|conflict| conflict.name() == "config/conflict").count(), 1);
        assert!(found.iter().all(|conflict| conflict.name() != "config/db"));
    });
}

#[circuit_breaker(name = "config/keyed", config = DB, key = tenant, max_keys = 5, failure_threshold = 1)]
fn keyed(tenant: &str) -> Result<(), Fault> {
    if tenant == "bad" { Err(Fault::Down) } else { Ok(()) }
}

#[test]
fn each_key_has_the_settings_of_the_config() {
    scope(|scope| {
        assert_eq!([keyed("bad"), keyed("good")], [Err(Fault::Down), Ok(())]);
        let tenants = scope.registry().get_keyed("config/keyed").unwrap();
        let circuit = tenants.get("bad");
        assert_eq!((circuit.state(), circuit.config().recovery_timeout()), (State::Open, seconds(5)));
        assert_eq!((tenants.max_keys(), tenants.get("good").state()), (5, State::Closed));
    });
}

trait Store {
    #[circuit_breaker(name = "config/default method", config = DB)]
    fn load(&self) -> Result<u32, Fault> {
        Ok(1)
    }

    async fn save(&self, row: u32) -> Result<u32, Fault>;
}

const REMOTE: ConfigBuilder = Config::builder().call_timeout(Duration::from_secs(1));

#[async_trait::async_trait]
trait Remote {
    async fn fetch(&self, row: String) -> Result<String, Fault>;
}

struct Disk;

impl Store for Disk {
    #[circuit_breaker(name = "config/async method", config = DB)]
    async fn save(&self, row: u32) -> Result<u32, Fault> {
        Ok(row)
    }
}

#[async_trait::async_trait]
impl Remote for Disk {
    #[circuit_breaker(name = "config/async_trait", config = REMOTE, fallback = |_| Ok(row))]
    async fn fetch(&self, row: String) -> Result<String, Fault> {
        std::future::pending::<()>().await;
        Ok(row + "?")
    }
}

#[test]
fn methods_of_traits_can_share_a_config() {
    scope(|scope| {
        Disk.load().unwrap();
        assert_eq!(poll_once(pin!(Disk.save(2))), Poll::Ready(Ok(2)));
        let mut fetch = pin!(Disk.fetch("row".to_owned()));
        assert_eq!(poll_once(fetch.as_mut()), Poll::Pending);
        scope.advance(seconds(2));
        assert_eq!(poll_once(fetch), Poll::Ready(Ok("row".to_owned())));
        for name in ["config/default method", "config/async method"] {
            assert_eq!(scope.registry().get(name).unwrap().config(), DB.build().unwrap());
        }
    });
}
