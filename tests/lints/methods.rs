//! Faulty methods, most of them named after the lint that reports the fault.

#![warn(
    clippy::pedantic,
    missing_docs,
    rust_2018_idioms,
    rust_2024_compatibility,
    single_use_lifetimes,
    unreachable_pub,
    unsafe_code,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]

#[cfg(protected)]
use breaker_runtime::circuit_breaker;

pub struct Shop(u32);

impl Shop {
    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    pub fn unused_self(&self) -> u32 {
        1
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    pub fn new() -> u32 {
        2
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    pub fn into_number(&self) -> u32 {
        return self.0;
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| Self(0)))]
    pub fn return_self_not_must_use(self) -> Self {
        self
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| String::new()))]
    pub fn to_string(&self) -> String {
        String::new()
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    pub fn needless_arbitrary_self_type(self: &Self) -> u32 {
        self.0
    }

    #[cfg_attr(protected, circuit_breaker(fallback = |_| panic!()))]
    pub fn mut_from_ref(&self, other: &u32) -> &mut u32 {
        Box::leak(Box::new(self.0 + other))
    }
}

trait Sells {
    #[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
    fn default_method(&self, unused: u32) -> u32 {
        return 1;
    }
    fn trait_method(&self, list: Vec<u32>) -> Result<u32, [u8; 200]>;
}

impl Sells for Shop {
    #[cfg_attr(protected, circuit_breaker(fallback = |_| panic!()))]
    fn trait_method(&self, list: Vec<u32>) -> Result<u32, [u8; 200]> {
        let unused = self.default_method(1);
        Ok(1)
    }
}
