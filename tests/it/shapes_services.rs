//! Functions of services, with several keys at once: handlers, repositories, clients made by macros.

#![deny(warnings)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "the tests are about the shapes of functions"
)]

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use breaker_runtime::{BreakerError, CallError, CircuitBreaker, Config, Registry, circuit_breaker};

/// Accepts only a future that can be spawned.
async fn sent<F: Future + Send>(future: F) -> F::Output {
    future.await
}

#[derive(Clone)]
struct Req<T> {
    body: T,
}
#[circuit_breaker(name = "services/h", key = req.body.as_ref(), fallback = |_| Ok(req.body.as_ref().len()), failure_if(Err(_)))]
async fn handler<T: AsRef<str> + Clone + Send + 'static>(
    req: Req<T>,
) -> Result<usize, Box<dyn Error + Send + Sync>> {
    Ok(req.body.as_ref().len())
}

#[async_trait::async_trait]
trait Repo: Send + Sync {
    async fn get<'a>(&'a self, id: &'a str) -> Result<Cow<'a, str>, Arc<dyn Error + Send + Sync>>;
    #[circuit_breaker(name = "services/default", fallback = |_| Ok(vec![id.to_owned()]))]
    async fn list(&self, id: &str) -> Result<Vec<String>, Arc<dyn Error + Send + Sync>> {
        Ok(vec![self.get(id).await?.into_owned()])
    }
}
struct Pg(CircuitBreaker);
#[async_trait::async_trait]
impl Repo for Pg {
    #[circuit_breaker(breaker = self.0, fallback = |error| if id.is_empty() { Err(Arc::new(error)) } else { Ok(Cow::Borrowed(id)) })]
    async fn get<'a>(&'a self, id: &'a str) -> Result<Cow<'a, str>, Arc<dyn Error + Send + Sync>> {
        Ok(Cow::Borrowed(id))
    }
}
struct Pg2;
#[async_trait::async_trait(?Send)]
impl Repo2 for Pg2 {
    #[circuit_breaker(call_timeout = "1s", key = (id, n), fallback = |_| Ok(n))]
    async fn get(&mut self, id: &str, mut n: u32) -> anyhow::Result<u32> {
        n += 1;
        Ok(n)
    }
}
#[async_trait::async_trait(?Send)]
trait Repo2 {
    async fn get(&mut self, id: &str, n: u32) -> anyhow::Result<u32>;
}

type Later<'a> = Pin<Box<dyn Future<Output = u8> + Send + 'a>>;

#[circuit_breaker(name = "services/boxed fn", fallback = |_| Ok(Vec::new()))]
async fn run(job: Box<dyn FnOnce(&str) -> Later<'_> + Send>) -> Result<Vec<u8>, BreakerError> {
    Ok(vec![job("x").await])
}

#[circuit_breaker(name = "services/fn ptr", fallback = |_| Ok(g(f("b"))))]
async fn ptr(f: fn(&str) -> &str, g: for<'a> fn(&'a str) -> usize) -> Result<usize, BreakerError> {
    Ok(g(f("a")))
}

#[circuit_breaker(name = "services/slices", fallback = |_| Ok(first), failure_if = Result::is_err, ignore_if(Ok("x")))]
async fn slices<'a>(
    first: &'a str,
    rest: [&'a str; 2],
    bufs: &mut [&mut [u8]],
) -> Result<&'a str, BreakerError> {
    bufs[0][0] = 1;
    Ok(if rest.is_empty() { first } else { rest[0] })
}

