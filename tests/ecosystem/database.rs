//! Circuits in front of databases: rusqlite in sync functions, and a pool of deadpool in async ones.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use breaker_runtime::testing::{Scope, scope, scope_async};
use breaker_runtime::{BreakerError, CircuitBreaker, ErrorKind, Registry, State, circuit_breaker};
use deadpool_sqlite::{Config, Pool, PoolConfig, PoolError, Runtime, TimeoutType};
use rusqlite::{Connection, ErrorCode};
use tokio::time::{Instant, timeout};

const RECOVERY: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug)]
enum OrderError {
    Database(rusqlite::Error),
    Pool(PoolError),
    Query,
    Breaker(BreakerError),
}

impl From<rusqlite::Error> for OrderError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<BreakerError> for OrderError {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

impl OrderError {
    fn is_outage(&self) -> bool {
        match self {
            Self::Database(error) | Self::Pool(PoolError::Backend(error)) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseCorrupt
                        | ErrorCode::NotADatabase
                        | ErrorCode::CannotOpen
                )
            ),
            Self::Pool(_) | Self::Query => true,
            Self::Breaker(_) => false,
        }
    }
}

/// A database with the order 1, which is removed at the end of a test.
struct DatabaseFile(PathBuf);

impl DatabaseFile {
    fn create(test: &str) -> Self {
        let file = Self(PathBuf::from(format!("{}/database-{test}.sqlite", env!("CARGO_TARGET_TMPDIR"))));
        // A test that was killed has left its file.
        let _ = fs::remove_file(&file.0);
        let statements = "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)";
        file.connect().execute_batch(statements).expect("a new database");
        file
    }

    fn connect(&self) -> Connection {
        let connection = Connection::open(&self.0).expect("a connection");
        connection.busy_timeout(Duration::ZERO).expect("a valid timeout");
        connection
    }

    /// Returns a pool of two connections.
    fn pool(&self, wait: Option<Duration>) -> Pool {
        let mut config = PoolConfig::new(2);
        config.timeouts.wait = wait;
        let config = Config { pool: Some(config), ..Config::new(&self.0) };
        config.create_pool(Runtime::Tokio1).expect("a pool")
    }

    /// Replaces the bytes of the file from `offset` on.
    fn damage(&self, offset: usize) {
        let mut bytes = fs::read(&self.0).expect("the file of the database");
        bytes.get_mut(offset..).expect("a longer file").fill(0xAA);
        fs::write(&self.0, bytes).expect("the file of the database");
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[circuit_breaker(
    name = "ecosystem/insert",
    failure_threshold = 2,
    success_threshold = 1,
    failure_if(Err(error) if error.is_outage())
)]
fn insert(connection: &Connection, id: u32) -> Result<usize, OrderError> {
    Ok(connection.execute("INSERT INTO orders VALUES (?1)", [id])?)
}

#[circuit_breaker(
    name = "ecosystem/find",
    failure_threshold = 2,
    success_threshold = 1,
    failure_if(Err(error) if error.is_outage())
)]
fn find(connection: &Connection, table: &str, id: u32) -> Result<u32, OrderError> {
    let statement = format!("SELECT id FROM {table} WHERE id = ?1");
    Ok(connection.query_row(&statement, [id], |row| row.get(0))?)
}

#[circuit_breaker(
    name = "ecosystem/limited",
    failure_threshold = 2,
    success_threshold = 1,
    call_timeout = "3s",
    failure_if(Err(error) if error.is_outage())
)]
async fn count_within_limit(pool: &Pool) -> Result<u32, OrderError> {
    count_orders(pool).await
}

#[circuit_breaker(
    name = "ecosystem/unlimited",
    failure_threshold = 2,
    success_threshold = 1,
    failure_if(Err(error) if error.is_outage())
)]
async fn count(pool: &Pool) -> Result<u32, OrderError> {
    count_orders(pool).await
}

async fn count_orders(pool: &Pool) -> Result<u32, OrderError> {
    let connection = pool.get().await.map_err(OrderError::Pool)?;
    let count = |connection: &mut Connection| {
        connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))
    };
    Ok(connection.interact(count).await.map_err(|_| OrderError::Query)??)
}

fn circuit(name: &str) -> CircuitBreaker {
    Registry::global().get(name).expect("a declared breaker")
}

fn is_rejected<T>(result: &Result<T, OrderError>) -> bool {
    matches!(result, Err(OrderError::Breaker(error)) if error.kind() == ErrorKind::Open)
}

