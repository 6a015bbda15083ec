//! Input that a route does not know is refused, and changes nothing.

use breaker_runtime::{Config, State};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::server::{ErrorResponse, HttpResponse, Server, TOKEN, encoded};
use crate::support::settings;

/// Every route, and the parameters that it accepts.
const ROUTES: [(Method, &str, &str); 9] = [
    (Method::GET, "/", "none"),
    (Method::GET, "/health/circuits", "all"),
    (Method::GET, "/metrics", "none"),
    (Method::GET, "/fleet", "none"),
    (Method::GET, "/circuits", "none"),
    (Method::GET, "/circuits/stream", "none"),
    (Method::GET, "/circuits/shop", "key"),
    (Method::POST, "/circuits/shop/force-open", "key, scope, why"),
    (Method::POST, "/circuits/shop/reset", "key, scope, why"),
];

/// A server with a breaker `shop` that has two keys.
struct Shop {
    server: Server,
    states: Box<dyn Fn() -> [State; 2]>,
}

impl Shop {
    fn start() -> Self {
        let server = Server::with_token();
        let shops = server.registry.register_keyed("shop", Config::default(), 10).unwrap();
        shops.get("3").disable();
        drop(shops.get("4"));
        Self { server, states: Box::new(move || ["3", "4"].map(|key| shops.find(key).unwrap().state())) }
    }

    /// Sends a request with the headers of a command, and returns its error. It must change nothing.
    async fn refused(&self, method: &Method, path: &str) -> ErrorResponse {
        let request = self.server.request(method.clone(), path).bearer_auth(TOKEN);
        let response = HttpResponse::of(request.header("x-breaker-operator", "alice")).await;
        assert_eq!((self.states)(), [State::Disabled, State::Closed], "{path}");
        response.error()
    }
}

#[tokio::test]
async fn every_route_refuses_unknown_parameters_and_lists_the_accepted_ones() {
    let shop = Shop::start();
    for (method, path, accepted) in ROUTES {
        let text = format!("unknown parameter \"Key\"; accepted parameters: {accepted}");
        let refused = ErrorResponse { status: 400, text };
        for query in ["Key=3", "&Key", "K%65y=3&Key=4"] {
            assert_eq!(shop.refused(&method, &format!("{path}?{query}")).await, refused, "{method} {path}");
        }
    }
    let mixed = shop.refused(&Method::POST, "/circuits/shop/force-open?key=3&dry-run=true").await;
    assert_eq!(mixed.text, "unknown parameter \"dry-run\"; accepted parameters: key, scope, why");
}

#[tokio::test]
async fn repeated_parameters_and_invalid_values_are_refused() {
    let shop = Shop::start();
    for (method, path, accepted) in [
        (Method::GET, "/circuits/shop", "key"),
        (Method::POST, "/circuits/shop/force-open", "key, scope, why"),
    ] {
        for query in ["key=3&key=4", "key=3&key=3", "key=3&k%65y", "key&key"] {
            let error = shop.refused(&method, &format!("{path}?{query}")).await;
            let text = format!("parameter \"key\" must be sent only once; accepted parameters: {accepted}");
            assert_eq!(error, ErrorResponse { status: 400, text }, "{query}");
        }
    }
    for (query, text) in [
        ("all&all", "parameter \"all\" must be sent only once; accepted parameters: all"),
        ("all=1", "parameter \"all\" must be true or false; accepted parameters: all"),
    ] {
        let error = shop.refused(&Method::GET, &format!("/health/circuits?{query}")).await;
        assert_eq!(error, ErrorResponse { status: 400, text: text.to_owned() });
    }
}

#[tokio::test]
async fn the_percent_encoding_of_a_url_is_checked() {
    let shop = Shop::start();
    for (method, path) in [(Method::GET, "/circuits/shop"), (Method::POST, "/circuits/shop/force-open")] {
        for query in ["key=%FF", "key=%C3", "key=%", "key=3%", "key=%3", "key=%zz", "%FF=3", "key=%ED%A0%80"]
        {
            let error = shop.refused(&method, &format!("{path}?{query}")).await;
            assert_eq!((error.status, error.text.contains("percent-encoded")), (400, true), "{query}");
        }
        // Valid, but no key of this name exists: a null character or a plus sign ends no name.
        for query in ["key=", "key", "key=3%00", "key=%003", "key=3+", "key=+3", "key=%2B3", "key=3%20"] {
            assert_eq!(shop.refused(&method, &format!("{path}?{query}")).await.status, 404, "{query}");
        }
        let name_with_null = path.replace("shop", "shop%00");
        assert_eq!(shop.refused(&method, &name_with_null).await.status, 404);
        for bad in ["shop%", "shop%2", "%zzshop", "%FF"] {
            assert_eq!(shop.refused(&method, &path.replace("shop", bad)).await.status, 400, "{bad}");
        }
    }
    let found = shop.server.get("/circuits/shop?&k%65y=%33&").await;
    assert_eq!((found.status, &found.json()["key"]), (200, &"3".into()));
}