macro_rules! client {
    ($($(#[$meta:meta])* $vis:vis $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $label:literal $fallback:expr;)*) => {
        impl Pg { $($(#[$meta])* #[circuit_breaker(name = $label, fallback = $fallback, call_timeout = "2s")] $vis async fn $name(&self $(, $arg: $ty)*) -> $ret { $(let _ = &$arg;)* Err(std::io::Error::other("x")) })* }
    };
}
client! {
    /// Loads.
    load(id: String, page: Option<&str>) -> std::io::Result<Vec<u8>> = "services/load" |_| Ok(Vec::new());
    pub(crate) save(id: u64) -> Result<(), std::io::Error> = "services/save" |error| Err(std::io::Error::other(error));
}

#[circuit_breaker(name = "services/nested", fallback = |e| match e { CallError::Failed(Err(text)) => Ok((None, text)), CallError::Failed(Ok(value)) => Ok(value), CallError::Breaker(_) => Ok((None, String::new())) }, fallback_on = failure)]
fn nested(n: u32) -> Result<(Option<u32>, String), String> {
    if n == 0 { Err("zero".to_owned()) } else { Ok((Some(n), String::new())) }
}

#[circuit_breaker(name = "services/impl", key = name.as_ref(), fallback = |_| Err("no".into()))]
async fn impls(name: impl AsRef<str>, values: impl IntoIterator<Item = u32>) -> Result<u32, Box<dyn Error>> {
    let _ = name.as_ref();
    Ok(values.into_iter().sum())
}

#[circuit_breaker(name = "services/generic error", max_concurrent = 3)]
async fn generic<E, T>(value: Result<T, E>) -> Result<T, E>
where
    E: From<BreakerError> + Send,
{
    value
}

trait Backend {
    type Error: From<BreakerError> + Error;
    type Row<'r>
    where
        Self: 'r;
    const SIZE: usize;
}
struct Db<B>(B);
impl<B: Backend> Db<B> {
    #[circuit_breaker(name = "services/assoc", key = (B::SIZE, std::any::type_name::<B>()), failure_if(Err(_)))]
    fn rows<'r>(&'r self, rows: Vec<B::Row<'r>>) -> Result<Vec<B::Row<'r>>, B::Error> {
        Ok(rows)
    }
    #[circuit_breaker(name = "services/assoc async", fallback = |_| Ok(rows))]
    async fn rows_async<'r>(&'r self, rows: Vec<B::Row<'r>>) -> Result<Vec<B::Row<'r>>, B::Error> {
        Ok(rows)
    }
    #[circuit_breaker(name = "services/assoc 2", fallback = Self::other)]
    async fn rows2<'r>(
        &'r self,
        rows: Vec<B::Row<'r>>,
        n: [u8; 4],
    ) -> Result<Vec<B::Row<'r>>, <B as Backend>::Error> {
        let _ = n;
        Ok(rows)
    }
    async fn other<'r>(&'r self, rows: Vec<B::Row<'r>>, n: [u8; 4]) -> Result<Vec<B::Row<'r>>, B::Error> {
        let _ = n;
        Ok(rows)
    }
}
struct Tx<'c>(std::marker::PhantomData<&'c mut u8>);
#[circuit_breaker(name = "services/tx", fallback = |error| { let _ = tx.0; Err(error) }, key = table)]
async fn query<'t>(
    tx: Tx<'_>,
    table: &'t str,
    args: &[&(dyn Debug + Sync)],
) -> Result<&'t str, BreakerError> {
    let _ = (tx.0, args);
    Ok(table)
}
#[circuit_breaker(name = "services/tx mut", call_timeout = "1s", fallback = |error| Err(error))]
async fn exec(tx: &mut Tx<'_>, sql: &str) -> Result<u64, BreakerError> {
    let _ = (&tx, sql);
    Ok(1)
}
#[circuit_breaker(name = "services/extern", fallback = |_| 0)]
extern "C" fn ext(n: i32) -> i32 {
    n
}
struct Own(String);
impl Own {
    #[circuit_breaker(name = "services/pin", key = self.0, fallback = |_| Ok(1))]
    async fn pin(self: Pin<&Self>) -> Result<usize, BreakerError> {
        Ok(self.0.len())
    }
    #[circuit_breaker(name = "services/pin mut", fallback = |_| Ok(1))]
    async fn pin_mut(self: Pin<&mut Self>) -> Result<usize, BreakerError> {
        Ok(self.0.len())
    }
    #[circuit_breaker(name = "services/box", fallback = |error| Err(error))]
    async fn boxed(self: Box<Self>) -> Result<Box<Self>, BreakerError> {
        Ok(self)
    }
    #[circuit_breaker(name = "services/val", key = &self.0)]
    async fn val(self) -> Result<Self, BreakerError> {
        Ok(self)
    }
    #[circuit_breaker(name = "services/rc", fallback = |_| Ok(0), fallback_on = failure)]
    async fn arc(self: &Arc<Self>, tags: &'static [&'static str]) -> Result<usize, BreakerError> {
        Ok(self.0.len() + tags.len())
    }
}

fn open(name: &str) -> Option<()> {
    Registry::global().get(name)?.force_open();
    Some(())
}

