//! A stack of three annotated functions, as in a service behind an HTTP handler: only the circuit of the
//! function that talks to the dependency opens, and the stack recovers as soon as that circuit does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use breaker_runtime::testing::{Scope, assert_state, scope, scope_async};
use breaker_runtime::{BreakerError, State, Totals, circuit_breaker};
use thiserror::Error;

/// Time after which the circuit of the client admits a trial call. The other circuits use the default.
const RECOVERY: Duration = Duration::from_secs(5);
/// Calls during an outage: more than each threshold.
const CALLS: u64 = 20;

#[derive(Debug, Error)]
enum ClientError {
    #[error("the server is down")]
    Down,
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

#[derive(Debug, Error)]
enum ServiceError {
    #[error("the client failed")]
    Client(#[from] ClientError),
    #[error("rejected: {0}")]
    Breaker(#[from] BreakerError),
}

/// Hides the error of the service completely, as `#[error(transparent)]` does.
#[derive(Debug, Error)]
enum HandlerError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

/// `HandlerError` without a derive macro.
#[derive(Debug)]
enum PlainError {
    Service(ServiceError),
    Breaker(BreakerError),
}

impl std::fmt::Display for PlainError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(error) => error.fmt(out),
            Self::Breaker(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for PlainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service(error) => error.source(),
            Self::Breaker(error) => error.source(),
        }
    }
}

impl From<ServiceError> for PlainError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<BreakerError> for PlainError {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

/// An error that can be cloned. `Arc` forwards `source` as well.
#[derive(Clone, Debug, Error)]
#[error(transparent)]
struct SharedError(Arc<dyn std::error::Error + Send + Sync>);

impl From<ServiceError> for SharedError {
    fn from(error: ServiceError) -> Self {
        Self(Arc::new(error))
    }
}

impl From<BreakerError> for SharedError {
    fn from(error: BreakerError) -> Self {
        Self(Arc::new(error))
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Defines the three functions in a sync and an async form, and their test.
macro_rules! stack {
    ($module:ident, client: $client:ty, service: $service:ty, handler: $handler:ty, $convert:expr) => {
        mod $module {
            use super::*;

            #[circuit_breaker(
                                                        name = concat!(stringify!($module), "/client"),
                                                        failure_threshold = 2,
                                                        success_threshold = 1,
                                                        max_concurrent = 1,
                                                        recovery_timeout = RECOVERY
                                                    )]
            fn client(up: bool) -> Result<u32, $client> {
                if up { Ok(1) } else { Err(ClientError::Down.into()) }
            }

            #[circuit_breaker(name = concat!(stringify!($module), "/service"))]
            fn service(up: bool) -> Result<u32, $service> {
                $convert(client(up))
            }

            #[circuit_breaker(name = concat!(stringify!($module), "/handler"))]
            fn handler(up: bool) -> Result<u32, $handler> {
                let answer = service(up)?;
                Ok(answer)
            }

            #[circuit_breaker(
                                                        name = concat!(stringify!($module), "/client, async"),
                                                        failure_threshold = 2,
                                                        success_threshold = 1,
                                                        max_concurrent = 1,
                                                        recovery_timeout = RECOVERY
                                                    )]
            async fn client_async(up: bool) -> Result<u32, $client> {
                tokio::task::yield_now().await;
                if up { Ok(1) } else { Err(ClientError::Down.into()) }
            }

            #[circuit_breaker(name = concat!(stringify!($module), "/service, async"))]
            async fn service_async(up: bool) -> Result<u32, $service> {
                $convert(client_async(up).await)
            }

            #[circuit_breaker(name = concat!(stringify!($module), "/handler, async"))]
            async fn handler_async(up: bool) -> Result<u32, $handler> {
                let answer = service_async(up).await?;
                Ok(answer)
            }

