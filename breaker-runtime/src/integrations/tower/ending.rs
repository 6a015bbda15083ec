//! The end of a call. By default a call ends with its response.

use super::classifier::{CallClassifier, Classified};
use crate::breaker::ServiceCall;

/// The end of the calls of a service: it settles them, and may keep a call until its response has been used.
pub trait CallEnding<T, E> {
    /// The response of the protected service.
    type Response;

    /// Ends the call of a service that returned this result, or keeps it in the response.
    ///
    /// # Errors
    ///
    /// Returns the error of the result.
    #[doc(hidden)]
    fn end(&self, call: &mut ServiceCall, result: Result<T, E>) -> Result<Self::Response, E>;
}

/// The ending of calls that end with their response. `C` classifies the result.
#[derive(Clone, Copy, Debug, Default)]
pub struct UntilResponse<C>(C);

impl<C> UntilResponse<C> {
    pub(in crate::integrations) const fn new(classifier: C) -> Self {
        Self(classifier)
    }

    pub(in crate::integrations) fn into_classifier(self) -> C {
        self.0
    }
}

impl<T, E, C: CallClassifier<T, E>> CallEnding<T, E> for UntilResponse<C> {
    type Response = T;

    fn end(&self, call: &mut ServiceCall, result: Result<T, E>) -> Result<T, E> {
        let classification = call.run(|| self.0.classify(&result));
        call.settle(&result, &Classified { classification: &classification, classifier: &self.0 });
        result
    }
}
