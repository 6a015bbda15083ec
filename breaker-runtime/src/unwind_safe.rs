//! Handles can be used after a caught panic.
//!
//! No user code runs while a lock is held and no critical section panics, so a panic leaves the data behind every
//! handle consistent. The automatic implementations depend on the features of dependencies: they are lost if tokio
//! uses the locks of `parking_lot`.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::breaker::{CircuitBreaker, OwnedPermit, Permit};
use crate::event::{Events, Subscription};
use crate::registry::{KeyedBreaker, Registry};

impl UnwindSafe for CircuitBreaker {}
impl RefUnwindSafe for CircuitBreaker {}

impl UnwindSafe for KeyedBreaker {}
impl RefUnwindSafe for KeyedBreaker {}

impl UnwindSafe for Registry {}
impl RefUnwindSafe for Registry {}

impl UnwindSafe for Permit<'_> {}
impl RefUnwindSafe for Permit<'_> {}

impl UnwindSafe for OwnedPermit {}
impl RefUnwindSafe for OwnedPermit {}

impl UnwindSafe for Events {}
impl RefUnwindSafe for Events {}

impl UnwindSafe for Subscription {}
impl RefUnwindSafe for Subscription {}
