//! One circuit for each value of an expression of the arguments.

use breaker_runtime::BreakerError;

struct Shop {
    region: String,
}

impl Shop {
    #[breaker_runtime::circuit_breaker(name = "price", key = self.region, max_keys = 16)]
    fn price(&self, sku: String) -> Result<String, BreakerError> {
        Ok(sku)
    }
}

#[breaker_runtime::circuit_breaker(key = format!("{tenant}/{}", sku.len()))]
async fn stock(tenant: u32, sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

fn main() {
    let shop = Shop { region: "eu".to_owned() };
    assert_eq!(shop.price("tea".to_owned()).unwrap(), "tea");
    drop(stock(1, "tea"));
}
