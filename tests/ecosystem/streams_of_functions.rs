//! `settle = stream`: the call of a function lasts until the stream that it returns has ended.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, Registry, Snapshot, State, circuit_breaker, testing,
};
use futures_util::Stream;

use crate::scripted_stream::Step::{self, Item, Pending};
use crate::scripted_stream::{poll, scripted};

#[derive(Clone, Debug, PartialEq)]
enum Fault {
    Reset,
    NotFound,
    Rejected,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}

type Token = Result<u8, Fault>;
type Steps = Vec<Step<Token>>;
type BoxedTokens = Pin<Box<dyn Stream<Item = Token> + Send>>;

const SECOND: Duration = Duration::from_secs(1);

fn snapshot(name: &str) -> Snapshot {
    Registry::global().get(name).expect("the function was called").snapshot()
}

/// Returns the successes, failures and ignored calls.
fn counts(name: &str) -> [u64; 3] {
    let totals = snapshot(name).totals;
    [totals.successes, totals.failures, totals.ignored]
}

#[circuit_breaker(name = "cancelled", settle = stream, cancelled_after = "5s")]
fn open_silent() -> Result<impl Stream<Item = Token> + Unpin, Fault> {
    Ok(scripted([Pending, Pending]))
}

#[test]
fn a_sync_function_can_limit_the_wait_for_an_item_of_its_stream() {
    testing::scope(|scope| {
        for (wait, expected) in [(SECOND * 4, [0, 0, 1]), (SECOND * 5, [0, 1, 1])] {
            let mut stream = open_silent().expect("a stream");
            assert_eq!(poll(&mut stream), Poll::Pending);
            scope.advance(wait);
            drop(stream);
            assert_eq!(counts("cancelled"), expected);
        }
    });
}

#[circuit_breaker(name = "sync", settle = stream, failure_threshold = 2, max_concurrent = 1)]
fn open(steps: Steps) -> Result<impl Stream<Item = Token> + Send + Unpin + use<>, Fault> {
    if steps.is_empty() {
        return Err(Fault::Reset);
    }
    Ok(scripted(steps))
}

#[test]
fn a_stream_of_a_sync_function_settles_its_call() {
    testing::scope(|_| {
        assert!(open(vec![]).is_err());
        assert_eq!(counts("sync"), [0, 1, 0], "no stream was opened");
        let mut stream = open(vec![Item(Ok(1))]).expect("a stream");
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
        assert_eq!((counts("sync"), snapshot("sync").calls_in_flight), ([0, 1, 0], Some(1)));
        assert_eq!(open(vec![Pending]).err(), Some(Fault::Rejected), "the stream has the only slot");
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!((counts("sync"), snapshot("sync").calls_in_flight), ([1, 1, 0], Some(0)));
        for _ in 0..2 {
            let mut stream = open(vec![Item(Ok(1)), Item(Err(Fault::Reset)), Item(Ok(2))]).expect("a stream");
            while poll(&mut stream) != Poll::Ready(None) {}
        }
        assert_eq!((counts("sync"), snapshot("sync").state), ([1, 3, 0], State::Open));
        let opened = snapshot("sync").last_transition.expect("it has opened");
        assert_eq!(opened.last_failure.as_deref(), Some("Reset"));
        assert_eq!(open(vec![Pending]).err(), Some(Fault::Rejected));
    });
}

#[circuit_breaker(name = "async", settle = stream, failure_threshold = 2, call_timeout = "5s")]
async fn open_async(steps: Steps, wait: Duration) -> Result<impl Stream<Item = Token> + Send + Unpin, Fault> {
    _ = tokio::time::timeout(wait, std::future::pending::<()>()).await;
    if steps.is_empty() {
        return Err(Fault::Reset);
    }
    Ok(scripted(steps))
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_an_async_function_settles_its_call_and_call_timeout_ends_with_its_return() {
    testing::scope_async(|_| async {
        let mut stream = open_async(vec![Pending, Item(Ok(1))], Duration::ZERO).await.expect("a stream");
        assert_eq!(poll(&mut stream), Poll::Pending);
        tokio::time::advance(SECOND * 60).await;
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!(counts("async"), [1, 0, 0]);
        assert_eq!(open_async(vec![], Duration::ZERO).await.err(), Some(Fault::Reset));
        assert_eq!(counts("async"), [1, 1, 0]);
        assert_eq!(open_async(vec![Pending], SECOND * 6).await.err(), Some(Fault::Rejected));
        assert_eq!(snapshot("async").totals.timeouts, 1);
        assert_eq!(snapshot("async").state, State::Open);
    })
    .await;
}

#[circuit_breaker(name = "boxed", settle = stream, failure_threshold = 1, fallback = boxed_fallback)]
async fn open_boxed(steps: Steps) -> Result<BoxedTokens, Fault> {
    Ok(Box::pin(scripted(steps)))
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns the type of its function")]
fn boxed_fallback(_: Steps) -> Result<BoxedTokens, Fault> {
    Ok(Box::pin(scripted([Item(Ok(42)), Item(Err(Fault::NotFound))])))
}

#[tokio::test]
async fn a_boxed_stream_settles_its_call_and_a_fallback_can_return_another_stream() {
    testing::scope_async(|_| async {
        let mut stream = open_boxed(vec![Item(Err(Fault::Reset))]).await.expect("a stream");
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Err(Fault::Reset))));
        assert_eq!((counts("boxed"), snapshot("boxed").state), ([0, 1, 0], State::Open));
        let mut stream = open_boxed(vec![]).await.expect("the stream of the fallback");
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(42))));
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Err(Fault::NotFound))));
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!(counts("boxed"), [0, 1, 0], "the stream of a fallback does not count");
        assert_eq!(snapshot("boxed").totals.fallbacks.successes, 1);
    })
    .await;
}

