//! Finds the master through Sentinel.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};

use super::address::Target;
use super::connection;
use super::error::{Failure, Remedy};
use crate::fleet::store::StoreErrorKind;

/// Returns how to reach the server. It is determined anew for each connection, because the master may have changed.
pub(super) async fn resolve(target: &Target) -> Result<ConnectionInfo, Failure> {
    let (sentinels, master, login) = match target {
        Target::Server(info) => return Ok(info.clone()),
        Target::Sentinels { sentinels, master, login } => (sentinels, master, login),
    };
    let mut last = None;
    for sentinel in sentinels {
        match ask(sentinel, master).await {
            Ok(address) => return describe(sentinel, address, login),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| Failure::malformed("there is no sentinel")))
}

/// The host and the port of the master.
type HostAndPort = (String, u16);

async fn ask(sentinel: &ConnectionInfo, master: &str) -> Result<HostAndPort, Failure> {
    let login = sentinel.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
    let mut connection = connection::open(sentinel.clone().set_redis_settings(login), None).await?;
    let command = redis::cmd("SENTINEL").arg("get-master-addr-by-name").arg(master).to_owned();
    let address: Option<HostAndPort> = command.query_async(&mut connection).await.map_err(Failure::from)?;
    address.ok_or_else(|| {
        let text = format!("the sentinel {} knows no master named {master}", sentinel.addr());
        Failure::new(StoreErrorKind::Unreachable, Remedy::Reconnect, text)
    })
}

/// Combines the address of the master with the login. It uses TLS if the sentinel does.
fn describe(
    sentinel: &ConnectionInfo,
    (host, port): HostAndPort,
    login: &RedisConnectionInfo,
) -> Result<ConnectionInfo, Failure> {
    let address = match sentinel.addr() {
        ConnectionAddr::TcpTls { tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    Ok(address.into_connection_info()?.set_redis_settings(login.clone()))
}
