//! The store on Redis.

use redis::ConnectionInfo;
use tokio::sync::mpsc;

use super::address::{StoreAddress, Target};
use super::connection::{Connection, Messages};
use super::error::{Failure, Remedy};
use super::reply::{self, Answer};
use super::script::Scripts;
use super::server::ServerFacts;
use super::{sentinel, server};
use crate::fleet::protocol::{Push, REPORT_ARGUMENTS, Reply, Report, Request, encode};
use crate::fleet::store::{Store, StoreError, StoreErrorKind};
use crate::warning::warn;

/// The most records that one exchange returns. The next one returns further ones.
const RECORDS_PER_REPLY: u32 = 256;

/// Maximum number of messages that wait for the background task.
const MAX_MESSAGES: usize = 64;

/// After as many exchanges without an answer, the connection is closed. The client itself would keep it.
const MAX_TIMEOUTS: u32 = 3;

/// The store on Redis: one connection, which `sync` opens when there is none.
pub(in crate::fleet) struct RedisStore {
    address: StoreAddress,
    keys: Vec<String>,
    channel: String,
    scripts: Scripts,
    connection: Option<Connection>,
    messages: Messages,
    receiver: Option<mpsc::Receiver<Push>>,
    /// Number of exchanges in a row that were not answered in time.
    timeouts: u32,
    last_server: LastServer,
    /// `true` until a reply has told the coordinator about another server.
    is_new_server: bool,
    has_warned: bool,
}

/// A new connection to a master.
struct Opened {
    connection: Connection,
    facts: ServerFacts,
}

/// The server of the connection before.
#[derive(Debug)]
enum LastServer {
    /// There was no connection.
    None,
    /// There was one to a server that did not tell its number.
    Unknown,
    Known(String),
}

impl RedisStore {
    /// Creates the store of a namespace. It does not connect.
    pub(in crate::fleet) fn new(address: StoreAddress, namespace: &str) -> Self {
        // All keys are in one slot of a cluster.
        let key = |end: &str| format!("cb1:{{{}}}:{end}", encode(namespace));
        let (messages, receiver) = mpsc::channel(MAX_MESSAGES);
        Self {
            address,
            keys: ["meta", "c", "log", "m", "cfg"].map(key).to_vec(),
            channel: key("ch"),
            scripts: Scripts::new(),
            connection: None,
            messages,
            receiver: Some(receiver),
            timeouts: 0,
            last_server: LastServer::None,
            is_new_server: false,
            has_warned: false,
        }
    }

