//! Server-sent events, on a clock that the test advances.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use breaker_runtime::State;
use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::server::Server;
use crate::support::{seconds, settings};

struct EventStream {
    response: Response,
    buffer: String,
}

#[derive(Debug)]
struct StreamEvent {
    name: String,
    id: String,
    data: Value,
}

impl EventStream {
    async fn open(server: &Server, last_event_id: Option<&str>) -> Self {
        let mut request = server.request(Method::GET, "/circuits/stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new() }
    }

    /// Returns the next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let event: String = self.buffer.drain(..end + 2).collect();
                return Some(StreamEvent::parse(&event));
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.buffer.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    async fn after(&mut self, server: &Server, wait: Duration) -> StreamEvent {
        server.clock.advance(wait);
        self.next().await.unwrap()
    }
}

impl StreamEvent {
    fn parse(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let data = serde_json::from_str(&field("data: ")).unwrap();
        Self { name: field("event: "), id: field("id: "), data }
    }

    fn names(&self) -> Vec<&str> {
        let circuits = self.data["circuits"].as_array().unwrap();
        circuits.iter().map(|circuit| circuit["name"].as_str().unwrap()).collect()
    }

    fn version(&self) -> u64 {
        self.id.split_once('-').unwrap().1.parse().unwrap()
    }
}

#[tokio::test]
async fn a_stream_begins_with_a_snapshot_and_continues_with_changes() {
    let server = Server::start();
    let payment = server.register("payment", settings());
    server.register("search", settings());
    let mut stream = EventStream::open(&server, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.names()), ("snapshot", vec!["payment", "search"]));
    assert_eq!((&first.data["age"], &first.data["controls"]), (&0.0.into(), &false.into()));
    assert!(first.data["circuits"][0]["settings"].is_object());

    let nothing = stream.after(&server, seconds(1)).await;
    assert_eq!(
        (nothing.name.as_str(), nothing.names(), nothing.version()),
        ("delta", vec![], first.version() + 1)
    );

    payment.operator("alice").force_open();
    server.register("new", settings());
    let delta = stream.after(&server, seconds(1)).await;
    assert_eq!(delta.names(), ["new", "payment"]);
    let changed = &delta.data["circuits"][1];
    assert_eq!(
        (&changed["state"], &changed["transitions"][0]["initiator"]),
        (&"forced_open".into(), &"alice".into())
    );
    assert!(changed.get("settings").is_none());

    assert!(payment.try_acquire().is_err());
    let delta = stream.after(&server, seconds(1)).await;
    assert!(delta.data["circuits"][0].get("transitions").is_none());
    assert_eq!(delta.data["circuits"][0]["totals"]["rejections"]["forced_open"], 1);

    payment.set_config(settings().critical(true).failure_threshold(7).build().unwrap());
    let delta = stream.after(&server, seconds(1)).await;
    assert_eq!(delta.data["circuits"][0]["settings"]["failure_threshold"], 7);
}

#[tokio::test]
async fn a_delta_has_the_configuration_only_after_it_was_loaded() {
    let server = Server::start();
    let mut reader = ConfigReader::new(&server.registry);
    let mut load = |text: &str| {
        _ = reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes());
    };
    load("x = 1");
    let mut stream = EventStream::open(&server, None).await;
    let loads =
        |event: &StreamEvent| event.data.get("config").map(|config| config["refused"].as_u64().unwrap());
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), loads(&first)), ("snapshot", Some(1)));
    assert_eq!(loads(&stream.after(&server, seconds(1)).await), None);
    load("x = 2");
    let second = stream.after(&server, seconds(1)).await;
    assert_eq!(loads(&second), Some(2));
    assert!(second.data["config"]["last_error"].is_string());
    load("");
    assert_eq!(stream.after(&server, seconds(1)).await.data["config"]["applied"], 1);
    assert_eq!(loads(&stream.after(&server, seconds(1)).await), None);
    // A client that reconnects has missed the loads.
    let missed = EventStream::open(&server, Some(&first.id)).await.next().await.unwrap();
    assert_eq!((missed.name.as_str(), loads(&missed)), ("delta", Some(2)));
}

#[tokio::test]
async fn a_client_that_reconnects_receives_the_missed_changes() {
    let server = Server::start();
    let names = ["a", "b", "c"];
    let breakers = names.map(|name| server.register(name, settings()));
    let mut stream = EventStream::open(&server, None).await;
    let seen = stream.next().await.unwrap().id;
    breakers[0].force_open();
    stream.after(&server, seconds(1)).await;
    breakers[2].force_open();
    stream.after(&server, seconds(1)).await;
    drop(stream);

    let missed = EventStream::open(&server, Some(&seen)).await.next().await.unwrap();
    assert_eq!((missed.name.as_str(), missed.names()), ("delta", vec!["a", "c"]));
    let again = EventStream::open(&server, Some(&missed.id)).await.next().await.unwrap();
    assert_eq!((again.name.as_str(), again.names()), ("delta", vec![]));
    for foreign in ["", "7", "x-1", "1-", &format!("{}9", missed.id), "99999999999-1"] {
        let event = EventStream::open(&server, Some(foreign)).await.next().await.unwrap();
        assert_eq!((event.name.as_str(), event.names()), ("snapshot", vec!["a", "b", "c"]), "{foreign}");
    }
}

