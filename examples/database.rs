//! Circuits in front of a database: a sync function with rusqlite, and async functions with a pool of connections.
//!
//! ```text
//! cargo run -p breaker-examples --example database
//! ```
//!
//! A locked database counts as a failure, a constraint violation does not. A pool whose connections are all in use
//! makes its callers wait without end; the circuit opens all the same, by `call_timeout` or by the timeouts of the
//! callers.
//!
//! No timeout stops a query that runs on the thread of a connection: `interact` of deadpool goes on after its future is
//! dropped, and the connection is reused only when the query has ended.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{BreakerError, Registry, State, circuit_breaker};
use deadpool_sqlite::{Config, Pool, PoolConfig, PoolError, Runtime};
use rusqlite::{Connection, ErrorCode};
use thiserror::Error;
use tokio::time::{sleep, timeout};

const RECOVERY: Duration = Duration::from_millis(200);
/// A caller waits longer than `cancelled_after`, so that its timeout counts as a failure.
const PATIENCE: Duration = Duration::from_millis(150);

#[derive(Debug, Error)]
enum OrderError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error("no connection: {0}")]
    Pool(#[from] PoolError),
    #[error("the query panicked or was cancelled")]
    Query,
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

impl OrderError {
    /// Returns `true` if the database does not work. All other errors show that it does: a constraint violation, a
    /// missing row, or a wrong statement.
    fn is_outage(&self) -> bool {
        match self {
            Self::Database(error) | Self::Pool(PoolError::Backend(error)) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::DatabaseCorrupt
                        | ErrorCode::NotADatabase
                        | ErrorCode::CannotOpen
                        | ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                )
            ),
            Self::Pool(_) | Self::Query => true,
            Self::Breaker(_) => false,
        }
    }
}

#[circuit_breaker(
    name = "orders",
    failure_threshold = 3,
    recovery_timeout = "200ms",
    success_threshold = 1,
    failure_if(Err(error) if error.is_outage())
)]
fn insert_order(connection: &Connection, id: u32) -> Result<String, OrderError> {
    connection.execute("INSERT INTO orders VALUES (?1)", [id])?;
    Ok(format!("inserted {id}"))
}

#[circuit_breaker(
    name = "count",
    failure_threshold = 3,
    recovery_timeout = "200ms",
    success_threshold = 1,
    call_timeout = "100ms",
    failure_if(Err(error) if error.is_outage())
)]
async fn count_orders(pool: &Pool) -> Result<String, OrderError> {
    query(pool, "SELECT count(*) FROM orders").await
}

// Without `call_timeout`, calls that their callers cancel count as failures after this time, by default a second.
#[circuit_breaker(
    name = "newest",
    failure_threshold = 3,
    recovery_timeout = "200ms",
    success_threshold = 1,
    cancelled_after = "100ms",
    failure_if(Err(error) if error.is_outage())
)]
async fn newest_order(pool: &Pool) -> Result<String, OrderError> {
    query(pool, "SELECT max(id) FROM orders").await
}

async fn query(pool: &Pool, statement: &'static str) -> Result<String, OrderError> {
    let connection = pool.get().await?;
    let found: u32 = connection
        .interact(move |connection| connection.query_row(statement, [], |row| row.get(0)))
        .await
        .map_err(|_| OrderError::Query)??;
    Ok(format!("found {found}"))
}

fn main() -> Result<()> {
    let file = DatabaseFile::create()?;
    use_connection(&file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(use_pool(&file))
}

fn use_connection(file: &DatabaseFile) -> Result<()> {
    let connection = file.connect()?;
    for _ in 0..5 {
        report("same order", insert_order(&connection, 1));
    }
    ensure!(state_of("orders")? == State::Closed, "expected constraint violations to be successes");

    let backup = file.connect()?;
    backup.execute_batch("BEGIN EXCLUSIVE")?;
    for id in 2..=5 {
        report("locked", insert_order(&connection, id));
    }
    ensure!(state_of("orders")? == State::Open, "expected a locked database to open the circuit");

    backup.execute_batch("COMMIT")?;
    std::thread::sleep(RECOVERY);
    report("unlocked", insert_order(&connection, 5));
    ensure!(state_of("orders")? == State::Closed, "expected the circuit to recover");
    Ok(())
}

async fn use_pool(file: &DatabaseFile) -> Result<()> {
    let mut config = Config::new(&file.0);
    config.pool = Some(PoolConfig::new(2)); // no timeout: `get` waits without end
    let pool = config.create_pool(Runtime::Tokio1)?;
    report("pool is free", count_orders(&pool).await);
    report("pool is free", newest_order(&pool).await);

    // Both connections are in use, for example by reports that take hours.
    let in_use = (pool.get().await?, pool.get().await?);
    for _ in 0..4 {
        report("call_timeout", count_orders(&pool).await);
    }
    for _ in 0..4 {
        match timeout(PATIENCE, newest_order(&pool)).await {
            Ok(result) => report("cancelled_after", result),
            Err(_) => println!("cancelled_after  the caller gave up"),
        }
    }
    for name in ["count", "newest"] {
        ensure!(state_of(name)? == State::Open, "expected the circuit {name:?} to be open");
    }
    ensure!(pool.status().waiting == 0, "expected no call to wait for a connection");

    drop(in_use);
    sleep(RECOVERY).await;
    report("pool is free", count_orders(&pool).await);
    report("pool is free", newest_order(&pool).await);
    for name in ["count", "newest"] {
        ensure!(state_of(name)? == State::Closed, "expected the circuit {name:?} to recover");
    }
    Ok(())
}

fn report(call: &str, result: Result<String, OrderError>) {
    let text = result.unwrap_or_else(|error| error.to_string());
    println!("{call:<16} {text}");
}

fn state_of(name: &str) -> Result<State> {
    Ok(Registry::global().get(name).context("expected the breaker to be declared")?.state())
}

/// A database with one order in the folder for temporary files. It is removed at the end.
struct DatabaseFile(PathBuf);

impl DatabaseFile {
    fn create() -> Result<Self> {
        let file = format!("breaker-example-database-{}.sqlite", std::process::id());
        let file = Self(std::env::temp_dir().join(file));
        file.connect()?.execute_batch(
            "DROP TABLE IF EXISTS orders; CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)",
        )?;
        Ok(file)
    }

    fn connect(&self) -> Result<Connection> {
        let connection = Connection::open(&self.0)?;
        // By default, rusqlite waits five seconds for a lock.
        connection.busy_timeout(Duration::from_millis(10))?;
        Ok(connection)
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        // A file that remains is harmless.
        let _ = std::fs::remove_file(&self.0);
    }
}
