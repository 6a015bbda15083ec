//! Shapes of functions whose fallback is `last_good`: async functions, methods, generic functions and limits.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use breaker_runtime::fallback::MaybeStale;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, KeyedBreaker, Registry, circuit_breaker};

type Answer = Result<u32, BreakerError>;

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

fn require_send<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn an_async_function_moves_its_arguments_and_remembers_its_value() {
    #[circuit_breaker(name = "last_good/async", fallback = last_good(max_age = "5m", key = sku))]
    async fn price(sku: String, count: u32) -> Answer {
        tokio::task::yield_now().await;
        drop(sku);
        Ok(count)
    }
    assert_eq!(price("tea".to_owned(), 1).await.unwrap(), 1);
    force_open("last_good/async");
    assert_eq!(require_send(price("tea".to_owned(), 9)).await.unwrap(), 1);
    assert!(price("milk".to_owned(), 9).await.is_err());
}

#[tokio::test]
async fn an_async_function_with_conditions_and_fallback_on_failure_clones_what_on_stale_uses() {
    #[circuit_breaker(
        name = "last_good/async_failure",
        failure_if = |answer| matches!(answer, Ok(7)),
        fallback = last_good(max_age = "5m", key = (sku, 1), on_stale = |count, _| assert_eq!((*count, sku.len()), (2, 3))),
        fallback_on = failure
    )]
    async fn price(sku: String, count: u32) -> Answer {
        drop(sku);
        Ok(count)
    }
    let tea = || "tea".to_owned();
    assert_eq!(price(tea(), 7).await.unwrap(), 7, "there is no value yet");
    assert_eq!([price(tea(), 2).await.unwrap(), price(tea(), 7).await.unwrap()], [2, 2]);
    force_open("last_good/async_failure");
    assert_eq!(price(tea(), 9).await.unwrap(), 2);
}

#[tokio::test]
async fn a_call_that_times_out_returns_the_last_good_value() {
    #[circuit_breaker(
        name = "last_good/timeout",
        call_timeout = "1ms",
        max_concurrent = 1,
        max_wait = "1s",
        fallback = last_good(max_age = "5m", key = (), on_stale = |_, _| assert!(!is_fast, "{note}"))
    )]
    async fn price(is_fast: bool, note: String) -> Answer {
        if !is_fast {
            pending::<()>().await;
        }
        drop(note);
        Ok(1)
    }
    assert_eq!(price(true, String::new()).await.unwrap(), 1);
    assert_eq!(price(false, String::new()).await.unwrap(), 1);
}

#[test]
fn each_type_of_a_generic_function_has_values_of_its_own() {
    #[circuit_breaker(name = "last_good/generic", fallback = last_good(max_age = "5m", key = ()))]
    fn same<T: Clone + Send + Sync + 'static>(value: T) -> Result<T, BreakerError> {
        Ok(value)
    }
    assert_eq!((same(1_u8).unwrap(), same("tea").unwrap()), (1, "tea"));
    force_open("last_good/generic");
    assert_eq!((same(2_u8).unwrap(), same("milk").unwrap()), (1, "tea"));
    assert!(same(3_u16).is_err());
}

#[async_trait::async_trait]
trait Prices {
    async fn price(&self, sku: &str) -> Answer;
}

#[derive(Clone, Debug)]
struct Shop {
    breaker: CircuitBreaker,
    regions: KeyedBreaker,
    registry: Registry,
}

impl Shop {
    fn new() -> Self {
        let registry = Registry::new();
        Self {
            breaker: CircuitBreaker::new("shop", Config::default()).unwrap(),
            regions: registry.register_keyed("regions", Config::default(), 10).unwrap(),
            registry,
        }
    }

    #[circuit_breaker(breaker = self.regions.get(region), fallback = last_good(max_age = "5m", key = sku))]
    fn stock(&self, region: &str, sku: &str) -> Answer {
        Ok(u32::try_from(region.len() + sku.len()).unwrap())
    }

    #[circuit_breaker(registry = self.registry, name = "orders", fallback = last_good(max_age = "5m"))]
    async fn orders(self) -> Answer {
        Ok(5)
    }
}