#[tokio::test]
async fn circuits_are_read_once_a_second_for_all_clients_and_not_without_a_client() {
    let server = Server::start();
    for nth in 0..200 {
        server.registry.register(format!("circuit {nth}"), settings().build().unwrap()).unwrap();
    }
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(EventStream::open(&server, None).await);
    }
    for stream in &mut streams {
        assert_eq!(stream.next().await.unwrap().version(), 1);
    }
    for second in 2..6 {
        server.clock.advance(seconds(1));
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().version(), second);
        }
    }
    drop(streams);
    server.clock.advance(seconds(100));
    let mut late = EventStream::open(&server, None).await;
    assert_eq!(late.next().await.unwrap().version(), 6);
    server.clock.advance(Duration::from_millis(400));
    let beside = EventStream::open(&server, None).await.next().await.unwrap();
    assert_eq!((beside.version(), &beside.data["age"]), (6, &0.4.into()));
}

#[tokio::test]
async fn a_breaker_with_many_keys_is_read_less_often() {
    let server = Server::start();
    let keyed =
        |name: &'static str| server.registry.register_keyed(name, settings().build().unwrap(), 5000).unwrap();
    let (few, many) = (keyed("few"), keyed("many"));
    for key in 0..2000 {
        drop(many.get(&key.to_string()));
    }
    let mut stream = EventStream::open(&server, None).await;
    stream.next().await.unwrap();
    let mut counts = Vec::new();
    for _ in 0..6 {
        for breaker in [&few, &many] {
            breaker.get("0").try_acquire().unwrap().settle(breaker_runtime::Outcome::Ignored);
        }
        counts.push(stream.after(&server, seconds(1)).await.names().len());
    }
    assert_eq!(counts, [1, 1, 2, 1, 1, 2]);
}

#[tokio::test]
async fn a_stream_ends_after_thirty_seconds() {
    let server = Server::start();
    let mut stream = EventStream::open(&server, None).await;
    stream.next().await.unwrap();
    assert_eq!(stream.response.headers()["connection"], "close");
    server.clock.advance(seconds(29));
    let last = stream.next().await.unwrap();
    assert!(stream.next().await.is_none());
    // The stream ended with an event, so a client that reconnects has missed nothing.
    let mut next = EventStream::open(&server, Some(&last.id)).await;
    assert_eq!(next.next().await.unwrap().version(), last.version());
    assert_eq!(next.after(&server, seconds(1)).await.version(), last.version() + 1);
}

#[tokio::test]
async fn the_number_of_clients_is_limited() {
    let server = Server::start();
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(EventStream::open(&server, None).await);
    }
    for _ in 0..9_900 {
        let response = server.get("/circuits/stream").await;
        assert_eq!((response.error().status, response.header("retry-after")), (503, "30"));
    }
    assert_eq!(server.get("/circuits").await.status, 200);
    // A client that disconnects frees its slot as soon as the server notices.
    streams.pop();
    let open = async || server.request(Method::GET, "/circuits/stream").send().await.unwrap();
    while open().await.status() != 200 {}
    // The slot of a client that does not read expires.
    let mut next = open().await;
    while next.status() == 503 {
        server.clock.advance(seconds(30));
        next = open().await;
    }
    assert_eq!(next.status(), 200);
}

/// Requests the stream and never reads it.
async fn unread_stream(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut unread = socket.connect(server.address).await.unwrap();
    unread.write_all(b"GET /circuits/stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    unread
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_affect_others() {
    let server = Server::start();
    let payment = server.register("payment", settings());
    let _unread = unread_stream(&server).await;
    let mut stream = EventStream::open(&server, None).await;
    stream.next().await.unwrap();
    for _ in 0..25 {
        payment.force_open();
        payment.release();
        let delta = stream.after(&server, seconds(1)).await;
        assert_eq!((delta.names(), payment.state()), (vec!["payment"], State::Closed));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_with_its_connection() {
    let server = Server::start();
    for nth in 0..1000 {
        server.registry.register(format!("circuit {nth}"), settings().build().unwrap()).unwrap();
    }
    let mut unread = unread_stream(&server).await;
    // Writing to a closed socket fails.
    let end = Instant::now() + Duration::from_secs(60);
    while !matches!(unread.try_write(b"x"), Err(error) if error.kind() != ErrorKind::WouldBlock) {
        assert!(Instant::now() < end, "the client is still connected");
        server.clock.advance(seconds(10));
        tokio::task::yield_now().await;
    }
    // The response ended in the middle of the first event.
    let mut text = Vec::new();
    let end = unread.read_to_end(&mut text).await;
    assert!(!text.ends_with(b"\r\n0\r\n\r\n"), "{end:?}");
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_dropped_when_another_client_needs_its_slot() {
    let server = Server::start();
    for nth in 0..1000 {
        server.registry.register(format!("circuit {nth}"), settings().build().unwrap()).unwrap();
    }
    let mut slow = unread_stream(&server).await;
    let mut text = vec![0; 100_000];
    for _ in 0..2 {
        slow.read_exact(&mut text).await.unwrap();
        server.clock.advance(seconds(20));
    }
    // Its slot has expired, but nothing needs the slot.
    slow.read_exact(&mut text).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..100 {
        others.push(EventStream::open(&server, None).await);
    }
    let mut rest = Vec::new();
    let end = slow.read_to_end(&mut rest).await;
    assert!(!rest.ends_with(b"\r\n0\r\n\r\n") && rest.len() < 500_000, "{end:?}, {} bytes", rest.len());
}
