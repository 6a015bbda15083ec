//! The address of the store: a server, or the sentinels that know which one is the master.

use std::fmt;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};

use super::tls;

/// The address of the store, and how to log in.
#[derive(Clone, Debug)]
pub(in crate::fleet) struct StoreAddress(pub(super) Target);

#[derive(Clone, Debug)]
pub(super) enum Target {
    Server(ConnectionInfo),
    Sentinels { sentinels: Vec<ConnectionInfo>, master: String, login: RedisConnectionInfo },
}

/// An address cannot be used. Its text says what to change, and contains no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fleet) struct AddressError(String);

impl StoreAddress {
    /// Reads the URL of a server: `redis://`, `rediss://` for TLS, or `unix:`. Messages are received over version 3 of
    /// the protocol unless the URL ends in `?protocol=resp2`.
    pub(in crate::fleet) fn parse(url: &str) -> Result<Self, AddressError> {
        Ok(Self(Target::Server(parse(url)?)))
    }

    /// Uses the master that sentinels know under this name. The URLs are those of the sentinels.
    pub(in crate::fleet) fn sentinels<'a>(
        urls: impl IntoIterator<Item = &'a str>,
        master: &str,
    ) -> Result<Self, AddressError> {
        let sentinels = urls.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if sentinels.is_empty() {
            return Err(AddressError("no sentinel was given: pass the URL of at least one".to_owned()));
        }
        let login = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        Ok(Self(Target::Sentinels { sentinels, master: master.to_owned(), login }))
    }

    /// Sets the user and the password of the server. For sentinels, their URLs contain their own.
    #[must_use]
    pub(in crate::fleet) fn with_login(mut self, user: Option<&str>, password: &str) -> Self {
        let set = |login: RedisConnectionInfo| {
            let login = login.set_password(password);
            user.map_or(login.clone(), |user| login.set_username(user))
        };
        match &mut self.0 {
            Target::Server(info) => {
                let login = set(info.redis_settings().clone());
                *info = info.clone().set_redis_settings(login);
            }
            Target::Sentinels { login, .. } => *login = set(login.clone()),
        }
        self
    }
}

impl fmt::Display for StoreAddress {
    /// Writes the address without user and password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Server(info) => write!(out, "{}", info.addr()),
            Target::Sentinels { sentinels, master, .. } => {
                write!(out, "{master} of sentinel")?;
                for (position, sentinel) in sentinels.iter().enumerate() {
                    write!(out, "{} {}", if position == 0 { "" } else { "," }, sentinel.addr())?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

fn parse(url: &str) -> Result<ConnectionInfo, AddressError> {
    let scheme = url.split(':').next().unwrap_or_default();
    let advice = match scheme {
        "rediss" | "valkeys" if !tls::IS_AVAILABLE => {
            Some("TLS needs the feature `redis-tls` of breaker-runtime: enable it, or use redis://")
        }
        "rediss" | "valkeys" if url.ends_with("#insecure") => {
            Some("certificates are always checked: remove #insecure from the URL")
        }
        "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" | "valkey+unix" => None,
        _ => Some("a URL of Redis starts with redis://, rediss:// or unix:"),
    };
    if let Some(advice) = advice {
        return Err(AddressError(advice.to_owned()));
    }
    // The URL may contain a password and is not part of the text.
    let info = url.into_connection_info().map_err(|error| {
        let what = error.detail().map_or_else(|| error.to_string(), str::to_owned);
        AddressError(format!(
            "the URL cannot be read ({what}): write it as redis://user:password@host:6379/0"
        ))
    })?;
    if matches!(info.addr(), ConnectionAddr::Unix(path) if path.as_os_str().is_empty()) {
        return Err(AddressError("the URL names no socket: write it as unix:///run/redis.sock".to_owned()));
    }
    let (_, query) = url.rsplit_once('?').unwrap_or((url, ""));
    let is_old = query.contains("protocol=resp2") || query.contains("protocol=2");
    let protocol = if is_old { ProtocolVersion::RESP2 } else { ProtocolVersion::RESP3 };
    // The name of the library is not sent, because a limited user may not set it.
    let login = info.redis_settings().clone().set_protocol(protocol).set_skip_set_lib_name();
    Ok(info.set_redis_settings(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_password() {
        let address = StoreAddress::parse("redis://ada:secret@example.com/3").expect("valid");
        assert_eq!(address.to_string(), "example.com:6379");
        assert!(!format!("{address:?}").contains("secret"), "{address:?}");
        let address = StoreAddress::parse("unix:///run/redis.sock?db=1").expect("valid");
        assert_eq!(address.to_string(), "/run/redis.sock");
        let urls = ["redis://:secret@a", "redis://b:7"];
        let address = StoreAddress::sentinels(urls, "main").expect("valid").with_login(Some("ada"), "secret");
        assert_eq!(address.to_string(), "main of sentinel a:6379, b:7");
        assert!(!format!("{address:?}").contains("secret"), "{address:?}");
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_with_advice() {
        for (url, advice) in [
            ("", "starts with redis://"),
            ("http://secret@example.com", "starts with redis://"),
            ("redis://", "redis://user:password@host:6379/0"),
            ("redis://secret:secret@0.0.0.0", "redis://user:password@host:6379/0"),
            ("redis://secret@example.com/x", "redis://user:password@host:6379/0"),
            ("redis://secret@example.com:99999", "redis://user:password@host:6379/0"),
            (
                "rediss://secret@example.com/#insecure",
                if tls::IS_AVAILABLE { "#insecure" } else { "redis-tls" },
            ),
        ] {
            let error = StoreAddress::parse(url).expect_err(url).to_string();
            assert!(error.contains(advice) && !error.contains("secret"), "{url}: {error}");
        }
        assert_eq!(StoreAddress::parse("rediss://example.com").is_ok(), tls::IS_AVAILABLE);
        assert!(StoreAddress::sentinels([], "main").is_err());
    }
}
