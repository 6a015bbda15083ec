//! An open dashboard: a process of its own that reads the stream, and comes back when it ends.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) struct Dashboard(Child);

impl Dashboard {
    /// Returns when it has got the first event.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this runs"))
            .args(["--watch", &address.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this bench can run twice");
        let said = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        tokio::task::spawn_blocking(|| first(said)).await.expect("it says that it watches");
        Self(process)
    }
}

fn first(mut said: Lines<BufReader<ChildStdout>>) {
    said.next().expect("it watches").expect("it speaks UTF-8");
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// As a browser does: it comes back with the last id that it has seen.
pub(crate) fn watch(address: &str) -> ! {
    let mut last = None;
    loop {
        let mut server = TcpStream::connect(address).expect("the service is there");
        let id = last.as_ref().map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        write!(server, "GET /circuits/stream HTTP/1.1\r\nhost: service\r\n{id}\r\n").expect("it listens");
        for line in BufReader::new(server).lines() {
            let line = line.expect("it speaks UTF-8");
            if let Some(id) = line.strip_prefix("id: ") {
                // Nobody listens to more than this.
                if last.replace(id.to_owned()).is_none() {
                    println!("it watches");
                }
            }
        }
    }
}