#[tokio::test]
async fn an_error_repeats_a_bounded_part_of_the_request_with_escapes() {
    let shop = Shop::start();
    let long = shop.refused(&Method::GET, &format!("/circuits?{}=1", "k".repeat(60_000))).await;
    let expected = format!("unknown parameter that begins with \"{}\"", "k".repeat(40));
    assert_eq!((long.status, long.text.starts_with(&expected), long.text.len() < 200), (400, true, true));
    let many = format!("/circuits/shop?key=3{}", "&key=3".repeat(10_000));
    assert_eq!(shop.refused(&Method::GET, &many).await.status, 400);
    let hidden = shop.server.get("/circuits?%E2%80%AE%0A%1B%3Cscript%3E").await;
    let raw_is_clean = !hidden.text.contains(|it: char| it.is_control() || it == '\u{202e}');
    assert_eq!((hidden.status, raw_is_clean, hidden.header("content-type")), (400, true, "application/json"));
    assert_eq!(
        hidden.error().text,
        r#"unknown parameter "\u{202e}\n\u{1b}<script>"; accepted parameters: none"#
    );
}

#[tokio::test]
async fn settings_whose_body_is_broken_are_refused_as_unreadable_and_change_nothing() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let request = format!(
        "POST /circuits/payment/configure HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\
         x-breaker-operator: alice\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\nno length\r\n"
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.contains("the body cannot be read"), "{response}");
    assert_eq!(breaker.config(), settings().build().unwrap());
}

#[tokio::test]
async fn a_request_with_a_body_is_refused() {
    let shop = Shop::start();
    for (method, path, _) in ROUTES {
        for body in [r#"{"key": "3"}"#, "key=3", " "] {
            let request = shop.server.request(method.clone(), path).bearer_auth(TOKEN);
            let response = HttpResponse::of(request.header("x-breaker-operator", "alice").body(body)).await;
            let text = "unexpected body: send the request without a body".to_owned();
            assert_eq!(response.error(), ErrorResponse { status: 400, text }, "{method} {path}");
        }
    }
    assert_eq!((shop.states)(), [State::Disabled, State::Closed]);
    // An empty body is no body.
    let empty = shop.server.command("/circuits/shop/reset?key=3").header("content-length", "0").body("");
    assert_eq!(HttpResponse::of(empty).await.status, 200);
    assert_eq!((shop.states)(), [State::Closed, State::Closed]);
}

#[tokio::test]
async fn an_operator_name_has_no_hidden_characters() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let command = |name: &str| {
        let request = server.request(Method::POST, "/circuits/payment/disable").bearer_auth(TOKEN);
        request.header("x-breaker-operator", name)
    };
    for name in [
        "ali\u{202e}ce",
        "\u{2066}alice\u{2069}",
        "ali\u{200b}ce",
        "\u{feff}alice",
        "ali\u{ad}ce",
        "alice\u{e0041}",
        "ali\u{2028}ce",
        "\u{3164}",
        "\u{2800}",
        "alice\u{fe0f}",
        "\u{61c}alice",
        "a\0",
        "a\u{85}b",
        " ",
        "\u{3000}",
        "\u{301}",
        "\u{a0}\u{301} \u{20dd}\u{345}",
    ] {
        let error = HttpResponse::of(command(&encoded(name))).await.error();
        assert_eq!((error.status, error.text.contains("X-Breaker-Operator")), (400, true), "{name:?}");
    }
    for name in ["%", "50%", "a%2", "%C3"] {
        assert_eq!(HttpResponse::of(command(name)).await.error().status, 400, "{name:?}");
    }
    let twice = command("alice").header("x-breaker-operator", "bob");
    assert_eq!(HttpResponse::of(twice).await.error().status, 400);
    let two_tokens = command("alice").header("authorization", "Bearer mallory");
    assert_eq!(HttpResponse::of(two_tokens).await.error().status, 401);
    assert_eq!(breaker.state(), State::Closed);
    for name in ["Zo\u{eb}", "\u{645}\u{62d}\u{645}\u{62f}", "\u{674e}\u{96f7}", "o'neil+1 <a@b.c>"] {
        assert_eq!(HttpResponse::of(command(&encoded(name))).await.status, 200, "{name:?}");
    }
}

#[tokio::test]
async fn hidden_characters_are_escaped_in_json_and_unchanged_for_a_parser() {
    let server = Server::start();
    let name = "pay\u{202e}ment\u{200b}\u{7f}\u{e0041}\"\\\n";
    server.register(name, settings()).try_acquire().unwrap().fail("\u{2066}down\u{2069}");
    server.registry.get(name).unwrap().operator("al\u{202e}ice").force_open();
    for path in ["/circuits", &format!("/circuits/{}", encoded(name)), "/health/circuits", "/metrics"] {
        let text = server.get(path).await.text;
        let hidden = ['\u{202e}', '\u{200b}', '\u{7f}', '\u{e0041}', '\u{2066}'];
        assert!(!text.contains(hidden), "{path}: {text:?}");
    }
    let circuit = server.get(&format!("/circuits/{}", encoded(name))).await.json();
    assert_eq!(
        (&circuit["name"], &circuit["transitions"][0]["initiator"]),
        (&name.into(), &r"al\u{202e}ice".into())
    );
}
