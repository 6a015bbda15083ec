//! An async trait method with generic parameters.

use breaker_runtime::BreakerError;

struct Shop;

trait Quotes {
    async fn quote<T, const N: usize>(&self, key: T, items: [u8; N]) -> Result<usize, BreakerError>
    where
        T: AsRef<str>;
}

impl Quotes for Shop {
    #[breaker_runtime::circuit_breaker(name = "quote", half_open_timeout = "500ms")]
    async fn quote<T, const N: usize>(&self, key: T, items: [u8; N]) -> Result<usize, BreakerError>
    where
        T: AsRef<str>,
    {
        if items.is_empty() {
            return Ok(0);
        }
        Ok(key.as_ref().len() + items.len())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(Shop.quote("tea", [1, 2]).await.unwrap(), 5);
}
