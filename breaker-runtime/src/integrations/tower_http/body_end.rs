//! The ending of calls that last until the body of their response has ended.

use http::Response;
use http_body::Body;

use super::super::tower::{CallClassifier, CallEnding, Classified};
use super::call_body::{BodyEnding, CallBody};
use crate::breaker::{PartMeaning, ServiceCall, StreamedCall};
use crate::outcome::Outcome;

/// The ending of calls that last until the body of their response has ended. `C` classifies the response.
///
/// ```
/// use breaker_runtime::integrations::tower::{BreakerLayer, OneCircuit, TypedErrors};
/// use breaker_runtime::integrations::tower_http::{HttpStatus, UntilBodyEnd};
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// struct Client {
///     layer: BreakerLayer<OneCircuit, UntilBodyEnd<TypedErrors<HttpStatus>>>,
/// }
///
/// let breaker = CircuitBreaker::new("catalog", Config::default())?;
/// let client = Client { layer: BreakerLayer::new(&breaker).classify_http().until_body_end() };
/// # drop(client.layer);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct UntilBodyEnd<C> {
    pub(super) classifier: C,
    pub(super) ending: BodyEnding,
}

impl<B: Body, E, C: CallClassifier<Response<B>, E>> CallEnding<Response<B>, E> for UntilBodyEnd<C> {
    type Response = Response<CallBody<B>>;

    fn end(&self, call: &mut ServiceCall, result: Result<Response<B>, E>) -> Result<Self::Response, E> {
        let mut is_decided = true;
        let classification = call.run(|| {
            let classification = self.classifier.classify(&result);
            let Ok(response) = &result else {
                return classification;
            };
            if classification.outcome() != Outcome::Success || self.ending.is_in_head(response) {
                return classification;
            }
            is_decided = response.body().is_end_stream();
            if is_decided { self.ending.without_trailers() } else { classification }
        });
        if !is_decided {
            let permit = call.take_permit();
            return result.map(|response| {
                let length = self.ending.length(&response);
                response.map(|body| match permit {
                    Some(permit) => {
                        let call = StreamedCall::new(permit, PartMeaning::Nothing);
                        CallBody::holding(body, call, self.ending, length)
                    }
                    None => CallBody::settled(body),
                })
            });
        }
        call.settle(&result, &Classified { classification: &classification, classifier: &self.classifier });
        result.map(|response| response.map(CallBody::settled))
    }
}