#[async_trait::async_trait]
impl Prices for Shop {
    #[circuit_breaker(breaker = self.breaker, fallback = last_good(max_age = "5m", key = sku))]
    async fn price(&self, sku: &str) -> Answer {
        Ok(u32::try_from(sku.len()).unwrap())
    }
}

#[tokio::test]
async fn methods_with_a_breaker_or_registry_of_their_own_remember_their_values() {
    let shop = Shop::new();
    assert_eq!(shop.price("tea").await.unwrap(), 3);
    assert_eq!(shop.stock("eu", "tea").unwrap(), 5);
    assert_eq!(shop.clone().orders().await.unwrap(), 5);
    shop.breaker.force_open();
    shop.regions.get("eu").force_open();
    shop.regions.get("us").force_open();
    shop.registry.get("orders").unwrap().force_open();
    assert_eq!(shop.price("tea").await.unwrap(), 3);
    assert!(shop.price("milk").await.is_err());
    assert_eq!(shop.stock("eu", "tea").unwrap(), 5);
    assert!(shop.stock("us", "tea").is_err());
    assert_eq!(shop.clone().orders().await.unwrap(), 5);
}

#[test]
fn the_key_of_the_attribute_is_enough_if_it_consists_of_all_arguments() {
    #[circuit_breaker(name = "last_good/by_host", key = (host, port), fallback = last_good(max_age = "5m"))]
    fn ping(host: &str, port: u16) -> Result<String, BreakerError> {
        Ok(format!("{host}:{port}"))
    }
    assert_eq!(ping("eu", 1).unwrap(), "eu:1");
    Registry::global().get_keyed("last_good/by_host").unwrap().get("eu/1").force_open();
    assert_eq!(ping("eu", 1).unwrap(), "eu:1");
    assert_eq!(ping("eu", 2).unwrap(), "eu:2");
}

#[test]
fn the_key_of_a_default_method_distinguishes_the_types_and_instances_that_share_it() {
    trait Quotes {
        fn url(&self) -> &'static str;

        #[circuit_breaker(name = "last_good/quotes", fallback = last_good(max_age = "5m", key = (self.url(), sku)))]
        fn by_url(&self, sku: &str) -> Result<String, BreakerError> {
            Ok(format!("{sku} at {}", self.url()))
        }

        #[circuit_breaker(
            name = "last_good/quotes",
            fallback = last_good(max_age = "5m", key = (std::any::type_name::<Self>(), sku))
        )]
        fn by_type(&self, sku: &str) -> Result<String, BreakerError> {
            Ok(format!("{sku} at {}", self.url()))
        }
    }
    struct North;
    struct South(&'static str);
    impl Quotes for North {
        fn url(&self) -> &'static str {
            "north"
        }
    }
    impl Quotes for South {
        fn url(&self) -> &'static str {
            self.0
        }
    }
    assert_eq!(North.by_url("tea").unwrap(), North.by_type("tea").unwrap());
    assert_eq!(South("south").by_url("tea").unwrap(), "tea at south");
    force_open("last_good/quotes");
    assert_eq!(North.by_url("tea").unwrap(), "tea at north");
    assert_eq!(North.by_type("tea").unwrap(), "tea at north");
    assert_eq!(South("south").by_url("tea").unwrap(), "tea at south");
    assert!(South("coast").by_url("tea").is_err() && South("south").by_type("tea").is_err());
}

#[test]
fn a_generic_function_that_names_maybe_stale_marks_earlier_values() {
    #[circuit_breaker(name = "last_good/generic_mark", fallback = last_good(max_age = "5m", key = ()))]
    fn marked<T: Clone + Send + Sync + 'static>(value: T) -> Result<MaybeStale<T>, BreakerError> {
        Ok(value.into())
    }
    assert!(!marked(1_u8).unwrap().is_stale());
    force_open("last_good/generic_mark");
    assert!(marked(2_u8).unwrap().is_stale());
}

