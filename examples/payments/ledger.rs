//! The ledger: a repository whose twenty methods share one policy and one circuit. A real one queries a database; this
//! one keeps its rows in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, circuit_breaker};

use crate::fault::Fault;

/// The policy for everything that calls the database.
const LEDGER: ConfigBuilder = Config::builder()
    .failure_threshold(3)
    .recovery_timeout(Duration::from_secs(5))
    .max_concurrent(20)
    .max_wait(Duration::from_millis(100));

type Result<T> = std::result::Result<T, Fault>;
type Rows = BTreeMap<u64, Payment>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    New,
    Reserved,
    Collected,
    Refunded,
    Canceled,
}

#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) merchant: String,
    pub(crate) cents: u64,
    pub(crate) status: Status,
}

#[derive(Default)]
pub(crate) struct Ledger {
    rows: Mutex<Rows>,
}

// Methods with the same name and equal settings share one circuit.
#[allow(dead_code, reason = "the service does not need all methods yet")]
impl Ledger {
    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn insert(&self, merchant: &str, cents: u64) -> Result<u64> {
        let mut rows = self.rows()?;
        let number = rows.last_key_value().map_or(1, |(last, _)| last + 1);
        rows.insert(number, Payment { merchant: merchant.to_owned(), cents, status: Status::New });
        Ok(number)
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn reserve(&self, number: u64) -> Result<bool> {
        self.change(number, Status::New, Status::Reserved)
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn collect(&self, number: u64) -> Result<bool> {
        self.change(number, Status::Reserved, Status::Collected)
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn refund(&self, number: u64) -> Result<bool> {
        self.change(number, Status::Collected, Status::Refunded)
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn cancel(&self, number: u64) -> Result<bool> {
        self.change(number, Status::New, Status::Canceled)
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn delete(&self, number: u64) -> Result<bool> {
        Ok(self.rows()?.remove(&number).is_some())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn delete_merchant(&self, merchant: &str) -> Result<()> {
        self.rows()?.retain(|_, payment| payment.merchant != merchant);
        Ok(())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn rename_merchant(&self, from: &str, to: &str) -> Result<()> {
        for payment in self.rows()?.values_mut().filter(|payment| payment.merchant == from) {
            to.clone_into(&mut payment.merchant);
        }
        Ok(())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn find(&self, number: u64) -> Result<Option<Payment>> {
        Ok(self.rows()?.get(&number).cloned())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn status(&self, number: u64) -> Result<Option<Status>> {
        Ok(self.rows()?.get(&number).map(|payment| payment.status))
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn contains(&self, number: u64) -> Result<bool> {
        Ok(self.rows()?.contains_key(&number))
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn count(&self) -> Result<usize> {
        Ok(self.rows()?.len())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn first(&self) -> Result<Option<Payment>> {
        Ok(self.rows()?.values().next().cloned())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn last(&self) -> Result<Option<Payment>> {
        Ok(self.rows()?.values().next_back().cloned())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn largest(&self) -> Result<Option<Payment>> {
        Ok(self.rows()?.values().max_by_key(|payment| payment.cents).cloned())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn merchants(&self) -> Result<BTreeSet<String>> {
        Ok(self.rows()?.values().map(|payment| payment.merchant.clone()).collect())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn of_merchant(&self, merchant: &str) -> Result<Vec<Payment>> {
        Ok(self.rows()?.values().filter(|payment| payment.merchant == merchant).cloned().collect())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn with_status(&self, status: Status) -> Result<Vec<Payment>> {
        Ok(self.rows()?.values().filter(|payment| payment.status == status).cloned().collect())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn total(&self) -> Result<u64> {
        Ok(self.rows()?.values().map(|payment| payment.cents).sum())
    }

    #[circuit_breaker(name = "ledger", config = LEDGER)]
    pub(crate) fn total_of(&self, merchant: &str) -> Result<u64> {
        let rows = self.rows()?;
        Ok(rows.values().filter(|payment| payment.merchant == merchant).map(|payment| payment.cents).sum())
    }

    fn change(&self, number: u64, from: Status, to: Status) -> Result<bool> {
        match self.rows()?.get_mut(&number) {
            Some(payment) if payment.status == from => payment.status = to,
            Some(_) | None => return Ok(false),
        }
        Ok(true)
    }

    /// Opens a transaction. It fails if an earlier one panicked.
    fn rows(&self) -> io::Result<MutexGuard<'_, Rows>> {
        self.rows.lock().map_err(|_| io::Error::other("an earlier transaction panicked"))
    }
}
