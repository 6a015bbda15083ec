//! The ending of calls that last until the body of their response has ended.

use http::Response;
use http_body::Body;

use super::super::tower::{CallClassifier, CallEnding};
use super::call_body::{BodyEnding, CallBody};
use crate::breaker::{ServiceCall, StreamedCall};
use crate::outcome::Outcome;

/// The ending of calls that last until the body of their response has ended. `C` classifies the response.
#[derive(Clone, Copy, Debug)]
pub struct UntilBodyEnd<C> {
    pub(super) classifier: C,
    pub(super) ending: BodyEnding,
}

impl<B: Body, E, C: CallClassifier<Response<B>, E>> CallEnding<Response<B>, E> for UntilBodyEnd<C> {
    type Response = Response<CallBody<B>>;

    fn end(&self, call: &mut ServiceCall, result: Result<Response<B>, E>) -> Result<Self::Response, E> {
        let mut has_ended = false;
        let classification = call.run(|| {
            has_ended = result.as_ref().map_or(true, |response| response.body().is_end_stream());
            self.classifier.classify(&result)
        });
        if classification.outcome() == Outcome::Success && !has_ended {
            let permit = call.take_permit();
            return result.map(|response| {
                response.map(|body| match permit {
                    Some(permit) => CallBody::holding(body, StreamedCall::new(permit), self.ending),
                    None => CallBody::settled(body),
                })
            });
        }
        call.settle(&(), &classification);
        result.map(|response| response.map(CallBody::settled))
    }
}
