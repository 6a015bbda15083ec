//! Finds the master through Sentinel.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};

use super::connection;
use super::error::{Failure, Remedy};
use crate::fleet::store::StoreErrorKind;

/// Returns how to reach the server that a sentinel knows as the master.
pub(super) async fn ask(
    sentinel: &ConnectionInfo,
    master: &str,
    login: &RedisConnectionInfo,
) -> Result<ConnectionInfo, Failure> {
    let own_login = sentinel.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
    let mut connection = connection::open(sentinel.clone().set_redis_settings(own_login), None).await?;
    let command = redis::cmd("SENTINEL").arg("get-master-addr-by-name").arg(master).to_owned();
    let address: Option<HostAndPort> = command.query_async(&mut connection).await.map_err(Failure::from)?;
    let address = address.ok_or_else(|| {
        let text = format!("the sentinel {} knows no master named {master}", sentinel.addr());
        Failure::new(StoreErrorKind::Unreachable, Remedy::Reconnect, text)
    })?;
    describe(sentinel, address, login)
}

/// The host and the port of the master.
type HostAndPort = (String, u16);

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
