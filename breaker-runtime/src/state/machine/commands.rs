//! The changes of a machine that no call makes: commands of operators, decisions of the fleet, and new settings.

use super::{Machine, Pending};
use crate::clock::Clock;
use crate::state::adoption::Adoption;
use crate::state::recovery::Recovery;
use crate::state::{Cause, Details};

impl<S: AsRef<Recovery>> Machine<S> {
    /// Executes an operator's command.
    pub(crate) fn command(&self, cause: Cause, details: Details, clock: &Clock) -> Pending {
        let locked = &mut *self.lock();
        let now = clock.now();
        let recovery = locked.settings.as_ref();
        locked.record.expire(now, recovery);
        locked.record.change(cause, details, now, recovery);
        self.publish(locked)
    }

    /// Follows a decision of the fleet. Returns the transitions that listeners must be notified of.
    #[allow(dead_code, reason = "only the feature `redis` and the tests of it adopt decisions")]
    pub(crate) fn adopt(&self, adoption: Adoption, clock: &Clock) -> Pending {
        let locked = &mut *self.lock();
        locked.record.adopt(adoption, clock.now(), locked.settings.as_ref());
        self.publish(locked)
    }

    /// Replaces the settings. `apply` receives them and the generation under the lock and must not call
    /// back into the machine's locked methods.
    pub(crate) fn set_config(&self, settings: S, clock: &Clock, apply: impl FnOnce(&S, u64)) -> Pending {
        let locked = &mut *self.lock();
        let now = clock.now();
        locked.record.expire(now, locked.settings.as_ref());
        apply(&settings, locked.record.generation());
        locked.record.change_ramp(settings.as_ref());
        locked.record.expire(now, settings.as_ref());
        locked.settings = settings;
        self.publish(locked)
    }
}
