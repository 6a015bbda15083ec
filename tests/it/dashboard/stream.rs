//! Server-sent events, on a clock that the test moves.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use breaker_runtime::State;
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::server::Server;
use crate::support::{seconds, settings};

struct Stream {
    response: Response,
    buffer: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
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

    /// The next event, or none if the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let event: String = self.buffer.drain(..end + 2).collect();
                return Some(Event::parse(&event));
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.buffer.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    async fn after(&mut self, server: &Server, wait: Duration) -> Event {
        server.clock.advance(wait);
        self.next().await.unwrap()
    }
}

impl Event {
    fn parse(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let data = serde_json::from_str(&field("data: ")).unwrap();
        Self { name: field("event: "), id: field("id: "), data }
    }

    fn names(&self) -> Vec<&str> {
        let circuits = self.data["circuits"].as_array().unwrap();
        circuits.iter().map(|circuit| circuit["name"].as_str().unwrap()).collect()
    }

    fn look(&self) -> u64 {
        self.id.split_once('-').unwrap().1.parse().unwrap()
    }
}

#[tokio::test]
async fn first_comes_everything_and_then_what_changes() {
    let server = Server::start();
    let payment = server.register("payment", settings());
    server.register("search", settings());
    let mut stream = Stream::open(&server, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.names()), ("snapshot", vec!["payment", "search"]));
    assert_eq!((&first.data["age"], &first.data["controls"]), (&0.0.into(), &false.into()));
    assert!(first.data["circuits"][0]["settings"].is_object());

    let nothing = stream.after(&server, seconds(1)).await;
    assert_eq!((nothing.name.as_str(), nothing.names(), nothing.look()), ("delta", vec![], first.look() + 1));

    payment.operator("alice").force_open();
    server.register("new", settings());
    let delta = stream.after(&server, seconds(1)).await;
    assert_eq!(delta.names(), ["new", "payment"]);
    let news = &delta.data["circuits"][1];
    assert_eq!(
        (&news["state"], &news["transitions"][0]["initiator"]),
        (&"forced_open".into(), &"alice".into())
    );
    assert!(news.get("settings").is_none());

    assert!(payment.try_acquire().is_err());
    let delta = stream.after(&server, seconds(1)).await;
    assert!(delta.data["circuits"][0].get("transitions").is_none());
    assert_eq!(delta.data["circuits"][0]["totals"]["rejections"]["forced_open"], 1);

    payment.set_config(settings().critical(true).failure_threshold(7).build().unwrap());
    let delta = stream.after(&server, seconds(1)).await;
    assert_eq!(delta.data["circuits"][0]["settings"]["failure_threshold"], 7);
}

#[tokio::test]
async fn who_comes_back_gets_what_he_missed() {
    let server = Server::start();
    let names = ["a", "b", "c"];
    let breakers = names.map(|name| server.register(name, settings()));
    let mut stream = Stream::open(&server, None).await;
    let seen = stream.next().await.unwrap().id;
    breakers[0].force_open();
    stream.after(&server, seconds(1)).await;
    breakers[2].force_open();
    stream.after(&server, seconds(1)).await;
    drop(stream);

    let missed = Stream::open(&server, Some(&seen)).await.next().await.unwrap();
    assert_eq!((missed.name.as_str(), missed.names()), ("delta", vec!["a", "c"]));
    let again = Stream::open(&server, Some(&missed.id)).await.next().await.unwrap();
    assert_eq!((again.name.as_str(), again.names()), ("delta", vec![]));
    for foreign in ["", "7", "x-1", "1-", &format!("{}9", missed.id), "99999999999-1"] {
        let event = Stream::open(&server, Some(foreign)).await.next().await.unwrap();
        assert_eq!((event.name.as_str(), event.names()), ("snapshot", vec!["a", "b", "c"]), "{foreign}");
    }
}

