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

use tokio::sync::mpsc;

use super::changes::ChangeReader;
use super::circuits::Circuits;
use super::coordinator::{Coordinator, Input, Notice, Output};
use super::fleet_clock::FleetClock;
use super::order::{AnswerSender, CommandError, Order};
use super::protocol::{Push, Reply, Report, Request, SharedName};
use super::status::StatusCell;
use super::store::{Store, StoreError, StoreErrorKind};
use crate::clock::Sleep;
use crate::event::Subscription;
use crate::printable::escape_hidden;
use crate::sync::{Mutex, lock};
use crate::warning::{note, warn};

/// Number of changes of one circuit in one step. After these, the task waits for the next tick.
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
    answers: Vec<(u64, AnswerSender)>,
    next_command: u64,
    status: Arc<StatusCell>,
    clock: FleetClock,
    timer: Pin<Box<Sleep>>,
    /// The time for which the timer is set.
    wake: Duration,
    has_left: bool,
    /// `true` from the report that Redis is away to the one that it is back.
    was_away: bool,
    /// Ends with the task.
    _subscription: Subscription,
}

/// The store, or the exchange that it performs.
enum StoreSlot<S> {
    Idle(S),
    Busy(RunningExchange<S>),
    /// For a moment, while an exchange begins.
    Moved,
}

type RunningExchange<S> = Pin<Box<dyn Future<Output = Exchanged<S>> + Send>>;

struct Exchanged<S> {
    store: S,
    result: Result<Reply, StoreError>,
}

/// The event that the task has waited for.
enum Happened<S> {
    Exchanged(Exchanged<S>),
    Pushed(Push),
    Changed(BTreeSet<SharedName>),
    Ordered(Option<Order>),
    Ticked,
}

