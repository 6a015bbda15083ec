//! A service, its callers, and the figures of one run, in paused time.
//!
//! The durations are such that events of different kinds fall on different milliseconds, so that the figures do not depend
//! on the order in which a runtime executes timers of the same moment. Tokens are the exception, and there it does not
//! matter which of the waiting callers gets the next one.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, ConfigBuilder, Event, RetryBudget, State, Subscription};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(super) const CALL: Duration = Duration::from_millis(20);
/// The time limit of an attempt.
pub(super) const TIMEOUT: Duration = Duration::from_millis(530);
/// The pause before a retry.
pub(super) const PAUSE: Duration = Duration::from_millis(310);
pub(super) const RETRIES: usize = 2;
/// The longest time that a rejected call waits for its circuit.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

const WARM_UP: Duration = Duration::from_secs(10);
const TROUBLE: Duration = Duration::from_secs(30);
const COOL_DOWN: Duration = Duration::from_secs(20);
const BETWEEN_CALLS: Duration = Duration::from_millis(100);
const HANG: Duration = Duration::from_secs(60);

/// Behavior of the service and of the callers during the trouble.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The service accepts calls and never answers.
    Outage,
    /// Four of ten calls fail at once.
    PartialFailure,
    /// The service is healthy, and 100 callers arrive at the same moment.
    Burst,
    /// Every call fails at once, and 100 callers arrive at the same moment.
    FailingBurst,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the service failed")]
    Failed,
    #[error("no answer in time")]
    TimedOut,
    #[error("too many calls at once")]
    Full,
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Real,
    Fallback,
}

/// The figures of one run, for the calls that began during the trouble unless stated otherwise.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Calls that reached the service during the trouble.
    pub(super) reached: u64,
    /// Tokens that were taken from the rate limiter during the trouble.
    pub(super) tokens: u64,
    pub(super) real: u64,
    pub(super) fallbacks: u64,
    /// Callers that waited for at least half a second.
    pub(super) slow: u64,
    /// Time from the start of the trouble until the circuit opened.
    pub(super) opened_after: Option<Duration>,
}

/// The time of tokio's clock since the run began, for governor.
#[derive(Clone)]
struct SimulatedTime(Instant);

impl Clock for SimulatedTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The parts of a client, which each order combines differently.
pub(super) struct Parts {
    pub(super) breaker: CircuitBreaker,
    pub(super) budget: RetryBudget,
    pub(super) bulkhead: Semaphore,
    limiter: RateLimiter<NotKeyed, InMemoryState, SimulatedTime, NoOpMiddleware<Duration>>,
    began: Instant,
    trouble: Trouble,
    calls: AtomicU64,
    reached: AtomicU64,
    tokens: AtomicU64,
    opened: OnceLock<Duration>,
}

impl Parts {
    fn new(settings: ConfigBuilder, trouble: Trouble) -> Arc<Self> {
        let began = Instant::now();
        let config = settings.failure_threshold(5).recovery_timeout(Duration::from_secs(5)).build();
        let breaker = CircuitBreaker::new("simulated", config.expect("valid settings")).expect("a name");
        let quota = Quota::per_second(const { NonZeroU32::new(20).expect("not zero") });
        Arc::new(Self {
            budget: breaker.budget(),
            breaker,
            bulkhead: Semaphore::new(2),
            limiter: RateLimiter::direct_with_clock(quota, SimulatedTime(began)),
            began,
            trouble,
            calls: AtomicU64::new(0),
            reached: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
            opened: OnceLock::new(),
        })
    }

    /// Waits for a token of the rate limiter.
    pub(super) async fn token(&self) {
        while let Err(not_yet) = self.limiter.check() {
            wait(not_yet.wait_time_from(self.began.elapsed())).await;
        }
        self.count(&self.tokens);
    }

    /// Calls the service.
    pub(super) async fn call(&self) -> Result<Answer, CallError> {
        self.count(&self.reached);
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.trouble {
            Trouble::Outage if self.is_in_trouble() => wait(HANG).await,
            Trouble::Outage | Trouble::PartialFailure | Trouble::Burst | Trouble::FailingBurst => {
                wait(CALL).await;
            }
        }
        if self.trouble == Trouble::FailingBurst && self.is_in_trouble() {
            return Err(CallError::Failed);
        }
        // The failures are spread: 0, 3, 6 and 9 of ten.
        if self.trouble == Trouble::PartialFailure && self.is_in_trouble() && number * 7 % 10 < 4 {
            return Err(CallError::Failed);
        }
        Ok(Answer::Real)
    }

    fn is_in_trouble(&self) -> bool {
        (WARM_UP..WARM_UP + TROUBLE).contains(&self.began.elapsed())
    }

    fn count(&self, counter: &AtomicU64) {
        if self.is_in_trouble() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn note_opening(self: &Arc<Self>) -> Subscription {
        let parts = Arc::downgrade(self);
        self.breaker.listen(move |event: &Event| {
            if let Event::StateChanged(change) = event
                && change.transition().to == State::Open
                && let Some(parts) = parts.upgrade()
            {
                parts.opened.get_or_init(|| parts.began.elapsed().saturating_sub(WARM_UP));
            }
        })
    }
}

/// Waits in simulated time.
#[expect(clippy::disallowed_methods, reason = "the time is paused and passes at once")]
pub(super) async fn wait(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Runs all callers with this order of the parts. A caller that gets an error uses a fallback.
pub(super) async fn simulate<F, C>(settings: ConfigBuilder, trouble: Trouble, order: F) -> Figures
where
    F: Fn(Arc<Parts>) -> C,
    C: Future<Output = Result<Answer, CallError>> + Send + 'static,
{
    let parts = Parts::new(settings, trouble);
    let _opening = parts.note_opening();
    let mut callers = JoinSet::new();
    let begin = |callers: &mut JoinSet<_>| {
        let (began, call) = (parts.began, order(Arc::clone(&parts)));
        let start = began.elapsed();
        callers.spawn(async move {
            let answer = call.await.unwrap_or(Answer::Fallback);
            (start, began.elapsed().saturating_sub(start), answer)
        });
    };
    while parts.began.elapsed() < WARM_UP + TROUBLE + COOL_DOWN {
        begin(&mut callers);
        let is_burst = matches!(trouble, Trouble::Burst | Trouble::FailingBurst);
        if is_burst && parts.began.elapsed() == WARM_UP {
            (0..100).for_each(|_| begin(&mut callers));
        }
        wait(BETWEEN_CALLS).await;
    }
    let mut figures = Figures::default();
    for (start, took, answer) in callers.join_all().await {
        figures.add(start, took, answer);
    }
    figures.reached = parts.reached.load(Ordering::Relaxed);
    figures.tokens = parts.tokens.load(Ordering::Relaxed);
    figures.opened_after = parts.opened.get().copied();
    figures
}

impl Figures {
    fn add(&mut self, start: Duration, took: Duration, answer: Answer) {
        if (WARM_UP..WARM_UP + TROUBLE).contains(&start) {
            self.slow += u64::from(took >= Duration::from_millis(500));
            match answer {
                Answer::Real => self.real += 1,
                Answer::Fallback => self.fallbacks += 1,
            }
        }
    }
}
