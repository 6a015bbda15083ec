//! Redis servers for tests, each a child process on a free port with a folder of its own.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::programs;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many ports are tried. Another process can take a port between the choice and the start.
const ATTEMPTS: u32 = 20;

/// A running server. It ends when this value is dropped, also while a test panics.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    /// Ends the server if this process ends without dropping the value.
    guard: Option<Child>,
    kind: Kind,
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A server on its port, or on none if the options have another one with TLS.
    Server,
    Tls,
    Sentinel,
}

/// A certificate for `127.0.0.1` and `localhost`, its key, and the certificate of the authority that issued it.
#[derive(Debug)]
pub struct Certificate {
    /// The file with the certificate of the authority.
    pub authority: PathBuf,
    own: PathBuf,
    key: PathBuf,
}

/// Returns `true` if redis-server is installed. Otherwise prints that the test is skipped.
///
/// # Panics
///
/// Panics if it is missing and `BREAKER_TESTS=all` is set.
#[must_use]
pub fn is_available() -> bool {
    programs::is_installed("redis-server") && programs::is_installed("redis-cli")
}

impl RedisServer {
    /// Starts a server without persistence. Options are written as on its command line: `["--maxmemory", "10mb"]`.
    ///
    /// # Panics
    ///
    /// Panics if the server does not start, as all functions here do if something fails.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        Self::start_kind(&Kind::Server, options)
    }

    /// Starts a replica of another server.
    #[must_use]
    pub fn start_replica(master: &Self, options: &[&str]) -> Self {
        let master_port = master.port.to_string();
        let own = ["--replicaof", "127.0.0.1", &master_port];
        Self::start_kind(&Kind::Server, &[&own[..], options].concat())
    }

    /// Starts a server that accepts TLS only, and no certificates of clients.
    #[must_use]
    pub fn start_tls(certificate: &Certificate, options: &[&str]) -> Self {
        let own = [
            "--tls-cert-file",
            path(&certificate.own),
            "--tls-key-file",
            path(&certificate.key),
            "--tls-ca-cert-file",
            path(&certificate.authority),
            "--tls-auth-clients",
            "no",
        ];
        Self::start_kind(&Kind::Tls, &[&own[..], options].concat())
    }

    /// Starts a sentinel that watches a master under this name, and decides alone that it is down, after 300 ms.
    #[must_use]
    pub fn start_sentinel(name: &str, master: &Self) -> Self {
        let options = [
            format!("sentinel monitor {name} 127.0.0.1 {} 1", master.port),
            format!("sentinel down-after-milliseconds {name} 300"),
            format!("sentinel failover-timeout {name} 3000"),
        ];
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        Self::start_kind(&Kind::Sentinel, &options)
    }

    fn start_kind(kind: &Kind, options: &[&str]) -> Self {
        let mut said = VecDeque::new();
        for _ in 0..ATTEMPTS {
            let mut server = Self {
                child: None,
                guard: None,
                kind: kind.clone(),
                port: free_port(),
                folder: new_folder(),
                options: options.iter().map(|option| (*option).to_owned()).collect(),
            };
            match server.launch() {
                Ok(()) => return server,
                Err(lines) => said = lines,
            }
            if !said.iter().any(|line| line.contains("in use")) {
                break;
            }
        }
        panic!("redis-server does not start: {said:#?}");
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the folder of the server, which contains its `dump.rdb` after `SAVE`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the URL of the server, without a user.
    #[must_use]
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Tls => format!("rediss://127.0.0.1:{}", self.port),
            Kind::Server | Kind::Sentinel => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// Returns the URL of the server's Unix socket.
    #[must_use]
    pub fn unix_url(&self) -> String {
        format!("unix:{}", path(&self.socket()))
    }

    /// Runs a command on the server and returns its answer as redis-cli prints it.
    #[allow(clippy::must_use_candidate, reason = "most commands are run for their effect")]
    pub fn cli(&self, command: &[&str]) -> String {
        self.run_cli(&[], command)
    }

    /// Runs a command on the server as a user.
    #[allow(clippy::must_use_candidate, reason = "most commands are run for their effect")]
    pub fn cli_as(&self, user: &str, password: &str, command: &[&str]) -> String {
        self.run_cli(&["--user", user, "--pass", password, "--no-auth-warning"], command)
    }

    fn run_cli(&self, login: &[&str], command: &[&str]) -> String {
        let port = self.port.to_string();
        let socket = self.socket();
        let target = match self.kind {
            Kind::Sentinel => ["-p", &port],
            // The socket has no TLS.
            Kind::Server | Kind::Tls => ["-s", path(&socket)],
        };
        let output = Command::new("redis-cli").args(target).args(login).args(command).output();
        let output = output.expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Kills the server, as `kill -9` does.
    pub fn kill(&mut self) {
        // The guard ends first, because the number of the server could soon be that of another process.
        for mut child in self.guard.take().into_iter().chain(self.child.take()) {
            // It may have ended by itself.
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// Suspends the server: its connections stay, and it does not answer.
    pub fn stop(&self) {
        self.signal("-STOP");
    }

    /// Continues a suspended server.
    pub fn cont(&self) {
        self.signal("-CONT");
    }

    /// Kills the server if it runs, and starts it on the same port and in the same folder. Data that was saved is
    /// loaded.
    pub fn restart(&mut self) {
        self.kill();
        if let Err(said) = self.launch() {
            panic!("redis-server does not start again: {said:#?}");
        }
    }

    fn signal(&self, signal: &str) {
        let process = self.child.as_ref().expect("the server runs").id().to_string();
        let status = Command::new("kill").args([signal, &process]).status().expect("kill runs");
        assert!(status.success(), "kill {signal} {process}");
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// Starts the process and waits until it accepts connections. Returns what it printed if it ends before.
    fn launch(&mut self) -> Result<(), VecDeque<String>> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("redis-server is installed");
        let output = BufReader::new(child.stdout.take().expect("its output is read"));
        self.guard = Some(guard(&child, &self.folder));
        self.child = Some(child);
        let (ready, is_ready) = mpsc::channel();
        // The output is read to its end, because a full pipe would block the server.
        thread::spawn(move || {
            let mut last = VecDeque::new();
            for line in output.lines().map_while(Result::ok) {
                if line.contains("Ready to accept connections") || line.contains("Sentinel ID is") {
                    // The test may have ended.
                    _ = ready.send(Ok(()));
                }
                last.push_back(line);
                if last.len() > 100 {
                    last.pop_front();
                }
            }
            _ = ready.send(Err(last));
        });
        is_ready.recv_timeout(PATIENCE).expect("redis-server is ready in time")
    }

    fn command(&self) -> Command {
        let port = self.port.to_string();
        let folder = path(&self.folder);
        let mut command = Command::new("redis-server");
        if matches!(self.kind, Kind::Sentinel) {
            let file = self.folder.join("sentinel.conf");
            if !file.exists() {
                let own = format!("port {port}\nbind 127.0.0.1\ndir {folder}\n");
                fs::write(&file, own + &self.options.join("\n") + "\n").expect("the folder is writable");
            }
            command.arg(file).arg("--sentinel");
            return command;
        }
        match self.kind {
            Kind::Tls => command.args(["--port", "0", "--tls-port", &port]),
            Kind::Server | Kind::Sentinel => command.args(["--port", &port]),
        };
        command.args(["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]);
        // A replica is served at once.
        command.args(["--repl-diskless-sync-delay", "0"]);
        command.args(["--unixsocket", path(&self.socket())]).args(&self.options);
        command
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        _ = fs::remove_dir_all(&self.folder);
    }
}

impl Certificate {
    /// Creates an authority and a certificate in a folder with the program openssl.
    ///
    /// # Panics
    ///
    /// Panics if openssl fails.
    #[must_use]
    pub fn create(folder: &Path) -> Self {
        let file = |name| folder.join(name);
        let [authority, authority_key, certificate, key, request, extensions] =
            ["ca.pem", "ca.key", "cert.pem", "cert.key", "cert.csr", "cert.ext"].map(file);
        let new = ["req", "-newkey", "rsa:2048", "-nodes", "-batch"];
        let root = ["-x509", "-days", "2", "-subj", "/CN=tests", "-out", path(&authority)];
        openssl(&[&new[..], &root, &["-keyout", path(&authority_key)]].concat());
        let own = ["-subj", "/CN=localhost", "-out", path(&request), "-keyout", path(&key)];
        openssl(&[&new[..], &own].concat());
        fs::write(&extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            .expect("the folder is writable");
        let sign = ["x509", "-req", "-days", "2", "-in", path(&request), "-CA", path(&authority)];
        let with = ["-CAkey", path(&authority_key), "-CAcreateserial", "-extfile", path(&extensions)];
        openssl(&[&sign[..], &with, &["-out", path(&certificate)]].concat());
        Self { authority, own: certificate, key }
    }
}

/// Starts a process that ends the server when this process ends, which closes the pipe between them.
fn guard(server: &Child, folder: &Path) -> Child {
    let script = "read -r line; kill -KILL \"$1\"; rm -rf \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", &server.id().to_string(), path(folder)]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("sh runs")
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Returns a port that no one listens on at this moment.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Creates a folder that no other test uses.
#[must_use]
pub fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("breaker-redis-{}-{number}", std::process::id()));
    // A process with the same number may have left one.
    _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the temporary folder has an ordinary name")
}