            #[test]
            fn only_the_circuit_of_the_client_opens() {
                let prefix = stringify!($module);
                scope(|scope| {
                    let stack = Stack::new(&scope, prefix, "");
                    (0..CALLS).for_each(|_| assert!(handler(false).is_err()));
                    stack.assert_after_outage();
                    scope.advance(RECOVERY);
                    assert_eq!(handler(true).unwrap(), 1);
                    stack.assert_recovered();
                    let client = stack.breaker("client");
                    let slot = client.try_acquire().unwrap();
                    (0..CALLS).for_each(|_| assert!(handler(true).is_err()));
                    stack.assert_recovered();
                    drop(slot);
                    assert_eq!(handler(true).unwrap(), 1);
                });
            }

            #[tokio::test]
            async fn only_the_circuit_of_the_async_client_opens() {
                let prefix = stringify!($module);
                scope_async(async |scope| {
                    let stack = Stack::new(&scope, prefix, ", async");
                    for _ in 0..CALLS {
                        assert!(handler_async(false).await.is_err());
                    }
                    stack.assert_after_outage();
                    scope.advance(RECOVERY);
                    assert_eq!(handler_async(true).await.unwrap(), 1);
                    stack.assert_recovered();
                    let client = stack.breaker("client");
                    let slot = client.try_acquire().unwrap();
                    for _ in 0..CALLS {
                        assert!(handler_async(true).await.is_err());
                    }
                    stack.assert_recovered();
                    drop(slot);
                    assert_eq!(handler_async(true).await.unwrap(), 1);
                })
                .await;
            }
        }
    };
}

stack!(with_thiserror, client: ClientError, service: ServiceError, handler: HandlerError, from_client);
stack!(with_plain_impls, client: ClientError, service: ServiceError, handler: PlainError, from_client);
stack!(with_shared_errors, client: ClientError, service: ServiceError, handler: SharedError, from_client);
stack!(with_anyhow, client: anyhow::Error, service: anyhow::Error, handler: anyhow::Error, with_context);
stack!(with_anyhow_outside, client: ClientError, service: ServiceError, handler: anyhow::Error, from_client);
stack!(with_boxes, client: BoxError, service: BoxError, handler: BoxError, same);
stack!(with_boxes_outside, client: ClientError, service: ServiceError, handler: BoxError, from_client);

fn from_client(answer: Result<u32, ClientError>) -> Result<u32, ServiceError> {
    Ok(answer?)
}

fn with_context(answer: anyhow::Result<u32>) -> anyhow::Result<u32> {
    answer.context("the client failed").context("the service failed")
}

const fn same<T>(answer: T) -> T {
    answer
}

/// The circuits of one stack.
struct Stack<'a> {
    scope: &'a Scope,
    prefix: &'a str,
    suffix: &'a str,
}

impl<'a> Stack<'a> {
    const fn new(scope: &'a Scope, prefix: &'a str, suffix: &'a str) -> Self {
        Self { scope, prefix, suffix }
    }

    fn breaker(&self, level: &str) -> breaker_runtime::CircuitBreaker {
        let Self { prefix, suffix, .. } = self;
        self.scope.registry().get(&format!("{prefix}/{level}{suffix}")).unwrap()
    }

    fn totals(&self, level: &str) -> Totals {
        self.breaker(level).snapshot().totals
    }

    /// The failures of the client count at each level. The rejections count only at the client.
    fn assert_after_outage(&self) {
        assert_state(&self.breaker("client"), State::Open);
        let client = self.totals("client");
        assert_eq!((client.failures, client.rejected), (2, CALLS - 2));
        for level in ["service", "handler"] {
            assert_state(&self.breaker(level), State::Closed);
            let totals = self.totals(level);
            assert_eq!((totals.failures, totals.ignored, totals.rejected), (2, CALLS - 2, 0), "{level}");
        }
    }

    fn assert_recovered(&self) {
        for level in ["client", "service", "handler"] {
            assert_state(&self.breaker(level), State::Closed);
            assert_eq!(self.totals(level).failures, 2, "{level}");
        }
    }
}