#[circuit_breaker(
    name = "conditions",
    settle = stream,
    failure_if(Err(Fault::Reset)),
    ignore_if = |result| matches!(result, Err(Fault::Rejected))
)]
fn open_with_conditions(result: Result<Steps, Fault>) -> Result<impl Stream<Item = Token> + Unpin, Fault> {
    result.map(scripted)
}

#[test]
fn conditions_decide_about_the_result_of_the_function_and_not_about_items() {
    testing::scope(|_| {
        for (error, expected) in
            [(Fault::Reset, [0, 1, 0]), (Fault::NotFound, [1, 1, 0]), (Fault::Rejected, [1, 1, 1])]
        {
            assert!(open_with_conditions(Err(error)).is_err());
            assert_eq!(counts("conditions"), expected);
        }
        let mut stream = open_with_conditions(Ok(vec![Item(Err(Fault::NotFound))])).expect("a stream");
        assert_eq!(counts("conditions"), [1, 1, 1]);
        assert!(poll(&mut stream).is_ready());
        assert_eq!(counts("conditions"), [1, 2, 1], "every error of a stream is a failure");
    });
}

#[circuit_breaker(name = "on_failure", settle = stream, fallback = boxed_fallback, fallback_on = failure)]
async fn open_or_fall_back(steps: Steps) -> Result<BoxedTokens, Fault> {
    if steps.len() > 1 { Err(Fault::Reset) } else { Ok(Box::pin(scripted(steps))) }
}

#[tokio::test]
async fn a_fallback_for_failures_replaces_a_stream_that_could_not_be_opened() {
    testing::scope_async(|_| async {
        let mut stream = open_or_fall_back(vec![Pending, Pending]).await.expect("the stream of the fallback");
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(42))));
        assert_eq!(counts("on_failure"), [0, 1, 0]);
        let mut stream = open_or_fall_back(vec![Item(Err(Fault::Reset))]).await.expect("a stream");
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Err(Fault::Reset))));
        assert_eq!(counts("on_failure"), [0, 2, 0]);
    })
    .await;
}

struct Client {
    breaker: CircuitBreaker,
    name: String,
}

impl Client {
    #[circuit_breaker(breaker = self.breaker, settle = stream)]
    async fn chat<T: Into<u8>>(&self, token: T) -> Result<impl Stream<Item = Token> + use<'_, T>, Fault> {
        let length = u8::try_from(self.name.len()).unwrap_or_default();
        let items = [Item(Ok(token.into())), Item(Ok(length))];
        Ok(futures_util::StreamExt::map(scripted(items), |item| {
            _ = &self.name;
            item
        }))
    }
}

#[tokio::test]
async fn a_generic_method_of_an_existing_breaker_can_return_a_stream_that_borrows() {
    let breaker = CircuitBreaker::new("client", Config::default()).expect("a valid name");
    let client = Client { breaker: breaker.clone(), name: "model".to_owned() };
    let stream = client.chat(3_u8).await.expect("a stream");
    let items: Vec<_> = futures_util::StreamExt::collect(stream).await;
    assert_eq!((items, breaker.snapshot().totals.successes), (vec![Ok(3), Ok(5)], 1));
}

#[circuit_breaker(name = "keyed", settle = stream, failure_threshold = 1, key = model)]
async fn open_keyed(model: &str, steps: Steps) -> Result<impl Stream<Item = Token> + Unpin + use<>, Fault> {
    _ = model.len();
    Ok(scripted(steps))
}