    /// Returns `true` if messages can arrive over the present connection.
    pub(in crate::fleet) fn has_push(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.has_push)
    }

    /// Returns the connection. Opens it if there is none.
    async fn connected(&mut self) -> Result<Connection, Failure> {
        if let Some(connection) = self.connection.take().filter(|connection| !connection.is_lost()) {
            return Ok(connection);
        }
        self.timeouts = 0;
        let Opened { connection, facts } = self.open().await?;
        self.is_new_server |= match (&self.last_server, &facts.run_id) {
            (LastServer::None, _) => false,
            (LastServer::Known(last), Some(run_id)) => last != run_id,
            // It may be another one.
            (LastServer::Known(_) | LastServer::Unknown, _) => true,
        };
        self.last_server = facts.run_id.map_or(LastServer::Unknown, LastServer::Known);
        if facts.can_evict && !std::mem::replace(&mut self.has_warned, true) {
            warn(format_args!(
                "the Redis server {} may delete the shared circuits when it is out of memory: set its \
                 maxmemory-policy to noeviction",
                self.address
            ));
        }
        Ok(connection)
    }

    /// Connects to the server, or to the master that a sentinel knows. A sentinel that was cut off may still know an
    /// earlier master; then the next one is asked.
    async fn open(&self) -> Result<Opened, Failure> {
        let (sentinels, master, login) = match &self.address.0 {
            Target::Server(info) => return self.open_server(info.clone()).await,
            Target::Sentinels { sentinels, master, login } => (sentinels, master, login),
        };
        let mut tried = Vec::new();
        let (mut of_master, mut of_sentinel) = (None, None);
        for sentinel in sentinels {
            match sentinel::ask(sentinel, master, login).await {
                Err(failure) => of_sentinel = Some(failure),
                Ok(info) if tried.contains(info.addr()) => {}
                Ok(info) => {
                    tried.push(info.addr().clone());
                    match self.open_server(info).await {
                        Ok(opened) => return Ok(opened),
                        Err(failure) => of_master = Some(failure),
                    }
                }
            }
        }
        Err(of_master.or(of_sentinel).unwrap_or_else(|| Failure::malformed("there is no sentinel")))
    }

    /// Connects to a server, and checks that it is a master.
    async fn open_server(&self, info: ConnectionInfo) -> Result<Opened, Failure> {
        let mut connection = Connection::connect(info, &self.messages).await?;
        let facts = server::inspect(&mut connection, &self.channel).await?;
        Ok(Opened { connection, facts })
    }

    async fn exchange(&mut self, connection: &mut Connection, request: &Request) -> Result<Reply, Failure> {
        let arguments = arguments(request, &self.channel);
        let answer = self.scripts.sync.run(&mut connection.client, &self.keys, &arguments).await;
        let mut failure = match answer.map_err(Failure::from).and_then(reply::read) {
            Ok(Answer::Reply(reply)) => return Ok(self.with_server_change(reply)),
            Ok(Answer::Stale) => {
                let text = "the request reached the server after its deadline, and had no effect";
                Failure::new(StoreErrorKind::TimedOut, Remedy::Read, text)
            }
            Err(failure) => failure,
        };
        if failure.remedy == Remedy::Read {
            let arguments = [request.cursor.to_string(), RECORDS_PER_REPLY.to_string()];
            let answer = self.scripts.read.run(&mut connection.client, &self.keys, &arguments).await;
            if let Ok(Answer::Reply(reply)) = answer.map_err(Failure::from).and_then(reply::read) {
                failure.error.partial = Some(Box::new(self.with_server_change(reply)));
            }
        }
        Err(failure)
    }

    /// Says in a reply, once, that it comes from another server.
    fn with_server_change(&mut self, reply: Reply) -> Reply {
        Reply { is_new_server: std::mem::take(&mut self.is_new_server), ..reply }
    }

    /// Returns `true` if the connection is kept after this failure.
    fn survives(&mut self, failure: &Failure) -> bool {
        let is_silent = failure.error.kind == StoreErrorKind::TimedOut && failure.error.partial.is_none();
        self.timeouts = if is_silent { self.timeouts + 1 } else { 0 };
        failure.remedy != Remedy::Reconnect && self.timeouts < MAX_TIMEOUTS
    }
}

impl Store for RedisStore {
    async fn sync(&mut self, request: &Request) -> Result<Reply, StoreError> {
        let mut connection = self.connected().await.map_err(|failure| failure.error)?;
        connection.client.set_response_timeout(request.patience);
        let answer = self.exchange(&mut connection, request).await;
        match answer {
            Ok(reply) => {
                self.timeouts = 0;
                self.connection = Some(connection);
                Ok(reply)
            }
            Err(failure) => {
                if self.survives(&failure) {
                    self.connection = Some(connection);
                }
                Err(failure.error)
            }
        }
    }

    fn messages(&mut self) -> mpsc::Receiver<Push> {
        // A second receiver would get nothing.
        self.receiver.take().unwrap_or_else(|| mpsc::channel(1).1)
    }
}

/// Returns the arguments of the script.
fn arguments(request: &Request, channel: &str) -> Vec<String> {
    let mut arguments = Vec::with_capacity(6 + request.reports.len() * REPORT_ARGUMENTS);
    arguments.extend([
        encode(request.instance.as_str()),
        request.deadline.to_string(),
        request.cursor.to_string(),
        channel.to_owned(),
        RECORDS_PER_REPLY.to_string(),
        u8::from(request.is_leaving).to_string(),
    ]);
    arguments.extend(request.reports.iter().flat_map(Report::arguments));
    arguments
}
