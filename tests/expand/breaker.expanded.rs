// Generated from the file beside it.
//! A breaker that is there already: borrowed where the body leaves it alone, and cloned where it does not.
use breaker_runtime::{BreakerError, CircuitBreaker, Config};
struct Client {
    breaker: CircuitBreaker,
    calls: u32,
}
impl Client {
    fn fetch(&self) -> Result<u32, BreakerError> {
        let __circuit = ::breaker_runtime::__private::borrowed(&(self.breaker));
        let __classifier = ::breaker_runtime::__private::returned::<
            Result<u32, BreakerError>,
        >()
            .__breaker_classifier();
        ::breaker_runtime::__private::protect(
            &__circuit,
            move || -> Result<u32, BreakerError> { Ok(self.calls) },
            __classifier,
        )
    }
    async fn send(&mut self, note: String) -> usize {
        let __circuit = ::breaker_runtime::__private::cloned(&(self.breaker));
        let __again_note = ::breaker_runtime::__private::again(&note);
        let __classifier = ::breaker_runtime::__private::returned::<usize>()
            .__breaker_classifier();
        let __ended = match ::breaker_runtime::__private::Given::acquire_waiting(
                &__circuit,
            )
            .await
        {
            ::breaker_runtime::__private::Ok(__admission) => {
                ::breaker_runtime::__private::call_async_within(
                        __admission,
                        async move {
                            if false {
                                return ::breaker_runtime::__private::pin::<usize>();
                            }
                            match () {
                                () => {
                                    self.calls += 1;
                                    note.len()
                                }
                            }
                        },
                        __classifier,
                        ::breaker_runtime::__private::judged,
                    )
                    .await
            }
            ::breaker_runtime::__private::Err(__rejected) => {
                ::breaker_runtime::__private::Err(__rejected)
            }
        };
        match __ended {
            ::breaker_runtime::__private::Ok(__out) => __out,
            ::breaker_runtime::__private::Err(__rejected) => {
                let note = __again_note;
                let _ = &note;
                let __answer: usize = ::breaker_runtime::__private::resolve(
                        ::breaker_runtime::__private::fallback(
                            __rejected,
                            move |_| note.len(),
                        ),
                    )
                    .await;
                __classifier.answered(__rejected, __answer)
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
