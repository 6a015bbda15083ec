//! A recording from its start to its end. The recorder and the writer share it, and each of them stops it when it is
//! dropped.

use std::sync::Arc;

use super::tap::Buffer;
use crate::registry::TapRegistration;
use crate::sync::{AtomicBool, Mutex, Ordering, lock};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) breaker_name: Arc<str>,
    pub(super) buffer: Arc<Buffer>,
    has_stopped: AtomicBool,
    /// `None` once the recording has stopped.
    registration: Mutex<Option<TapRegistration>>,
}

impl Session {
    pub(super) const fn new(
        breaker_name: Arc<str>,
        buffer: Arc<Buffer>,
        registration: TapRegistration,
    ) -> Self {
        Self {
            breaker_name,
            buffer,
            has_stopped: AtomicBool::new(false),
            registration: Mutex::new(Some(registration)),
        }
    }

    pub(super) fn is_recording(&self) -> bool {
        !self.has_stopped.load(Ordering::SeqCst)
    }

    /// Detaches the taps, and wakes the writer. Has no effect if the recording has stopped.
    pub(super) fn stop(&self) {
        let registration = lock(&self.registration).take();
        drop(registration);
        // The writer looks at the flag after it has found the buffer empty, and this thread adds an entry after it has
        // set the flag. So the writer sees the flag, or the entry.
        self.has_stopped.store(true, Ordering::SeqCst);
        self.buffer.wake_writer();
    }
}
