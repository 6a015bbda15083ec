//! The shapes of functions and calls that settings must act on.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use breaker_runtime::testing::Scope;
use breaker_runtime::{
    BreakerError, CallError, CircuitBreaker, Config, KeyedBreaker, Registry, circuit_breaker,
};

/// What the body of a function does.
#[derive(Clone)]
pub(super) enum Step {
    Succeed,
    Fail,
    /// It succeeds after this time.
    Take(Scope, Duration),
    /// It never ends. Only for async functions.
    Hang,
}

/// The result of a call, whether its function has a fallback or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Returned,
    Failed,
    /// The breaker rejected or stopped the call.
    Rejected,
}

pub(super) type Call = Pin<Box<dyn Future<Output = Answer>>>;

/// One shape of functions, and the circuit of its calls.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) call: fn(&Owned, Step) -> Call,
    pub(super) live: fn(&Owned) -> Live,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sync,
    Async,
}

/// A circuit whose settings change while it is in use.
pub(super) enum Live {
    One(CircuitBreaker),
    Keyed(KeyedBreaker),
}

/// The breaker and the registry that some functions are given.
#[derive(Clone)]
pub(super) struct Owned {
    breaker: CircuitBreaker,
    registry: Registry,
}

impl Owned {
    pub(super) fn new() -> Self {
        Self {
            breaker: CircuitBreaker::new("live/given", Config::default()).unwrap(),
            registry: Registry::global(),
        }
    }
}

impl Live {
    pub(super) fn set_config(&self, config: Config) {
        match self {
            Self::One(breaker) => breaker.set_config(config),
            Self::Keyed(breaker) => breaker.set_config(config),
        }
    }

    pub(super) fn circuit(&self) -> CircuitBreaker {
        match self {
            Self::One(breaker) => breaker.clone(),
            Self::Keyed(breaker) => breaker.get("key"),
        }
    }
}

impl Step {
    fn run(self) -> Result<Answer, Fault> {
        match self {
            Self::Fail => return Err(Fault::Down),
            Self::Take(scope, time) => scope.advance(time),
            Self::Succeed | Self::Hang => {}
        }
        Ok(Answer::Returned)
    }

    async fn run_async(self) -> Result<Answer, Fault> {
        if let Self::Hang = self {
            std::future::pending::<()>().await;
        }
        self.run()
    }
}

/// The error of all functions.
#[derive(Debug)]
enum Fault {
    Down,
    Breaker,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Breaker
    }
}

type Answered = Result<Answer, Fault>;

fn answer(answered: Answered) -> Answer {
    answered.unwrap_or_else(|fault| match fault {
        Fault::Down => Answer::Failed,
        Fault::Breaker => Answer::Rejected,
    })
}

#[circuit_breaker(name = "live/sync")]
fn plain(step: Step) -> Answered {
    step.run()
}

#[circuit_breaker(name = "live/sync, path", fallback = rejected)]
fn with_path(step: Step) -> Answered {
    step.run()
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the function returns")]
fn rejected(_: Step) -> Answered {
    Ok(Answer::Rejected)
}

#[circuit_breaker(name = "live/sync, failure", fallback = after_failure, fallback_on = failure)]
fn on_failure(step: Step) -> Answered {
    step.run()
}

#[circuit_breaker(name = "live/sync, keyed", key = key, fallback = |_| Ok(Answer::Rejected))]
fn keyed(key: &str, step: Step) -> Answered {
    step.run()
}

#[circuit_breaker(breaker = breaker)]
fn given(breaker: &CircuitBreaker, step: Step) -> Answered {
    _ = breaker;
    step.run()
}

#[circuit_breaker(
    name = "live/sync, declared",
    window = 10,
    failure_rate = 1.0,
    max_concurrent = 9,
    max_wait = "1ns",
    durations = true
)]
fn declared(step: Step) -> Answered {
    step.run()
}

/// A failed call is its own fallback.
fn after_failure(step: Step) -> Answered {
    match step {
        Step::Fail => step.run(),
        Step::Succeed | Step::Take(..) | Step::Hang => Ok(Answer::Rejected),
    }
}

#[circuit_breaker(name = "live/async")]
async fn plain_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(name = "live/async, conditions", failure_if(Err(Fault::Down)))]
async fn conditions_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(name = "live/async, closure", fallback = |_| Ok(Answer::Rejected))]
async fn with_closure_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(name = "live/async, path", fallback = rejected_async)]
async fn with_path_async(mut step: Step, note: &str) -> Answered {
    if let Step::Hang = step {
        std::future::pending::<()>().await;
        step = Step::Succeed;
    }
    step.run_async().await
}

async fn rejected_async(_: Step, _: &str) -> Answered {
    std::future::ready(Ok(Answer::Rejected)).await
}

#[circuit_breaker(
    name = "live/async, path and conditions",
    fallback = rejected,
    ignore_if(Err(Fault::Breaker))
)]
async fn with_path_and_conditions_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(
    name = "live/async, failure",
    fallback = |error| match error {
        CallError::Breaker(_) => Ok(Answer::Rejected),
        CallError::Failed(output) => output,
    },
    fallback_on = failure
)]
async fn on_failure_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(name = "live/async, keyed", key = key)]
async fn keyed_async(key: &str, step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(name = "live/async, keyed path", key = key, fallback = |_| rejected(step))]
async fn keyed_with_path_async(key: &str, step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(breaker = breaker)]
async fn given_async(breaker: &CircuitBreaker, step: Step) -> Answered {
    _ = breaker;
    step.run_async().await
}

