//! Listeners of a program that hang.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use breaker_runtime::{Event, Listener, Sharing, State};
use breaker_tests::redis_server::{RedisServer, is_available};

use super::process::{self, Process, config, until, until_all_are};

/// Lets a hanging listener go on when it is dropped.
type Hold = Sender<()>;

/// Returns a listener that hangs.
fn hanging_listener() -> (Hold, impl Listener + 'static) {
    let (hold, end) = channel::<()>();
    let end = Mutex::new(end);
    let listener = move |_: &Event| _ = end.lock().unwrap_or_else(PoisonError::into_inner).recv();
    (hold, listener)
}

/// Starts two processes, of which one opens the circuit of both.
fn two_processes(server: &RedisServer) -> Vec<Process> {
    let config = config().shared(Sharing::First).recovery_timeout(Duration::from_secs(60));
    process::fleet(&server.url(), 2, &config)
}

#[test]
fn a_listener_that_hangs_does_not_delay_the_vote_of_its_process() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    for listens_to_registry in [true, false] {
        let processes = two_processes(&server);
        let (hold, listener) = hanging_listener();
        let _subscription = if listens_to_registry {
            processes[0].registry.listen(listener)
        } else {
            processes[0].breaker.listen(listener)
        };
        thread::scope(|scope| {
            let hold = hold;
            scope.spawn(|| processes[0].fail());
            until_all_are(&processes, State::Open);
            drop(hold);
        });
        processes[1].execute(async |operator| operator.force_close(process::CIRCUIT).await);
    }
}

#[test]
fn a_listener_that_hangs_on_another_thread_does_not_delay_the_vote_of_its_process() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = two_processes(&server);
    let (hold, listener) = hanging_listener();
    let _subscription = processes[0].breaker.listen(listener);
    let breaker = &processes[0].breaker;
    thread::scope(|scope| {
        let hold = hold;
        scope.spawn(|| breaker.operator("eve").force_open());
        until(&processes[..1], "the listener hangs", |process| process.state() == State::ForcedOpen);
        breaker.operator("eve").release();
        processes[0].fail();
        until_all_are(&processes, State::Open);
        drop(hold);
    });
}
