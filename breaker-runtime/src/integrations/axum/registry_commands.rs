//! The commands of one registry, over any of its routers: their order, their number, and the notification of listeners.
//!
//! A command runs in a task of its own, so a client that disconnects does not interrupt it. Commands about the same
//! subject take effect one after the other, in the order of their [turns](RegistryCommands::turn). No listener runs
//! before the end of a turn.
//!
//! Commands that change states need no thread for blocking work, so that they also work while hanging calls occupy all
//! of them. Those that change settings or large drills may need one. They have turns of their own, so that no other
//! command waits for such a thread.

use std::future::ready;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::task::{spawn, spawn_blocking, unconstrained, yield_now};

use super::announcements::{Announcements, CommandEffects};
use super::cache::{Cost, MAX_INLINE_COST, MAX_UNCACHED_COST};
use super::error::HttpError;
use crate::breaker::{AttachmentOwner, CircuitBreaker, Unannounced};
use crate::registry::{AnyBreaker, Declaration, Registry};
use crate::sync::{AtomicU64, Ordering};

/// The commands of one registry.
#[derive(Debug, Default)]
pub(super) struct RegistryCommands {
    /// Number of commands that have run.
    count: AtomicU64,
    states: Arc<AsyncMutex<()>>,
    settings: Arc<AsyncMutex<()>>,
    drills: Arc<AsyncMutex<()>>,
    large_drills: Arc<AsyncMutex<()>>,
    announcements: Arc<Announcements>,
}

/// The part of circuits that a command changes.
#[derive(Clone, Copy, Debug)]
pub(super) enum CommandSubject {
    States,
    Settings,
    Drills,
    /// Drills of all keys of a breaker with many keys: the command needs a thread for blocking work.
    LargeDrills,
}

/// The circuits that a command applies to.
pub(super) enum CommandTargets {
    Breaker(AnyBreaker),
    /// All circuits that exist.
    Existing(Registry),
    /// All circuits that exist, and those of functions without keys that have never been called.
    All(Registry),
}

impl RegistryCommands {
    /// Returns the commands of a registry, which all of its routers share.
    pub(super) fn of(registry: &Registry) -> Arc<Self> {
        registry.store().attachments().get_or_create(AttachmentOwner::Registry, Self::default)
    }

    /// Returns the number of commands that have run.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Records that a command has run, so that the next reading shows its effect.
    pub(super) fn record(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// Runs a command that changes states, and returns when it is in effect. Listeners, which may take any time, run on a
    /// thread for blocking work afterwards.
    ///
    /// # Errors
    ///
    /// Returns an error if the command panicked, or if the runtime is shutting down.
    pub(super) async fn run(
        self: &Arc<Self>,
        targets: CommandTargets,
        command: impl Fn(&CircuitBreaker) -> Option<Unannounced> + Send + 'static,
    ) -> Result<(), HttpError> {
        let commands = Arc::clone(self);
        let arrival = targets.uncalled().is_empty().then(|| self.turn(CommandSubject::States));
        let work = async move {
            // This evaluates settings of functions, which is user code, so it comes before the turn.
            targets.register_uncalled().await;
            let turn = arrival.unwrap_or_else(|| commands.turn(CommandSubject::States));
            // Declared before the turn, so that listeners run after its end also if this task is dropped.
            let mut states = Vec::new();
            let turn = turn.await;
            let mut changed = 0;
            for breaker in targets.breakers() {
                for circuit in breaker.circuits() {
                    states.extend(command(&circuit));
                    changed += 1;
                    if changed % MAX_INLINE_COST == 0 {
                        yield_now().await;
                    }
                }
            }
            commands.end(turn, CommandEffects { states, events: None });
        };
        spawn(work).await.map_err(|_| HttpError::READING_FAILED)
    }

    /// Makes a change of settings or drills that costs this much, and returns when it is in effect. It needs no thread
    /// for blocking work unless the cost is high.
    ///
    /// # Errors
    ///
    /// Returns the error of `change`, or an error if it panicked, or if the runtime is shutting down.
    pub(super) async fn change(
        self: &Arc<Self>,
        subject: CommandSubject,
        cost: Cost,
        change: impl FnOnce() -> Result<CommandEffects, HttpError> + Send + 'static,
    ) -> Result<(), HttpError> {
        let (commands, turn) = (Arc::clone(self), self.turn(subject));
        let work = async move {
            let turn = turn.await;
            // The turn ends with the change, also if the runtime ends before.
            let change = move || change().map(|effects| commands.end(turn, effects));
            if cost > MAX_UNCACHED_COST {
                spawn_blocking(change).await.map_err(|_| HttpError::READING_FAILED)?
            } else {
                change()
            }
        };
        spawn(work).await.map_err(|_| HttpError::READING_FAILED)?
    }

    /// Takes the next turn, and returns a future that completes when all earlier turns have ended. The turn begins then
    /// also if the future is polled later or by another task.
    fn turn(
        &self,
        subject: CommandSubject,
    ) -> impl Future<Output = OwnedMutexGuard<()>> + Send + 'static + use<> {
        let order = match subject {
            CommandSubject::States => &self.states,
            CommandSubject::Settings => &self.settings,
            CommandSubject::Drills => &self.drills,
            CommandSubject::LargeDrills => &self.large_drills,
        };
        // Only a poll enters the queue of the lock, which is fair. The budget of a task could prevent that.
        let mut turn = Box::pin(unconstrained(Arc::clone(order).lock_owned()));
        match (&mut turn).now_or_never() {
            Some(turn) => ready(turn).left_future(),
            None => turn.right_future(),
        }
    }

    /// Ends the turn of a command that has taken effect, and then notifies listeners.
    fn end(&self, turn: OwnedMutexGuard<()>, effects: CommandEffects) {
        self.record();
        let announcing = self.announcements.add(effects);
        drop(turn);
        announcing.start();
    }
}

impl CommandTargets {
    /// Returns the functions that have never been called, if the command applies to them.
    fn uncalled(&self) -> Vec<&'static Declaration> {
        match self {
            Self::Breaker(_) | Self::Existing(_) => Vec::new(),
            Self::All(registry) => registry.store().uncalled_without_keys(),
        }
    }

    /// Registers the breakers of functions that have never been called, if the command applies to them.
    async fn register_uncalled(&self) {
        for function in self.uncalled() {
            match self {
                Self::Breaker(_) | Self::Existing(_) => {}
                Self::All(registry) => registry.store().register_function(function).warnings.report(),
            }
            yield_now().await;
        }
    }

    fn breakers(self) -> Vec<AnyBreaker> {
        match self {
            Self::Breaker(breaker) => vec![breaker],
            Self::Existing(registry) | Self::All(registry) => registry.breakers(),
        }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::{CommandSubject, RegistryCommands};
    use crate::registry::Registry;

    #[test]
    fn turns_begin_in_the_order_in_which_they_were_taken() {
        let registry = Registry::new();
        let commands = RegistryCommands::of(&registry);
        let first = RegistryCommands::of(&registry).turn(CommandSubject::States);
        let mut second = pin!(commands.turn(CommandSubject::States));
        let mut third = pin!(commands.turn(CommandSubject::States));
        let other = commands.turn(CommandSubject::Settings);
        assert!(other.now_or_never().is_some());

        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none());
        let turn = second.as_mut().now_or_never().unwrap();
        assert!(third.as_mut().now_or_never().is_none());
        drop(turn);
        assert!(third.as_mut().now_or_never().is_some());
    }
}
