//! The rows of crates that protect async functions and services.

use std::future::Future;
use std::hint::black_box;
use std::sync::OnceLock;

use peer_breaker::CircuitBreaker;
use tokio::runtime::{Builder, Runtime};
use tower::{Service, service_fn};

use super::peers::{self, TowerLayer};
use super::work::{WorkFailed, WorkResult, ready, repeat, work_async, work_or_fail_async};

pub(crate) fn breaker_closed(calls: u64) {
    static PEER: OnceLock<CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| peers::breaker(1));
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

pub(crate) fn breaker_window(calls: u64) {
    static PEER: OnceLock<CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| peers::breaker(100));
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

pub(crate) fn breaker_failing(calls: u64) {
    static PEER: OnceLock<CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| peers::breaker(1));
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_or_fail_async(10, number)))));
}

pub(crate) fn breaker_open(calls: u64) {
    static PEER: OnceLock<CircuitBreaker> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = peers::breaker(1);
        peer.trip();
        peer
    });
    repeat(calls, |number| _ = black_box(ready(peer.call(|| work_async(number)))));
}

/// Calls a service of tower-resilience: `$layer` around `$function`, whose circuit all threads share. Each thread has a
/// service of its own, as calls need it mutably.
macro_rules! tower_row {
    ($row:ident calls $function:expr, $layer:expr) => {
        pub(crate) fn $row(calls: u64) {
            static LAYER: OnceLock<TowerLayer> = OnceLock::new();
            let layer = LAYER.get_or_init(|| $layer);
            let mut service = layer.layer_fn(service_fn($function));
            runtime().block_on(async {
                for number in 0..calls {
                    _ = black_box(call(&mut service, black_box(number)).await);
                }
            });
        }
    };
}

tower_row!(tower_closed calls work_async, peers::tower_in_a_row());
tower_row!(tower_window calls work_async, peers::tower_window());
tower_row!(tower_failing calls |number| work_or_fail_async(10, number), peers::tower_in_a_row());
tower_row!(tower_open calls work_async, {
    let layer = peers::tower_in_a_row();
    let mut failing = layer.layer_fn(service_fn(|_: u64| async { Err::<u64, _>(WorkFailed) }));
    runtime().block_on(async {
        for number in 0..5 {
            _ = call(&mut failing, number).await;
        }
    });
    layer
});

/// Returns a runtime with timers: while a circuit of tower-resilience is open, a thread that finds it locked sleeps.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build();
        runtime.expect("the system has threads")
    })
}

async fn call<S: Service<u64>>(service: &mut S, number: u64) -> Result<S::Response, S::Error> {
    std::future::poll_fn(|context| service.poll_ready(context)).await?;
    service.call(number).await
}

/// Runs a number of calls.
type Calls = Box<dyn Fn(u64) + Send + Sync>;

/// Returns the calls of a service that seatbelt protects. The type of the service has no name.
fn seatbelt<F>(run: impl Fn(u64) -> F + Send + Sync + 'static) -> Calls
where
    F: Future<Output = WorkResult> + Send + 'static,
{
    let service = peers::seatbelt(run);
    Box::new(move |calls| {
        repeat(calls, |number| _ = black_box(ready(layered::Service::execute(&service, number))));
    })
}

pub(crate) fn seatbelt_closed(calls: u64) {
    static PEER: OnceLock<Calls> = OnceLock::new();
    PEER.get_or_init(|| seatbelt(work_async))(calls);
}

pub(crate) fn seatbelt_failing(calls: u64) {
    static PEER: OnceLock<Calls> = OnceLock::new();
    PEER.get_or_init(|| seatbelt(|number| work_or_fail_async(10, number)))(calls);
}

pub(crate) fn seatbelt_open(calls: u64) {
    static PEER: OnceLock<Calls> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let peer = seatbelt(async |_| Err(WorkFailed));
        peer(20);
        peer
    });
    peer(calls);
}
