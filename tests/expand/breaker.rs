//! An existing breaker: borrowed if the body cannot move or change its owner, and cloned otherwise.

use breaker_runtime::{BreakerError, CircuitBreaker, Config};

struct Client {
    breaker: CircuitBreaker,
    calls: u32,
}

impl Client {
    #[breaker_runtime::circuit_breaker(breaker = self.breaker)]
    fn fetch(&self) -> Result<u32, BreakerError> {
        Ok(self.calls)
    }

    #[breaker_runtime::circuit_breaker(breaker = self.breaker, fallback = |_| note.len())]
    async fn send(&mut self, note: String) -> usize {
        self.calls += 1;
        note.len()
    }
}

fn main() {
    let breaker = CircuitBreaker::new("client", Config::default()).unwrap();
    let mut client = Client { breaker, calls: 1 };
    assert_eq!(client.fetch().unwrap(), 1);
    drop(client.send("now".to_owned()));
}
