//! Methods with a closure as fallback. One returns a reference.

use breaker_runtime::Registry;

struct Shop {
    price: u32,
}

impl Shop {
    #[breaker_runtime::circuit_breaker(name = "price", fallback = |error| error.name().len() as u32 + more)]
    fn price(&self, more: u32) -> u32 {
        self.price + more
    }

    #[breaker_runtime::circuit_breaker(name = "slot", fallback = |_| None)]
    fn slot(&mut self) -> Option<&mut u32> {
        Some(&mut self.price)
    }
}

fn main() {
    let mut shop = Shop { price: 1 };
    *shop.slot().unwrap() += 1;
    assert_eq!(shop.price(1), 3);
    Registry::global().get("price").unwrap().force_open();
    assert_eq!(shop.price(1), 6);
}
