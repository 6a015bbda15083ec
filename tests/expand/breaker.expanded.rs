// Generated from the file beside it.
//! A breaker that is there already: borrowed where the body leaves it alone, and cloned where it does not.
use breaker_runtime::{BreakerError, CircuitBreaker, Config};
struct Client {
    breaker: CircuitBreaker,
    calls: u32,
}
impl Client {
    fn fetch(&self) -> Result<u32, BreakerError> {
        let __circuit = ::breaker_runtime::__private::by_ref(&(self.breaker));
        let __classifier = ::breaker_runtime::__private::classifier_for::<
            Result<u32, BreakerError>,
        >()
            .__breaker_classifier();
        ::breaker_runtime::__private::run(
            &__circuit,
            move || -> Result<u32, BreakerError> { Ok(self.calls) },
            __classifier,
        )
    }
    async fn send(&mut self, note: String) -> usize {
        let __circuit = ::breaker_runtime::__private::by_clone(&(self.breaker));
        let __clone_of_note = ::breaker_runtime::__private::clone_for_fallback(&note);
        let __classifier = ::breaker_runtime::__private::classifier_for::<usize>()
            .__breaker_classifier();
        let __result = match ::breaker_runtime::__private::BreakerHandle::acquire_waiting(
                &__circuit,
            )
            .await
        {
            ::breaker_runtime::__private::Ok(__admission) => {
                ::breaker_runtime::__private::run_admitted_async_with_timeout(
                        __admission,
                        async move {
                            if false {
                                return ::breaker_runtime::__private::fix_output_type::<
                                    usize,
                                >();
                            }
                            match () {
                                () => {
                                    self.calls += 1;
                                    note.len()
                                }
                            }
                        },
                        __classifier,
                        ::breaker_runtime::__private::outcome_of,
                    )
                    .await
            }
            ::breaker_runtime::__private::Err(__rejected) => {
                ::breaker_runtime::__private::Err(__rejected)
            }
        };
        match __result {
            ::breaker_runtime::__private::Ok(__output) => __output,
            ::breaker_runtime::__private::Err(__rejected) => {
                let note = __clone_of_note;
                let _ = &note;
                let __value: usize = ::breaker_runtime::__private::resolve(
                        ::breaker_runtime::__private::call_fallback(
                            __rejected,
                            move |_| note.len(),
                        ),
                    )
                    .await;
                __classifier.record_fallback(__rejected, __value)
            }
        }
    }
}
fn main() {
    let breaker = CircuitBreaker::new("client", Config::default()).unwrap();
    let mut client = Client { breaker, calls: 1 };
    assert_eq!(client.fetch().unwrap(), 1);
    drop(client.send("now".to_owned()));
}
