//! A durable store in `SQLite`: its items survive the end of the process.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use breaker_runtime::queue::{PushError, QueueStore, QueuedItem};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::task::spawn_blocking;

/// An amount to collect. The number of the order is the idempotency key: the provider executes it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) order: u32,
    pub(crate) cents: u32,
}

/// A table of captures. Clones share the connection.
#[derive(Clone)]
pub(crate) struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
}

/// The error of a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the runtime has stopped")]
    Stopped,
}

/// `AUTOINCREMENT` prevents that the id of a removed row is used again. With `FULL`, each insertion is on the disk
/// before `push` returns. A row that is no valid capture is moved to `invalid_captures`, so that it does not block the
/// others.
const SCHEMA: &str = "
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS captures (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        order_id INTEGER NOT NULL,
        cents INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS invalid_captures (id INTEGER PRIMARY KEY, order_id, cents);";

impl SqliteStore {
    /// Opens a file, and creates it if needed. Fails if it is no database or is damaged.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::new(Connection::open(path)?)
    }

    /// Uses the database of a connection.
    pub(crate) fn new(connection: Connection) -> Result<Self, StoreError> {
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs `operation` on a thread that may block.
    async fn run<R: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, StoreError> {
        let connection = Arc::clone(&self.connection);
        let result =
            spawn_blocking(move || operation(&connection.lock().unwrap_or_else(PoisonError::into_inner)));
        Ok(result.await.map_err(|_| StoreError::Stopped)??)
    }
}

impl QueueStore<Capture> for SqliteStore {
    type Error = StoreError;

    async fn push(&self, item: Capture, capacity: usize) -> Result<u64, PushError<Capture, StoreError>> {
        let capacity = i64::try_from(capacity).unwrap_or(i64::MAX);
        let insert = move |connection: &Connection| {
            let sql = "INSERT INTO captures (order_id, cents)
                SELECT ?1, ?2 WHERE (SELECT COUNT(*) FROM captures) < ?3 RETURNING id";
            let parameters = params![item.order, item.cents, capacity];
            connection.query_one(sql, parameters, |row| row.get(0)).optional()
        };
        match self.run(insert).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) => Err(PushError::full(item)),
            Err(error) => Err(PushError::store(item, error)),
        }
    }

    async fn next(&self, after: Option<u64>) -> Result<Option<QueuedItem<Capture>>, StoreError> {
        self.run(move |connection| {
            loop {
                let sql = "SELECT id, order_id, cents FROM captures WHERE id > ?1 ORDER BY id LIMIT 1";
                match connection.query_one(sql, [after.unwrap_or(0)], read).optional()? {
                    Some(ReadRow::Valid(capture)) => return Ok(Some(capture)),
                    Some(ReadRow::Invalid { id }) => set_aside(connection, id)?,
                    None => return Ok(None),
                }
            }
        })
        .await
    }

    async fn remove(&self, id: u64) -> Result<bool, StoreError> {
        let delete =
            move |connection: &Connection| connection.execute("DELETE FROM captures WHERE id = ?1", [id]);
        Ok(self.run(delete).await? > 0)
    }

    async fn count(&self) -> Result<usize, StoreError> {
        self.run(|connection| connection.query_one("SELECT COUNT(*) FROM captures", [], |row| row.get(0)))
            .await
    }
}

/// A row of the table.
enum ReadRow {
    Valid(QueuedItem<Capture>),
    /// Another program has written something else than a capture.
    Invalid {
        id: u64,
    },
}

fn read(row: &Row<'_>) -> rusqlite::Result<ReadRow> {
    let id = row.get(0)?;
    Ok(match (row.get(1), row.get(2)) {
        (Ok(order), Ok(cents)) => ReadRow::Valid(QueuedItem::new(id, Arc::new(Capture { order, cents }))),
        (Err(_), _) | (_, Err(_)) => ReadRow::Invalid { id },
    })
}

/// Moves a row to `invalid_captures`, where an operator finds it.
fn set_aside(connection: &Connection, id: u64) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction
        .execute("INSERT OR REPLACE INTO invalid_captures SELECT * FROM captures WHERE id = ?1", [id])?;
    transaction.execute("DELETE FROM captures WHERE id = ?1", [id])?;
    transaction.commit()
}