#[test]
fn the_value_of_the_key_none_is_not_that_of_the_text_none() {
    #[circuit_breaker(name = "last_good/optional", fallback = last_good(max_age = "5m", key = id))]
    fn single(id: Option<&str>) -> Result<String, BreakerError> {
        Ok(format!("{id:?}"))
    }
    #[circuit_breaker(name = "last_good/optional", fallback = last_good(max_age = "5m", key = (id, part)))]
    fn pair(id: Option<&str>, part: &str) -> Result<String, BreakerError> {
        Ok(format!("{id:?} {part}"))
    }
    #[circuit_breaker(name = "last_good/optional_circuit", key = id, fallback = last_good(max_age = "5m"))]
    fn keyed(id: Option<&str>) -> Result<String, BreakerError> {
        Ok(format!("{id:?}"))
    }
    let ids = [None, Some("none"), Some("\\none"), Some("")];
    let call = |id| [single(id), pair(id, "a"), keyed(id)].map(Result::unwrap);
    let answers = ids.map(call);
    force_open("last_good/optional");
    Registry::global().get_keyed("last_good/optional_circuit").unwrap().iter().for_each(|it| it.force_open());
    assert_eq!(ids.map(call), answers);
    assert!(single(Some("tea")).is_err() && pair(None, "b").is_err());
}

#[test]
fn an_alias_of_result_and_an_error_that_borrows_are_accepted() {
    #[derive(Debug)]
    struct Fault<'a>(#[expect(dead_code, reason = "it is printed")] &'a str);
    impl From<BreakerError> for Fault<'_> {
        fn from(_: BreakerError) -> Self {
            Self("rejected")
        }
    }
    type Reply<'a, T> = Result<T, Fault<'a>>;
    #[circuit_breaker(name = "last_good/alias", fallback = last_good(max_age = MAX_AGE, max_keys = MAX_KEYS, key = text))]
    fn length<'a>(text: &'a str) -> Reply<'a, usize> {
        if text.is_empty() { Err(Fault(text)) } else { Ok(text.len()) }
    }
    const MAX_AGE: Duration = Duration::MAX;
    const MAX_KEYS: u32 = 1;
    assert_eq!(length("tea").unwrap(), 3);
    force_open("last_good/alias");
    assert!(length("").is_err());
}

#[tokio::test]
async fn a_stale_value_is_reported_by_a_closure_that_a_macro_passes() {
    macro_rules! reported {
        ($name:ident($sku:ident, $seen:ident), $text:literal, $report:expr) => {
            #[circuit_breaker(
                                        name = $text,
                                        fallback = last_good(max_age = "5m", key = $sku, on_stale = $report)
                                    )]
            async fn $name($sku: String, $seen: &Mutex<Vec<String>>) -> Answer {
                tokio::task::yield_now().await;
                drop($sku);
                Ok(3)
            }
        };
    }
    reported!(price(sku, seen), "last_good/fragment", |value, _| seen
        .lock()
        .unwrap()
        .push(format!("{value} {sku}")));
    reported!(stock(sku, seen), "last_good/parentheses", (|_, _| seen.lock().unwrap().push(sku.clone())));
    let seen = Mutex::new(Vec::new());
    assert_eq!(price("tea".to_owned(), &seen).await.unwrap(), 3);
    assert_eq!(stock("milk".to_owned(), &seen).await.unwrap(), 3);
    force_open("last_good/fragment");
    force_open("last_good/parentheses");
    assert_eq!(price("tea".to_owned(), &seen).await.unwrap(), 3);
    assert_eq!(stock("milk".to_owned(), &seen).await.unwrap(), 3);
    assert_eq!(*seen.lock().unwrap(), ["3 tea", "milk"]);
}

#[test]
fn a_value_whose_type_has_no_name_is_remembered() {
    #[circuit_breaker(name = "last_good/impl", fallback = last_good(max_age = "5m", key = sku))]
    fn price(sku: u32) -> Result<impl AsRef<str> + Clone + Send + Sync + 'static, BreakerError> {
        Ok(sku.to_string())
    }
    assert_eq!(price(7).unwrap().as_ref(), "7");
    force_open("last_good/impl");
    assert_eq!(price(7).unwrap().as_ref(), "7");
    assert!(price(8).is_err());
}
