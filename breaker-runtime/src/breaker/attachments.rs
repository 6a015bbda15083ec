//! The data that strategies keep with a circuit: the last good value of a function, the counts of a queue, a retry
//! budget. They are dropped with the circuit.
//!
//! An attachment is found by its type and its owner, so two functions that share a circuit keep separate values. This
//! module does not know what is attached.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::sync::{Mutex, lock};

/// The attachments of one circuit.
#[derive(Default)]
pub(crate) struct Attachments(Mutex<Vec<Attachment>>);

/// The owner of an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachmentOwner {
    /// The circuit, which has one attachment of the type.
    Circuit,
    /// The registry, which has one attachment of the type.
    #[allow(dead_code, reason = "only the features `shadow` and `axum` attach to registries")]
    Registry,
    /// One annotated function: the address of its static.
    Function(usize),
}

struct Attachment {
    owner: AttachmentOwner,
    value: Arc<dyn Any + Send + Sync>,
}

impl Attachments {
    /// Returns the attachment of this type and owner, and creates it if needed. `create` runs without a lock. If two
    /// threads create the same attachment, both receive the first one.
    pub(crate) fn get_or_create<T: Any + Send + Sync>(
        &self,
        owner: AttachmentOwner,
        create: impl FnOnce() -> T,
    ) -> Arc<T> {
        if let Some(found) = self.get(owner) {
            return found;
        }
        let created = Arc::new(create());
        let mut attachments = lock(&self.0);
        if let Some(found) = find(&attachments, owner) {
            return found;
        }
        attachments.push(Attachment { owner, value: Arc::<T>::clone(&created) });
        created
    }

    /// Returns the attachment of this type and owner.
    pub(crate) fn get<T: Any + Send + Sync>(&self, owner: AttachmentOwner) -> Option<Arc<T>> {
        find(&lock(&self.0), owner)
    }
}

fn find<T: Any + Send + Sync>(attachments: &[Attachment], owner: AttachmentOwner) -> Option<Arc<T>> {
    attachments
        .iter()
        .filter(|attachment| attachment.owner == owner)
        .find_map(|attachment| Arc::clone(&attachment.value).downcast().ok())
}

impl fmt::Debug for Attachments {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Attachments").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::AttachmentOwner::{Circuit, Function};
    use super::*;

    #[test]
    fn an_attachment_is_created_once_for_each_type_and_owner() {
        let attachments = Attachments::default();
        assert_eq!(attachments.get::<u8>(Circuit), None);
        let first = attachments.get_or_create(Circuit, || 5_u8);
        let again = attachments.get_or_create(Circuit, || 6_u8);
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*attachments.get_or_create(Function(2), || 6_u8), 6);
        assert_eq!(*attachments.get_or_create(Circuit, || 7_u16), 7);
        assert_eq!(attachments.get::<u8>(Circuit).as_deref(), Some(&5));
    }

    #[test]
    fn a_function_that_creates_an_attachment_can_create_others() {
        let attachments = Attachments::default();
        let outer =
            attachments.get_or_create(Circuit, || u32::from(*attachments.get_or_create(Circuit, || 3_u8)));
        assert_eq!(*outer, 3);
    }
}