#[circuit_breaker(breaker = breaker, fallback = |_| rejected_async(step, ""))]
async fn given_with_fallback_async(breaker: &CircuitBreaker, step: Step) -> Answered {
    _ = breaker;
    step.run_async().await
}

#[circuit_breaker(name = "live/async, registry", registry = registry)]
async fn in_registry_async(registry: &Registry, step: Step) -> Answered {
    _ = registry;
    step.run_async().await
}

#[circuit_breaker(
    name = "live/async, declared",
    window = 10,
    failure_rate = 1.0,
    call_timeout = "1h",
    max_concurrent = 9,
    max_wait = "1ns",
    durations = true
)]
async fn declared_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(name = "live/async, declared path", call_timeout = "1h", fallback = rejected)]
async fn declared_path_async(step: Step) -> Answered {
    step.run_async().await
}

#[circuit_breaker(
    name = "live/async, declared wait",
    max_concurrent = 9,
    max_wait = "1ns",
    fallback = rejected
)]
async fn declared_wait_async(step: Step) -> Answered {
    step.run_async().await
}

#[async_trait]
trait Service {
    async fn run(&self, step: Step) -> Answered;

    async fn run_or(&self, step: Step) -> Answered;
}

struct Client;

#[async_trait]
impl Service for Client {
    #[circuit_breaker(name = "live/async-trait")]
    async fn run(&self, step: Step) -> Answered {
        step.run_async().await
    }

    #[circuit_breaker(name = "live/async-trait, closure", fallback = |_| rejected(step))]
    async fn run_or(&self, step: Step) -> Answered {
        step.run_async().await
    }
}

/// Returns the shape of functions with a circuit of that name.
macro_rules! shape {
    ($kind:ident, $name:literal, $owned:ident, $step:ident, $answered:expr) => {
        shape!($kind, $name, $owned, $step, $answered, |_| {
            Live::One(Registry::global().get($name).expect($name))
        })
    };
    ($kind:ident, keyed $name:literal, $owned:ident, $step:ident, $answered:expr) => {
        shape!($kind, $name, $owned, $step, $answered, |_| {
            Live::Keyed(Registry::global().get_keyed($name).expect($name))
        })
    };
    ($kind:ident, $name:literal, $owned:ident, $step:ident, $answered:expr, $live:expr) => {
        Shape {
            name: $name,
            kind: Kind::$kind,
            call: |owned, $step| {
                let $owned = owned.clone();
                Box::pin(async move {
                    _ = &$owned;
                    answer($answered)
                })
            },
            live: $live,
        }
    };
}

pub(super) const SHAPES: &[Shape] = &[
    shape!(Sync, "live/sync", owned, step, plain(step)),
    shape!(Sync, "live/sync, path", owned, step, with_path(step)),
    shape!(Sync, "live/sync, failure", owned, step, on_failure(step)),
    shape!(Sync, keyed "live/sync, keyed", owned, step, keyed("key", step)),
    shape!(Sync, "breaker, sync", owned, step, given(&owned.breaker, step), given_circuit),
    shape!(Sync, "live/sync, declared", owned, step, declared(step)),
    shape!(Sync, "call", owned, step, owned.breaker.call(|| step.run()), given_circuit),
    shape!(Async, "live/async", owned, step, plain_async(step).await),
    shape!(Async, "live/async, conditions", owned, step, conditions_async(step).await),
    shape!(Async, "live/async, closure", owned, step, with_closure_async(step).await),
    shape!(Async, "live/async, path", owned, step, with_path_async(step, "").await),
    shape!(Async, "live/async, path and conditions", owned, step, with_path_and_conditions_async(step).await),
    shape!(Async, "live/async, failure", owned, step, on_failure_async(step).await),
    shape!(Async, keyed "live/async, keyed", owned, step, keyed_async("key", step).await),
    shape!(Async, keyed "live/async, keyed path", owned, step, keyed_with_path_async("key", step).await),
    shape!(Async, "breaker, async", owned, step, given_async(&owned.breaker, step).await, given_circuit),
    shape!(
        Async,
        "breaker, async with a fallback",
        owned,
        step,
        given_with_fallback_async(&owned.breaker, step).await,
        given_circuit
    ),
    shape!(Async, "live/async, registry", owned, step, in_registry_async(&owned.registry, step).await),
    shape!(Async, "live/async, declared", owned, step, declared_async(step).await),
    shape!(Async, "live/async, declared path", owned, step, declared_path_async(step).await),
    shape!(Async, "live/async, declared wait", owned, step, declared_wait_async(step).await),
    shape!(Async, "live/async-trait", owned, step, Client.run(step).await),
    shape!(Async, "live/async-trait, closure", owned, step, Client.run_or(step).await),
    shape!(Async, "call_async", owned, step, owned.breaker.call_async(step.run_async()).await, given_circuit),
];

fn given_circuit(owned: &Owned) -> Live {
    Live::One(owned.breaker.clone())
}