#[tokio::test]
async fn functions_of_services_work_closed_and_open() {
    let pg = Pg(CircuitBreaker::new("pg", Config::default()).unwrap());
    let request = || handler(Req { body: "acme".to_owned() });
    assert_eq!(sent(request()).await.unwrap(), 4);
    assert_eq!(sent(pg.get("a")).await.unwrap(), "a");
    assert_eq!(sent(pg.list("a")).await.unwrap(), ["a"]);
    assert_eq!(Pg2.get("a", 1).await.unwrap(), 2);
    assert_eq!(
        sent(run(Box::new(|text| Box::pin(async move { u8::try_from(text.len()).unwrap() })))).await.unwrap(),
        [1]
    );
    assert_eq!(sent(ptr(|text| text, str::len)).await.unwrap(), 1);
    assert_eq!(slices("a", ["b", "c"], &mut [&mut [0]]).await.unwrap(), "b");
    assert!(sent(pg.load("a".to_owned(), None)).await.is_err() && pg.save(1).await.is_err());
    assert_eq!((nested(0).unwrap(), nested(1).unwrap().0), ((None, "zero".to_owned()), Some(1)));
    assert_eq!(impls("a", [1, 2]).await.unwrap(), 3);
    assert_eq!(sent(generic::<BreakerError, _>(Ok(1))).await.unwrap(), 1);
    for name in ["default", "boxed fn", "fn ptr", "slices", "load", "save", "nested", "generic error"] {
        open(&format!("services/{name}")).unwrap();
    }
    pg.0.force_open();
    assert_eq!(sent(pg.get("a")).await.unwrap(), "a");
    assert!(pg.get("").await.is_err());
    assert_eq!(sent(pg.list("a")).await.unwrap(), ["a"]);
    assert!(run(Box::new(|_| Box::pin(async { 1 }))).await.unwrap().is_empty());
    assert_eq!(ptr(|text| text, str::len).await.unwrap(), 1);
    assert_eq!(slices("a", ["b", "c"], &mut [&mut [0]]).await.unwrap(), "a");
    assert!(pg.load(String::new(), Some("1")).await.unwrap().is_empty() && pg.save(1).await.is_err());
    assert_eq!(nested(1).unwrap(), (None, String::new()));
    assert!(generic::<BreakerError, _>(Ok(1)).await.is_err());
}

struct Memory;

impl Backend for Memory {
    type Error = Fault;
    type Row<'r> = &'r str;
    const SIZE: usize = 4;
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Fault(#[from] BreakerError);

#[tokio::test]
async fn methods_of_generic_services_work_closed_and_open() {
    let (database, tx) = (Db(Memory), Tx(std::marker::PhantomData));
    assert_eq!(database.rows(vec!["a"]).unwrap(), ["a"]);
    assert_eq!(sent(database.rows_async(vec!["a"])).await.unwrap(), ["a"]);
    assert_eq!(sent(database.rows2(vec!["a"], [0; 4])).await.unwrap(), ["a"]);
    assert_eq!(sent(query(tx, "users", &[&1])).await.unwrap(), "users");
    assert_eq!(sent(exec(&mut Tx(std::marker::PhantomData), "delete")).await.unwrap(), 1);
    assert_eq!(ext(1), 1);
    let own = || Own("a".to_owned());
    assert_eq!(sent(Pin::new(&own()).pin()).await.unwrap(), 1);
    assert_eq!(sent(Pin::new(&mut own()).pin_mut()).await.unwrap(), 1);
    assert_eq!(sent(Box::new(own()).boxed()).await.unwrap().val().await.unwrap().0, "a");
    assert_eq!(sent(Arc::new(own()).arc(&["b"])).await.unwrap(), 2);
    for name in ["assoc async", "assoc 2", "tx mut", "extern", "pin mut", "box", "rc"] {
        open(&format!("services/{name}")).unwrap();
    }
    assert_eq!(database.rows_async(vec!["a"]).await.unwrap(), ["a"]);
    assert_eq!(database.rows2(vec!["a"], [0; 4]).await.unwrap(), ["a"]);
    assert!(exec(&mut Tx(std::marker::PhantomData), "delete").await.is_err());
    assert_eq!(ext(1), 0);
    assert_eq!(
        (Pin::new(&mut own()).pin_mut().await.unwrap(), Box::new(own()).boxed().await.is_err()),
        (1, true)
    );
    assert_eq!(Arc::new(own()).arc(&["b"]).await.unwrap(), 0);
}