impl<S> Drop for Agent<S> {
    /// Ends the commands of the fleet if the runtime ends before the process has left.
    fn drop(&mut self) {
        let outputs = lock(&self.coordinator).release_commands();
        for output in outputs {
            if let Output::Circuit { name, change } = output {
                drop(self.circuits.change(&name, change));
            }
        }
    }
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
        let clock = status.clock().clone();
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
            timer: Box::pin(clock.alarm(Duration::ZERO)),
            clock,
            wake: Duration::ZERO,
            has_left: false,
            was_away: false,
            _subscription: subscription,
        }
    }

    /// Runs until the process has left the fleet.
    pub(super) async fn run(mut self) {
        for name in self.circuits.not_closed() {
            self.look_at(name);
        }
        while !self.has_left {
            let wake = lock(&self.coordinator).next_step();
            if self.wake != wake {
                self.wake = wake;
                self.timer.set(self.clock.alarm(wake));
            }
            match poll_fn(|context| self.poll(context)).await {
                Happened::Exchanged(Exchanged { store, result }) => {
                    self.store = StoreSlot::Idle(store);
                    self.receive(result);
                }
                Happened::Pushed(push) => self.step(Input::Pushed(Box::new(push))),
                Happened::Changed(names) => names.into_iter().for_each(|name| self.look_at_changed(name)),
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
        // After the last order, a closed channel would always be ready.
        let has_orders =
            !self.orders.is_closed() || !self.orders.is_empty() || !lock(&self.coordinator).is_leaving();
        if has_orders && let Poll::Ready(order) = self.orders.poll_recv(context) {
            return Poll::Ready(Happened::Ordered(order));
        }
        self.timer.as_mut().poll(context).map(|()| Happened::Ticked)
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Passes all circuits that the coordinator wants to see, and the time.
    fn tick(&mut self) {
        let wanted: Vec<_> = lock(&self.coordinator).wanted_at(self.now()).cloned().collect();
        for name in wanted {
            self.look_at(name);
        }
        self.circuits.sample(self.now());
        self.step(Input::Tick);
    }

    /// Passes a circuit that has changed, or the circuits of the keys of a breaker that has.
    fn look_at_changed(&mut self, name: SharedName) {
        let keys = self.circuits.not_closed_keys(&name);
        for name in keys.into_iter().chain([name]) {
            self.look_at(name);
        }
    }

    /// Passes a circuit as it is now.
    fn look_at(&mut self, name: SharedName) {
        let input = self.input_of(name);
        self.step(input);
    }

    fn input_of(&mut self, name: SharedName) -> Input {
        let now = self.now();
        match self.circuits.view(&name, now) {
            Some(view) => Input::Circuit(Box::new(view)),
            None => Input::Removed(name),
        }
    }

    fn command(&mut self, command: Box<Report>, answer: AnswerSender) {
        let id = self.next_command;
        self.next_command += 1;
        self.answers.push((id, answer));
        self.step(Input::Command { id, command });
    }

    fn receive(&mut self, result: Result<Reply, StoreError>) {
        match result {
            Ok(reply) => {
                self.status.set_error(None);
                self.step(Input::Reply(Box::new(reply)));
            }
            Err(StoreError { kind, text, partial }) => {
                self.status.count_error(kind);
                self.status.set_error(Some(Arc::from(text)));
                self.step(Input::Failed { kind, partial });
            }
        }
    }

    /// Passes an input to the coordinator, and performs what it decides. A circuit that has been changed is passed
    /// again.
    fn step(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        let mut changes = BTreeMap::<SharedName, u32>::new();
        let mut announced = Vec::new();
        while let Some(input) = inputs.pop_front() {
            let now = self.now();
            let outputs = lock(&self.coordinator).step(now, input);
            for output in outputs {
                match output {
                    Output::Sync(request) => self.begin_exchange(*request),
                    Output::Circuit { name, change } => {
                        announced.extend(self.circuits.change(&name, change));
                        let count = changes.entry(name.clone()).or_default();
                        *count += 1;
                        // Further changes wait for the next tick, in case that one has no effect.
                        if *count <= MAX_CHANGES {
                            inputs.push_back(self.input_of(name));
                        }
                    }
                    Output::Commanded { id, error } => self.answer(id, error),
                    Output::Notice(notice) => self.report(notice),
                    Output::Left => self.has_left = true,
                }
            }
        }
        if !announced.is_empty() {
            // Listeners may block.
            tokio::task::spawn_blocking(move || drop(announced));
        }
    }

    fn begin_exchange(&mut self, request: Request) {
        match std::mem::replace(&mut self.store, StoreSlot::Moved) {
            StoreSlot::Idle(mut store) => {
                self.store = StoreSlot::Busy(Box::pin(async move {
                    let result = store.sync(&request).await;
                    Exchanged { store, result }
                }));
            }
            // The coordinator sends one request at a time.
            busy @ (StoreSlot::Busy(_) | StoreSlot::Moved) => self.store = busy,
        }
    }

    fn answer(&mut self, id: u64, error: Option<StoreErrorKind>) {
        let Some(position) = self.answers.iter().position(|(known, _)| *known == id) else { return };
        let (_, answer) = self.answers.swap_remove(position);
        let text = self.status.last_error().as_deref().unwrap_or_default().to_owned();
        // The operator may no longer wait.
        _ = answer.send(error.map_or(Ok(()), |kind| Err(CommandError { kind, text })));
    }

    fn report(&mut self, notice: Notice) {
        let namespace = self.status.namespace();
        match notice {
            Notice::Connected => {
                if std::mem::take(&mut self.was_away) {
                    note(format_args!(
                        "fleet {namespace}: Redis is back; shared circuits follow the fleet again"
                    ));
                }
            }
            Notice::Disconnected(kind) => {
                self.was_away = true;
                warn(format_args!(
                    "fleet {namespace}: Redis is away ({}: {}); shared circuits act in this process only until it \
                     is back",
                    kind.label(),
                    self.status.last_error().as_deref().unwrap_or("no answer"),
                ));
            }
            Notice::Unreadable(name) => {
                if self.status.count_unreadable() {
                    warn(format_args!(
                        "fleet {namespace}: the record {name:?} in Redis cannot be read and is ignored; does \
                         another program or version write to this namespace?"
                    ));
                }
            }
            Notice::Conflict(conflict) => {
                self.status.count_conflict();
                // Another program may have written the text.
                let (name, settings) = (conflict.name, escape_hidden(&conflict.settings).into_owned());
                warn(format_args!(
                    "{name}: other processes of the fleet {namespace} share this circuit with other settings \
                     ({settings:?}); use another namespace, or the same settings"
                ));
            }
            Notice::ReadOnly(_) => warn(format_args!(
                "fleet {namespace}: Redis refuses changes ({}); this process follows the fleet, but reports nothing",
                self.status.last_error().as_deref().unwrap_or("no reason given"),
            )),
            Notice::DataLost => warn(format_args!(
                "fleet {namespace}: Redis has lost data; this process restores the circuits that it knows"
            )),
        }
    }
}
