//! The changes of a machine that no call makes: commands of operators, decisions of the fleet, and new settings.
//!
//! `hung` returns the call that has run for too long, if there is one. It is called under the lock, and that call opens the
//! circuit first: a snapshot may have shown that already.

use super::{Machine, Pending};
use crate::clock::Clock;
use crate::state::adoption::Adoption;
use crate::state::recovery::Recovery;
use crate::state::{Cause, Details, HungCall};

/// The settings that new ones have replaced.
#[derive(Debug)]
pub(crate) struct ConfigChange<S> {
    pub(crate) old: S,
    /// The transitions that listeners must be notified of.
    pub(crate) pending: Pending,
}

impl<S: AsRef<Recovery>> Machine<S> {
    /// Executes an operator's command.
    pub(crate) fn command(
        &self,
        cause: Cause,
        details: Details,
        clock: &Clock,
        hung: impl FnOnce() -> Option<HungCall>,
    ) -> Pending {
        let locked = &mut *self.lock();
        let (hung, now, recovery) = (hung(), clock.now(), locked.settings.as_ref());
        locked.record.expire_with(hung, now, recovery);
        locked.record.change(cause, details, now, recovery);
        self.publish(locked)
    }

    /// Follows a decision of the fleet after this many calls and questions. Returns the transitions that listeners must be
    /// notified of.
    #[allow(dead_code, reason = "only the feature `redis` and the tests of it adopt decisions")]
    pub(crate) fn adopt(
        &self,
        calls: u64,
        adoption: Adoption,
        clock: &Clock,
        hung: impl FnOnce() -> Option<HungCall>,
    ) -> Pending {
        let locked = &mut *self.lock();
        locked.record.open_if_hung(hung(), locked.settings.as_ref());
        locked.record.adopt_after(calls, adoption, clock.now(), locked.settings.as_ref());
        self.publish(locked)
    }

    /// Replaces the settings. `apply` receives them and the generation under the lock and must not call
    /// back into the machine's locked methods.
    pub(crate) fn set_config(
        &self,
        settings: S,
        clock: &Clock,
        hung: impl FnOnce() -> Option<HungCall>,
        apply: impl FnOnce(&S, u64),
    ) -> ConfigChange<S> {
        let locked = &mut *self.lock();
        let (hung, now) = (hung(), clock.now());
        locked.record.expire_with(hung, now, locked.settings.as_ref());
        apply(&settings, locked.record.generation());
        locked.record.change_ramp(settings.as_ref());
        locked.record.expire(now, settings.as_ref());
        let old = std::mem::replace(&mut locked.settings, settings);
        ConfigChange { old, pending: self.publish(locked) }
    }
}
