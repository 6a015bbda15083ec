//! The HTTP client of the two payment providers, without protection.

use std::fmt;

use reqwest::Client;

use crate::fault::Fault;

/// A payment provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    North,
    South,
}

/// The client of both providers.
#[derive(Clone)]
pub(crate) struct Providers {
    http: Client,
    north: String,
    south: String,
}

impl Providers {
    pub(crate) fn new(http: Client, north: &str, south: &str) -> Self {
        Self { http, north: north.to_owned(), south: south.to_owned() }
    }

    /// Sends the number of an order to a provider.
    pub(crate) async fn post(&self, provider: Provider, path: &str, number: u64) -> Result<(), Fault> {
        let base = match provider {
            Provider::North => &self.north,
            Provider::South => &self.south,
        };
        let response = self.http.post(format!("{base}/{path}")).body(number.to_string()).send().await?;
        response.error_for_status()?;
        Ok(())
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::North => "north",
            Self::South => "south",
        })
    }
}
