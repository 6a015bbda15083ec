//! The background task of a process: it performs what the coordinator decides.
//!
//! It is the only code of the fleet that waits. No call waits for it, and it waits for no call: the coordinator
//! decides, the task sends requests, changes circuits, and tells the coordinator what has happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};

use super::changes::ChangeReader;
use super::circuits::{Changed, Circuits};
use super::coordinator::{CircuitChange, Coordinator, Input, Notice, Output};
use super::protocol::{Push, Reply, Report, Request, SharedName};
use super::status::StatusCell;
use super::store::{Store, StoreError, StoreErrorKind};
use crate::event::Subscription;
use crate::sync::{Mutex, lock};
use crate::warning::warn;

/// How often one circuit is changed and looked at again at once.
const MAX_CHANGES: u32 = 3;

/// The background task.
pub(super) struct Agent<S> {
    /// Readers of the status look at it as well.
    coordinator: Arc<Mutex<Coordinator>>,
    circuits: Circuits,
    store: StoreSlot<S>,
    messages: mpsc::Receiver<Push>,
    changes: ChangeReader,
    orders: mpsc::Receiver<Order>,
    /// The commands of operators that have been passed to the coordinator, by their numbers.
    answers: Vec<(u64, Answer)>,
    next_command: u64,
    status: Arc<StatusCell>,
    start: Instant,
    timer: Pin<Box<Sleep>>,
    has_left: bool,
    /// Ends with the task.
    _subscription: Subscription,
}

/// Where the result of a command is sent.
pub(super) type Answer = oneshot::Sender<Result<(), CommandError>>;

/// Why a command has failed.
#[derive(Debug)]
pub(super) struct CommandError {
    pub(super) kind: StoreErrorKind,
    pub(super) text: String,
}

/// What the owner of the fleet wants.
pub(super) enum Order {
    Command { command: Box<Report>, answer: Answer },
    Leave,
}

/// The store, or the exchange that it performs.
enum StoreSlot<S> {
    Idle(S),
    Busy(Exchange<S>),
    /// For a moment, while an exchange begins.
    Moved,
}

type Exchange<S> = Pin<Box<dyn Future<Output = Exchanged<S>> + Send>>;

struct Exchanged<S> {
    store: S,
    result: Result<Reply, StoreError>,
}

/// What the task has waited for.
enum Happened<S> {
    Exchanged(Exchanged<S>),
    Pushed(Push),
    Changed(BTreeSet<SharedName>),
    Ordered(Option<Order>),
    Ticked,
}

impl<S: Store> Agent<S> {
    pub(super) fn new(
        coordinator: Arc<Mutex<Coordinator>>,
        circuits: Circuits,
        mut store: S,
        changes: ChangeReader,
        orders: mpsc::Receiver<Order>,
        status: Arc<StatusCell>,
        subscription: Subscription,
    ) -> Self {
        let start = status.start();
        Self {
            coordinator,
            circuits,
            messages: store.messages(),
            store: StoreSlot::Idle(store),
            changes,
            orders,
            answers: Vec::new(),
            next_command: 0,
            status,
            start,
            timer: Box::pin(tokio::time::sleep_until(start)),
            has_left: false,
            _subscription: subscription,
        }
    }

    /// Runs until the process has left the fleet.
    pub(super) async fn run(mut self) {
        while !self.has_left {
            let wake = self.start + lock(&self.coordinator).next_step();
            if self.timer.deadline() != wake {
                self.timer.as_mut().reset(wake);
            }
            match poll_fn(|context| self.poll(context)).await {
                Happened::Exchanged(Exchanged { store, result }) => {
                    self.store = StoreSlot::Idle(store);
                    self.receive(result);
                }
                Happened::Pushed(push) => self.step(Input::Pushed(Box::new(push))),
                Happened::Changed(names) => names.into_iter().for_each(|name| self.look_at(name)),
                Happened::Ordered(Some(Order::Command { command, answer })) => self.command(command, answer),
                Happened::Ordered(Some(Order::Leave) | None) => self.step(Input::Leave),
                Happened::Ticked => self.tick(),
            }
        }
    }

    /// Waits for the next event. Replies come first, because everything else depends on them.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened<S>> {
        if let StoreSlot::Busy(exchange) = &mut self.store
            && let Poll::Ready(exchanged) = exchange.as_mut().poll(context)
        {
            return Poll::Ready(Happened::Exchanged(exchanged));
        }
        if let Poll::Ready(Some(push)) = self.messages.poll_recv(context) {
            return Poll::Ready(Happened::Pushed(push));
        }
        if let Poll::Ready(names) = self.changes.poll(context) {
            return Poll::Ready(Happened::Changed(names));
        }
        // After the last order, a closed channel would be ready for ever.
        let has_orders =
            !self.orders.is_closed() || !self.orders.is_empty() || !lock(&self.coordinator).is_leaving();
        if has_orders && let Poll::Ready(order) = self.orders.poll_recv(context) {
            return Poll::Ready(Happened::Ordered(order));