#[tokio::test]
async fn circuits_are_looked_at_once_a_second_for_all_clients_and_not_at_all_without_one() {
    let server = Server::start();
    for nth in 0..200 {
        server.registry.register(format!("circuit {nth}"), settings().build().unwrap()).unwrap();
    }
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::open(&server, None).await);
    }
    for stream in &mut streams {
        assert_eq!(stream.next().await.unwrap().look(), 1);
    }
    for second in 2..6 {
        server.clock.advance(seconds(1));
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().look(), second);
        }
    }
    drop(streams);
    server.clock.advance(seconds(100));
    let mut late = Stream::open(&server, None).await;
    assert_eq!(late.next().await.unwrap().look(), 6);
    server.clock.advance(Duration::from_millis(400));
    let beside = Stream::open(&server, None).await.next().await.unwrap();
    assert_eq!((beside.look(), &beside.data["age"]), (6, &0.4.into()));
}

#[tokio::test]
async fn a_breaker_of_many_keys_is_looked_at_less_often() {
    let server = Server::start();
    let keyed =
        |name: &'static str| server.registry.register_keyed(name, settings().build().unwrap(), 5000).unwrap();
    let (few, many) = (keyed("few"), keyed("many"));
    for key in 0..2000 {
        drop(many.get(&key.to_string()));
    }
    let mut stream = Stream::open(&server, None).await;
    stream.next().await.unwrap();
    let mut told = Vec::new();
    for _ in 0..6 {
        for breaker in [&few, &many] {
            breaker.get("0").try_acquire().unwrap().settle(breaker_runtime::Outcome::Ignored);
        }
        told.push(stream.after(&server, seconds(1)).await.names().len());
    }
    assert_eq!(told, [1, 1, 2, 1, 1, 2]);
}

#[tokio::test]
async fn a_stream_ends_after_half_a_minute() {
    let server = Server::start();
    let mut stream = Stream::open(&server, None).await;
    stream.next().await.unwrap();
    assert_eq!(stream.response.headers()["connection"], "close");
    server.clock.advance(seconds(29));
    let last = stream.next().await.unwrap();
    assert!(stream.next().await.is_none());
    // It ended with an event, so who comes back has missed nothing.
    let mut next = Stream::open(&server, Some(&last.id)).await;
    assert_eq!(next.next().await.unwrap().look(), last.look());
    assert_eq!(next.after(&server, seconds(1)).await.look(), last.look() + 1);
}

#[tokio::test]
async fn ten_thousand_clients_are_capped() {
    let server = Server::start();
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(Stream::open(&server, None).await);
    }
    for _ in 0..9_900 {
        let answer = server.get("/circuits/stream").await;
        assert_eq!((answer.refusal().0, answer.header("retry-after")), (503, "30"));
    }
    assert_eq!(server.get("/circuits").await.status, 200);
    // A client that goes makes room, as soon as the server has noticed.
    streams.pop();
    let open = async || server.request(Method::GET, "/circuits/stream").send().await.unwrap();
    while open().await.status() != 200 {}
    // And so does one that only seems to be there.
    let mut next = open().await;
    while next.status() == 503 {
        server.clock.advance(seconds(30));
        next = open().await;
    }
    assert_eq!(next.status(), 200);
}

/// A client that asks for the stream and never reads.
async fn deaf(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut deaf = socket.connect(server.address).await.unwrap();
    deaf.write_all(b"GET /circuits/stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    deaf
}

#[tokio::test]
async fn a_client_that_does_not_read_harms_nobody() {
    let server = Server::start();
    let payment = server.register("payment", settings());
    let _deaf = deaf(&server).await;
    let mut stream = Stream::open(&server, None).await;
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
    let mut deaf = deaf(&server).await;
    // Who writes to a socket that is closed is told so.
    let end = Instant::now() + Duration::from_secs(60);
    while !matches!(deaf.try_write(b"x"), Err(error) if error.kind() != ErrorKind::WouldBlock) {
        assert!(Instant::now() < end, "it is still connected");
        server.clock.advance(seconds(10));
        tokio::task::yield_now().await;
    }
    // It ended in the middle of the first event.
    let mut text = Vec::new();
    let end = deaf.read_to_end(&mut text).await;
    assert!(!text.ends_with(b"\r\n0\r\n\r\n"), "{end:?}");
}
