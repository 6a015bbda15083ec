//! Access to the store for the tests outside of the crate.

use tokio::sync::mpsc;

use super::address::StoreAddress;
use super::store::RedisStore;
use crate::fleet::protocol::{Push, Reply, Request};
use crate::fleet::store::{Store as _, StoreErrorKind};

/// A store whose exchanges a test performs one by one.
pub struct StoreProbe(RedisStore);

/// The reason why an exchange failed.
#[derive(Clone, Debug)]
pub struct ProbeError {
    /// The kind of the failure.
    pub kind: StoreErrorKind,
    /// The text that says what went wrong, and what to do.
    pub text: String,
    /// The reply that the server returned although it could not write.
    pub partial: Option<Reply>,
}

impl StoreProbe {
    /// Creates the store of a namespace on the server with this URL.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL cannot be used.
    pub fn server(url: &str, namespace: &str) -> Result<Self, String> {
        let address = StoreAddress::parse(url).map_err(|error| error.to_string())?;
        Ok(Self(RedisStore::new(address, namespace)))
    }

    /// Creates the store of a namespace on the master that sentinels know under this name.
    ///
    /// # Errors
    ///
    /// Returns an error if a URL cannot be used.
    pub fn sentinels(urls: &[&str], master: &str, namespace: &str) -> Result<Self, String> {
        let address =
            StoreAddress::sentinels(urls.iter().copied(), master).map_err(|error| error.to_string())?;
        Ok(Self(RedisStore::new(address, namespace)))
    }

    /// Performs one exchange.
    ///
    /// # Errors
    ///
    /// Returns an error if the server did not answer, or refused the request.
    pub async fn sync(&mut self, request: &Request) -> Result<Reply, ProbeError> {
        self.0.sync(request).await.map_err(|error| ProbeError {
            kind: error.kind,
            text: error.text,
            partial: error.partial.map(|reply| *reply),
        })
    }

    /// Returns the receiver of messages.
    pub fn messages(&mut self) -> mpsc::Receiver<Push> {
        self.0.messages()
    }

    /// Returns `true` if messages can arrive.
    #[must_use]
    pub fn has_push(&self) -> bool {
        self.0.has_push()
    }
}
