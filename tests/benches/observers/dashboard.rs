//! An open dashboard: another process that reads the stream, and reconnects when the stream ends.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) struct Dashboard(Child);

impl Dashboard {
    /// Starts the process and waits for its first event.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this runs"))
            .args(["--watch", &address.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this bench can run twice");
        let output = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        tokio::task::spawn_blocking(|| wait_for_line(output)).await.expect("the thread does not panic");
        Self(process)
    }
}

fn wait_for_line(mut output: Lines<BufReader<ChildStdout>>) {
    output.next().expect("the process prints a line").expect("the line is UTF-8");
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Reads the stream like a browser, which reconnects with the last id that it received.
pub(crate) fn watch(address: &str) -> ! {
    let mut last = None;
    loop {
        let mut server = TcpStream::connect(address).expect("the service listens");
        let id = last.as_ref().map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        write!(server, "GET /circuits/stream HTTP/1.1\r\nhost: service\r\n{id}\r\n")
            .expect("the service reads");
        for line in BufReader::new(server).lines() {
            let line = line.expect("the line is UTF-8");
            if let Some(id) = line.strip_prefix("id: ") {
                // The parent reads only the first line.
                if last.replace(id.to_owned()).is_none() {
                    println!("connected");
                }
            }
        }
    }
}