#[test]
fn a_locked_database_opens_the_circuit_which_recovers_when_it_is_unlocked() {
    let file = DatabaseFile::create("locked");
    let (connection, other) = (file.connect(), file.connect());
    scope(|scope: Scope| {
        other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
        for id in [2, 3] {
            let Err(OrderError::Database(error)) = insert(&connection, id) else { panic!("it is locked") };
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
        }
        assert!(is_rejected(&insert(&connection, 4)));

        other.execute_batch("COMMIT").expect("an unlocked database");
        assert!(is_rejected(&insert(&connection, 4)));
        scope.advance(RECOVERY);
        assert_eq!(insert(&connection, 4).expect("an unlocked database"), 1);
        assert_eq!(circuit("ecosystem/insert").state(), State::Closed);
    });
}

#[test]
fn a_constraint_violation_a_missing_row_and_a_wrong_statement_are_no_failures() {
    let file = DatabaseFile::create("constraints");
    let connection = file.connect();
    scope(|_| {
        for _ in 0..5 {
            assert!(matches!(insert(&connection, 1), Err(OrderError::Database(_))));
            assert!(matches!(find(&connection, "orders", 2), Err(OrderError::Database(_))));
            assert!(matches!(find(&connection, "no_table", 2), Err(OrderError::Database(_))));
        }
        for (name, calls) in [("ecosystem/insert", 5), ("ecosystem/find", 10)] {
            let totals = circuit(name).snapshot().totals;
            assert_eq!((totals.successes, totals.failures), (calls, 0), "{name}");
        }
    });
}

#[test]
fn a_corrupt_database_opens_the_circuit() {
    // The first bytes say that the file is a database; those after byte 100 are its tables.
    for (offset, code) in [(0, ErrorCode::NotADatabase), (100, ErrorCode::DatabaseCorrupt)] {
        let file = DatabaseFile::create(&format!("corrupt-{offset}"));
        file.damage(offset);
        let connection = file.connect();
        scope(|_| {
            for _ in 0..2 {
                let Err(OrderError::Database(error)) = find(&connection, "orders", 1) else {
                    panic!("the file is damaged")
                };
                assert_eq!(error.sqlite_error_code(), Some(code));
            }
            assert!(is_rejected(&find(&connection, "orders", 1)));
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_whose_acquire_hangs_opens_the_circuit_by_call_timeout() {
    let file = DatabaseFile::create("call-timeout");
    let pool = file.pool(None);
    scope_async(async |scope: Scope| {
        let in_use = [pool.get().await.expect("a connection"), pool.get().await.expect("a connection")];
        for _ in 0..2 {
            let start = Instant::now();
            let Err(OrderError::Breaker(error)) = count_within_limit(&pool).await else {
                panic!("no connection is free")
            };
            assert_eq!((error.kind(), start.elapsed()), (ErrorKind::TimedOut, CALL_TIMEOUT));
        }
        let start = Instant::now();
        assert!(is_rejected(&count_within_limit(&pool).await));
        assert_eq!((start.elapsed(), pool.status().waiting), (Duration::ZERO, 0));

        drop(in_use);
        scope.advance(RECOVERY);
        assert_eq!(count_within_limit(&pool).await.expect("a free connection"), 1);
        assert_eq!(circuit("ecosystem/limited").state(), State::Closed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn callers_that_give_up_on_a_hanging_pool_open_its_circuit_without_a_call_timeout() {
    let file = DatabaseFile::create("cancelled");
    let pool = file.pool(None);
    scope_async(async |scope: Scope| {
        let in_use = [pool.get().await.expect("a connection"), pool.get().await.expect("a connection")];
        // Callers that give up before `cancelled_after`, a second, show nothing.
        for _ in 0..5 {
            timeout(Duration::from_millis(900), count(&pool)).await.expect_err("no connection is free");
        }
        assert_eq!(circuit("ecosystem/unlimited").state(), State::Closed);
        for _ in 0..2 {
            timeout(Duration::from_millis(1100), count(&pool)).await.expect_err("no connection is free");
        }
        let start = Instant::now();
        assert!(is_rejected(&count(&pool).await));
        assert_eq!((start.elapsed(), pool.status().waiting), (Duration::ZERO, 0));

        // The connections come back, and the first call after the recovery timeout gets one.
        drop(in_use);
        assert!(is_rejected(&count(&pool).await));
        scope.advance(RECOVERY);
        assert_eq!(count(&pool).await.expect("a free connection"), 1);
        assert_eq!(circuit("ecosystem/unlimited").state(), State::Closed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_pool_is_a_failure_like_any_other_error() {
    let file = DatabaseFile::create("pool-timeout");
    let pool = file.pool(Some(Duration::from_millis(500)));
    scope_async(async |_| {
        let _in_use = [pool.get().await.expect("a connection"), pool.get().await.expect("a connection")];
        for _ in 0..2 {
            let result = count(&pool).await;
            assert!(matches!(result, Err(OrderError::Pool(PoolError::Timeout(TimeoutType::Wait)))));
        }
        assert!(is_rejected(&count(&pool).await));
    })
    .await;
}
