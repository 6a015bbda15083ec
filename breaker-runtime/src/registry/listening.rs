//! The events of all breakers of a registry.

use super::Registry;
use crate::event::{Audience, CallEvent, CallEvents, Events, Listener, Subscription};

impl Registry {
    /// Calls `listener` for each event of all breakers in this registry, until the subscription is dropped. An event
    /// that another thread is delivering at the start or at the end may arrive too.
    ///
    /// The time of a state change is proportional to the number of listeners. A call without an event does not depend
    /// on it.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use breaker_runtime::{Config, Event, Registry};
    ///
    /// let registry = Registry::new();
    /// let (sender, lines) = mpsc::channel();
    /// let subscription = registry.listen(move |event: &Event| _ = sender.send(event.to_string()));
    /// registry.register("payment", Config::default())?.operator("alice").force_open();
    /// drop(subscription);
    /// let line = r#"circuit breaker "payment": closed -> forced open: forced open by alice"#;
    /// assert_eq!(lines.try_iter().collect::<Vec<_>>(), [line]);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    pub fn listen(&self, listener: impl Listener + 'static) -> Subscription {
        self.store.hub().listen(Audience::Program, listener)
    }

    /// Calls `listener` for the events of single calls that it asks for, of all breakers in this registry, until the
    /// subscription is dropped. An event that another thread is delivering at the start or at the end may arrive too.
    ///
    /// Calls are not reported otherwise, and cost nothing more while no listener exists. The listener runs on the
    /// thread of the call, after the call has been counted and without a lock, so it may use the breaker; calls that it
    /// makes cause no call events. The caller waits for it and for all other listeners, so it should return quickly. A
    /// panic in it is caught. Call events are in the order of each thread only, and [`Events`] do not contain them.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use breaker_runtime::{CallEvent, CallEvents, Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let subscription = registry.listen_to_calls(CallEvents::REJECTED | CallEvents::FAILED, {
    ///     let log = Arc::clone(&log);
    ///     move |event: &CallEvent| log.lock().unwrap().push(event.to_string())
    /// });
    /// let breaker = registry.register("search", Config::default())?;
    /// breaker.try_acquire()?.fail("no route to host");
    /// breaker.force_open();
    /// assert!(breaker.try_acquire().is_err());
    /// drop(subscription);
    ///
    /// let lines = log.lock().unwrap();
    /// assert_eq!(lines[0], r#"circuit breaker "search": a call failed: "no route to host""#);
    /// assert_eq!(lines[1], r#"circuit breaker "search" is forced open"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen_to_calls(
        &self,
        events: CallEvents,
        listener: impl Fn(&CallEvent) + Send + Sync + 'static,
    ) -> Subscription {
        self.store.hub().listen_to_calls(events, listener)
    }

    /// Returns the events of all breakers in this registry from now on, for async code.
    ///
    /// ```
    /// use breaker_runtime::{Config, Event, Registry};
    ///
    /// let registry = Registry::new();
    /// let mut events = registry.subscribe();
    /// registry.register("payment", Config::default())?.force_open();
    /// assert!(matches!(events.try_next(), Some(Ok(Event::StateChanged(_)))));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Events {
        self.store.hub().subscribe()
    }
}