#[tokio::test]
async fn a_stream_settles_the_circuit_of_its_key() {
    testing::scope_async(|_| async {
        let mut healthy = open_keyed("large", vec![Item(Ok(1))]).await.expect("a stream");
        let mut broken = open_keyed("small", vec![Item(Err(Fault::Reset))]).await.expect("a stream");
        assert!(poll(&mut broken).is_ready() && poll(&mut healthy).is_ready());
        assert_eq!(open_keyed("small", vec![Pending]).await.err(), Some(Fault::Rejected));
        assert!(open_keyed("large", vec![Pending]).await.is_ok());
    })
    .await;
}

#[async_trait::async_trait]
trait Model {
    async fn complete(&self, steps: Steps) -> Result<BoxedTokens, Fault>;
}

struct Remote;

#[async_trait::async_trait]
impl Model for Remote {
    #[circuit_breaker(name = "trait", settle = stream, fallback = |_| Err(Fault::NotFound), failure_threshold = 1)]
    async fn complete(&self, steps: Steps) -> Result<BoxedTokens, Fault> {
        Ok(Box::pin(scripted(steps)))
    }
}

#[tokio::test]
async fn a_method_of_an_async_trait_can_return_a_boxed_stream() {
    testing::scope_async(|_| async {
        let model: Box<dyn Model> = Box::new(Remote);
        let mut stream = model.complete(vec![Item(Err(Fault::Reset))]).await.expect("a stream");
        assert_eq!(counts("trait"), [0; 3]);
        assert!(poll(&mut stream).is_ready());
        assert_eq!(model.complete(vec![]).await.err(), Some(Fault::NotFound));
    })
    .await;
}

#[circuit_breaker(name = "rejections", settle = stream)]
fn open_beside_others() -> Result<impl Stream<Item = Result<u8, BreakerError>> + Unpin, BreakerError> {
    let other = BreakerError::new("search", breaker_runtime::ErrorKind::Open);
    Ok(scripted([Item(Ok(1)), Item(Err(other))]))
}

#[test]
fn an_item_that_is_the_error_of_another_breaker_is_ignored() {
    testing::scope(|_| {
        let mut stream = open_beside_others().expect("a stream");
        while !matches!(poll(&mut stream), Poll::Ready(None)) {}
        assert_eq!(counts("rejections"), [0, 0, 1]);
    });
}

#[circuit_breaker(name = "waiting", settle = stream, max_concurrent = 1, max_wait = "1s")]
async fn open_after_wait(steps: Steps) -> Result<impl Stream<Item = Token> + Unpin, Fault> {
    Ok(scripted(steps))
}

#[tokio::test(start_paused = true)]
async fn a_call_can_wait_for_the_slot_of_a_stream() {
    testing::scope_async(|_| async {
        let mut first = open_after_wait(vec![Pending]).await.expect("a stream");
        assert_eq!(poll(&mut first), Poll::Pending);
        assert_eq!(open_after_wait(vec![]).await.err(), Some(Fault::Rejected), "it waits in vain");
        let second = open_after_wait(vec![]);
        let end = async { assert_eq!(poll(&mut first), Poll::Ready(None)) };
        let (second, ()) = futures_util::join!(second, end);
        assert_eq!(snapshot("waiting").calls_in_flight, Some(1));
        drop(second);
        assert_eq!((counts("waiting"), snapshot("waiting").calls_in_flight), ([1, 0, 1], Some(0)));
    })
    .await;
}

#[test]
fn the_stream_of_a_call_leaves_the_slot_of_its_thread() {
    testing::scope(|_| {
        let held = open(vec![Pending]).expect("a stream");
        assert_eq!(open(vec![Pending]).err(), Some(Fault::Rejected), "it does not run inside the other call");
        drop(held);
        assert!(open(vec![Pending]).is_ok());
    });
}

#[circuit_breaker(name = "nested", settle = stream, max_concurrent = 1)]
async fn open_inside(_: u8) -> Result<BoxedTokens, Fault> {
    Ok(Box::pin(scripted([Pending, Item(Err(Fault::Reset))])))
}

#[circuit_breaker(name = "nested", max_concurrent = 1)]
async fn open_outside(number: u8) -> Result<BoxedTokens, Fault> {
    open_inside(number).await
}

#[tokio::test]
async fn the_stream_of_a_call_inside_another_one_holds_no_slot_and_settles_its_call() {
    testing::scope_async(|_| async {
        let mut first = open_outside(1).await.expect("a stream");
        let second = open_outside(2).await.expect("another stream");
        assert_eq!((counts("nested"), snapshot("nested").calls_in_flight), ([2, 0, 0], Some(0)));
        assert_eq!(poll(&mut first), Poll::Pending);
        assert_eq!(poll(&mut first), Poll::Ready(Some(Err(Fault::Reset))));
        drop(second);
        assert_eq!((counts("nested"), snapshot("nested").calls_in_flight), ([2, 1, 1], Some(0)));
    })
    .await;
}
