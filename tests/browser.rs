//! The dashboard in a real browser: a headless Chromium that each test starts. Without Chromium the tests are
//! skipped with a message.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot get what it needs has failed"
)]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/configuration.rs"]
mod configuration;
#[path = "browser/fleet.rs"]
mod fleet;
#[path = "browser/site.rs"]
mod site;
#[path = "browser/texts.rs"]
mod texts;

use std::time::{Duration, Instant};

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Outcome, Registry, State, circuit_breaker,
};

use chromium::Tab;
use site::{READ_TOKEN, TOKEN, WebSite};

/// Returns a JavaScript expression for the text of an element on the card of a circuit.
fn card_text(name: &str, selector: &str) -> String {
    let name = serde_json::to_string(name).unwrap();
    format!(
        "([...document.querySelectorAll('.card')].find(card => card.getAttribute('aria-label') === {name})\
         ?.querySelector('{selector}')?.textContent)"
    )
}

fn quick() -> ConfigBuilder {
    Config::builder().failure_threshold(1).success_threshold(1).recovery_timeout(Duration::from_millis(10))
}

fn register(registry: &Registry, name: &str, settings: ConfigBuilder) -> CircuitBreaker {
    registry.register(name.to_owned(), settings.build().unwrap()).unwrap()
}

fn end(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker.try_acquire().unwrap().settle(outcome);
}

/// Opens the page of a registry with one closed circuit.
fn show_payment(tab: &mut Tab) -> (CircuitBreaker, WebSite) {
    let registry = Registry::new();
    let payment = register(&registry, "payment", quick());
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    tab.until(&format!("{} === 'closed'", card_text("payment", ".state")));
    (payment, site)
}

#[test]
fn the_page_shows_an_opening_and_a_recovery_within_two_seconds() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let payment = register(&registry, "payment", quick());
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    let state = |wanted: &str| format!("{} === '{wanted}'", card_text("payment", ".state"));
    tab.until(&state("closed"));

    let (mut opened, mut recovered) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let start = Instant::now();
        payment.try_acquire().unwrap().fail("no route to host");
        tab.until(&state("open"));
        opened.push(start.elapsed());
        tab.until(&format!("{}.includes('no route to host')", card_text("payment", ".why")));
        tab.until(&format!("{} === 'the next call is a trial call'", card_text("payment", ".next")));

        let start = Instant::now();
        end(&payment, Outcome::Success);
        tab.until(&state("closed"));
        recovered.push(start.elapsed());
    }
    // One fast attempt of three is enough, because other processes share the processor.
    for times in [opened, recovered] {
        assert!(times.iter().any(|time| *time < Duration::from_secs(2)), "{times:?}");
    }
    tab.assert_no_errors();
}

#[test]
fn a_card_shows_successful_and_failed_fallbacks() {
    #[circuit_breaker(breaker = breaker, fallback = |_| if count > 0 { Ok(count) } else { Err("none kept") })]
    fn price(breaker: &CircuitBreaker, count: u32) -> Result<u32, &'static str> {
        Ok(count)
    }
    let Some(mut tab) = Tab::open() else { return };
    let (payment, _site) = show_payment(&mut tab);
    payment.force_open();
    for count in [0, 1, 2] {
        _ = price(&payment, count);
    }
    tab.until(&format!("{}.includes('fallbacks3 (1 failed)')", card_text("payment", ".figures")));
    tab.assert_no_errors();
}

#[test]
fn names_keys_errors_and_operators_are_shown_as_text() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let evil = "<img src=x onerror=hit=1><script>hit=1</script>\"'&amp;\n\u{202e}";
    register(&registry, evil, quick()).try_acquire().unwrap().fail(evil);
    register(&registry, "by an operator", quick()).operator(evil).force_open();
    let keyed = registry.register_keyed("keyed", quick().build().unwrap(), 10).unwrap();
    keyed.get(evil).try_acquire().unwrap().fail(evil);
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    tab.until("document.querySelectorAll('.card').length === 3");
    tab.eval("document.querySelectorAll('details').forEach(it => it.open = true)");
    // Characters that a reader cannot see, or that change the order of the text, are shown as escapes.
    let shown = evil.replace('\n', r"\u{a}").replace('\u{202e}', r"\u{202e}");
    let quoted = serde_json::to_string(&shown).unwrap();
    tab.until(&format!("{} === {quoted}", card_text(&shown, ".name")));
    tab.until(&format!("{}?.includes({quoted})", card_text("keyed", ".keys")));
    // The text of a failure is recorded as one line without such characters.
    let failure = serde_json::to_string(&evil.replace('\n', " ").replace('\u{202e}', "\u{fffd}")).unwrap();
    for selector in [".why", ".changes"] {
        tab.until(&format!("{}?.includes({failure})", card_text(&shown, selector)));
    }
    // The name of an operator is recorded with escapes.
    let recorded =
        serde_json::to_string(&evil.replace('\n', r"\n").replace('\u{202e}', r"\u{202e}")).unwrap();
    tab.until(&format!("{}?.includes({recorded})", card_text("by an operator", ".why")));
    assert_eq!(tab.eval("document.querySelectorAll('main img, main script').length"), 0);
    assert_eq!(tab.eval("typeof hit"), "undefined");
    tab.assert_no_errors();
}

#[test]
fn the_stream_reconnects_when_the_server_is_back() {
    let Some(mut tab) = Tab::open() else { return };
    let (payment, site) = show_payment(&mut tab);
    let address = site.end();
    tab.until("document.getElementById('link').dataset.link === 'lost'");

    payment.force_open();
    let another = Registry::new();
    register(&another, "payment", quick()).force_open();
    register(&another, "new", quick());
    let _site = WebSite::start_at(address, &another);
    tab.until(&format!("{} === 'forced open'", card_text("payment", ".state")));
    tab.until(&format!("{} === 'closed'", card_text("new", ".state")));
    tab.until("document.getElementById('link').dataset.link === 'live'");
}

#[test]
fn commands_from_the_page_require_the_token() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let payment = register(&registry, "a/b <payment>", quick());
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    tab.until("document.querySelector('.card')");
    tab.eval("document.querySelector('details').open = true");
    let click = |tab: &mut Tab, command: &str| {
        tab.eval(&format!("document.querySelector('[data-command={command}]').click()"))
    };
    let sign_in = |tab: &mut Tab, token: &str| {
        tab.eval(&format!(
            "document.getElementById('operator-name').value = 'Zoë';\
             document.getElementById('operator-token').value = '{token}';\
             document.getElementById('operator-keep').click()"
        ));
    };
    tab.until("document.querySelector('[data-command=force-open]')");
    click(&mut tab, "force-open");
    tab.until("document.getElementById('operator').open");
    sign_in(&mut tab, "wrong");
    tab.until("sessionStorage.getItem('breaker-token') === 'wrong'");
    click(&mut tab, "force-open");
    tab.until("document.querySelector('[data-command=force-open]').textContent === 'Force open: confirm'");
    click(&mut tab, "force-open");
    tab.until("document.querySelector('.result').textContent.startsWith('rejected (401)')");
    assert_eq!(payment.state(), State::Closed);

    tab.eval("document.getElementById('operator-open').click()");
    sign_in(&mut tab, TOKEN);
    tab.until(&format!("sessionStorage.getItem('breaker-token') === '{TOKEN}'"));
    click(&mut tab, "force-open");
    click(&mut tab, "force-open");
    tab.until("document.querySelector('.result').textContent === 'done'");
    assert_eq!(payment.snapshot().last_transition.unwrap().initiator.as_deref(), Some("Zoë"));
    tab.until(&format!("{} === 'forced open by Zoë'", card_text("a/b <payment>", ".why")));
    assert_eq!(tab.eval("localStorage.getItem('breaker-token')"), serde_json::Value::Null);
}

#[test]
fn the_page_asks_for_the_read_token_and_keeps_it_in_the_tab() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    register(&registry, "payment", quick());
    let site = WebSite::start_restricted(&registry);
    tab.go(&site.url("/"));
    let enter = |tab: &mut Tab, token: &str| {
        tab.until("document.getElementById('reader').open");
        assert_eq!(tab.eval("document.querySelectorAll('.card').length"), 0);
        tab.eval(&format!(
            "document.getElementById('reader-token').value = '{token}';\
             document.getElementById('reader-keep').click()"
        ));
    };
    enter(&mut tab, "wrong");
    tab.until("document.getElementById('link').textContent === 'a token is required'");
    // The dialog can be closed and opened again.
    tab.until("document.getElementById('reader').open");
    tab.press("Escape");
    tab.until("!document.getElementById('reader').open");
    tab.eval("document.getElementById('reader-open').click()");
    enter(&mut tab, READ_TOKEN);
    tab.until(&format!("{} === 'closed'", card_text("payment", ".state")));
    tab.until("document.getElementById('reader-open').hidden");
    tab.go(&site.url("/"));
    tab.until(&format!("{} === 'closed'", card_text("payment", ".state")));
    assert_eq!(tab.eval("document.getElementById('reader').open"), false);
    assert_eq!(tab.eval("sessionStorage.getItem('breaker-read-token')"), READ_TOKEN);
    assert_eq!(tab.eval("localStorage.length + document.cookie.length"), 0);
    assert_eq!(tab.eval("document.body.innerText.includes('battery')"), false);
}

#[test]
fn an_open_page_does_not_delay_a_shutdown_and_reconnects_afterwards() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    register(&registry, "payment", quick());
    let site = WebSite::start_graceful(&registry);
    tab.go(&site.url("/"));
    tab.until(&format!("{} === 'closed'", card_text("payment", ".state")));
    let start = Instant::now();
    let address = site.shut_down();
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_secs(25), "{elapsed:?}"); // a stream lasts up to 30 s
    tab.until("document.getElementById('link').textContent === 'the server is shutting down, reconnecting'");
    tab.assert_no_exceptions();

    register(&registry, "new", quick());
    let _site = WebSite::start_at(address, &registry);
    tab.until(&format!("{} === 'closed'", card_text("new", ".state")));
    tab.until("document.getElementById('link').dataset.link === 'live'");
}

#[circuit_breaker(name = "seldom")]
fn seldom_called() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn functions_that_were_never_called_and_all_circuits_are_commanded_from_the_page() {
    let Some(mut tab) = Tab::open() else { return };
    let site = WebSite::start(&Registry::global());
    tab.go(&site.url("/"));
    tab.eval(&format!(
        "sessionStorage.setItem('breaker-operator', 'Zoë'); sessionStorage.setItem('breaker-token', '{TOKEN}')"
    ));
    tab.until(&format!("{} === 'never called'", card_text("seldom", ".state")));
    let click_twice = |tab: &mut Tab, button: &str| {
        tab.eval(&format!("(button => {{ button.click(); button.click(); }})({button})"));
    };
    let card =
        "[...document.querySelectorAll('.card')].find(card => card.getAttribute('aria-label') === 'seldom')";
    tab.eval(&format!("{card}.querySelector('details').open = true"));
    let button = format!("{card}.querySelector('[data-command=force-open]')");
    tab.until(&button);
    click_twice(&mut tab, &button);
    tab.until(&format!("{} === 'forced open'", card_text("seldom", ".state")));
    assert!(seldom_called().is_err());

    tab.eval("document.getElementById('all-open').click()");
    click_twice(&mut tab, "document.querySelector('#all [data-command=release]')");
    tab.until("document.querySelector('#all .result').textContent === 'done'");
    tab.until(&format!("{} === 'closed'", card_text("seldom", ".state")));
    seldom_called().unwrap();
    tab.assert_no_errors();
}

#[test]
fn a_card_with_keys_compares_the_worst_key_with_the_thresholds_and_counts_keys_by_state() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let config = Config::builder().window_calls(10).failure_threshold(4).build().unwrap();
    let shops = registry.register_keyed("shop", config, 10).unwrap();
    for (key, failures) in [("eu", 3), ("us", 2), ("asia", 0)] {
        (0..failures).for_each(|_| end(&shops.get(key), Outcome::Failure));
        end(&shops.get(key), Outcome::Success);
    }
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    tab.until(&format!("{} === 'failures in the window3 of 4'", card_text("shop", ".rules")));
    tab.eval("document.querySelector('details').open = true");
    tab.until(&format!("{}?.includes('Keys3 closed')", card_text("shop", ".more")));
    shops.get("us").force_open();
    tab.until(&format!("{}?.includes('2 closed, 1 forced open')", card_text("shop", ".more")));
    tab.until(&format!("{}.startsWith('1 of 3 keys open: us')", card_text("shop", ".next")));
    tab.assert_no_errors();
}

#[test]
fn another_site_cannot_send_commands_even_with_the_token() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let payment = register(&registry, "payment", quick());
    let (site, other) = (WebSite::start(&registry), WebSite::start_bare());
    let target = site.url("/circuits/payment/force-open");
    tab.go(&other.url("/"));
    let script = format!(
        "fetch('{target}', {{ method: 'POST', headers: {{ Authorization: 'Bearer {TOKEN}', 'X-Breaker-Operator': 'mallory' }} }})\
         .then(() => 'allowed', () => 'blocked')"
    );
    assert_eq!(tab.eval(&script), "blocked");
    // A request without a preflight arrives and is rejected, and the other site cannot read the response.
    let script = format!(
        "fetch('{target}', {{ method: 'POST', mode: 'no-cors', body: 'x=1' }}).then(() => 'sent', () => 'blocked')"
    );
    assert_eq!(tab.eval(&script), "sent");
    tab.eval(&format!(
        "(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = '{target}';\
         document.body.append(form); form.submit(); }})()"
    ));
    tab.until("document.body?.textContent.includes('a valid token is required')");
    assert_eq!((payment.state(), payment.snapshot().generation), (State::Closed, 0));
}

#[test]
fn keyboard_filter_theme_and_sorting_work() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    for name in ["alpha", "beta", "gamma"] {
        register(&registry, name, quick());
    }
    register(&registry, "zeta", quick()).force_open();
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    let names = "[...document.querySelectorAll('.card:not([hidden])')].map(card => card.getAttribute('aria-label')).join()";
    tab.until(&format!("{names} === 'zeta,alpha,beta,gamma'"));
    tab.until("document.title === '1 open · circuits'");
    tab.press("j");
    tab.press("j");
    tab.until("document.activeElement.closest('.card')?.getAttribute('aria-label') === 'alpha'");
    tab.press("Enter");
    tab.until("document.activeElement.parentElement.open");
    tab.press("/");
    tab.until("document.activeElement.id === 'filter'");
    for key in ["E", "T", "A"] {
        tab.press(key);
    }
    tab.until(&format!("{names} === 'zeta,beta'"));
    tab.press("Escape");
    tab.until(&format!("{names} === 'zeta,alpha,beta,gamma'"));
    tab.eval("document.querySelector('#states [data-state=open], #states [data-state=forced_open]:not([hidden])').click()");
    tab.eval("document.querySelector('#states [data-state=forced_open]').click()");
    tab.until(&format!("{names} === 'zeta'"));
    let background = "getComputedStyle(document.body).backgroundColor";
    let light = tab.eval(background);
    tab.eval("document.getElementById('theme').click()");
    tab.until(&format!("{background} !== {light}"));
    tab.assert_no_errors();
}

#[test]
fn only_visible_cards_of_two_hundred_are_painted() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let breakers: Vec<_> =
        (0..200).map(|nth| register(&registry, &format!("circuit {nth:03}"), Config::builder())).collect();
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    tab.until("document.querySelectorAll('.card').length === 200");
    tab.until(&format!("{} === 'closed'", card_text("circuit 000", ".state")));
    tab.eval(
        "window.touched = new Set(); new MutationObserver(all => all.forEach(it =>\
         touched.add((it.target.closest ?? (() => it.target.parentElement.closest('.card'))).call(it.target, '.card'))))\
         .observe(document.getElementById('circuits'), { subtree: true, childList: true, characterData: true, attributes: true })",
    );
    for breaker in &breakers {
        end(breaker, Outcome::Success);
    }
    tab.until(&format!("{} !== '0'", card_text("circuit 000", ".rate b")));
    let touched = tab.eval("touched.size").as_u64().unwrap();
    assert!((1..60).contains(&touched), "{touched}");
    tab.eval("window.scrollTo(0, document.body.scrollHeight)");
    tab.until(&format!("{} !== '0'", card_text("circuit 199", ".rate b")));
    tab.assert_no_errors();
}

#[circuit_breaker(name = "rarely")]
fn rarely_called() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_function_is_listed_before_its_first_call() {
    let Some(mut tab) = Tab::open() else { return };
    let site = WebSite::start(&Registry::global());
    tab.go(&site.url("/"));
    tab.until(&format!("{} === 'never called'", card_text("rarely", ".state")));
    tab.until(&format!("{}.startsWith('declared at tests/browser.rs:')", card_text("rarely", ".next")));
    rarely_called().unwrap();
    tab.until(&format!("{} === 'closed'", card_text("rarely", ".state")));
    tab.assert_no_errors();
}

#[test]
fn the_page_fits_a_phone_and_has_a_dark_theme() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    site::register_samples(&registry);
    let site = WebSite::start(&registry);
    let nothing = "null";
    let details = "document.querySelectorAll('details').forEach((it, nth) => it.open = nth > 2)";
    for (name, width, scheme, action) in [
        ("light", 1280, "light", nothing),
        ("dark", 1280, "dark", nothing),
        ("phone", 390, "light", nothing),
        ("details", 1280, "dark", details),
    ] {
        tab.resize(width, 860, scheme);
        tab.go(&site.url("/"));
        tab.until("document.querySelectorAll('.card').length >= 8");
        tab.until("document.querySelector('.spark path').getAttribute('d') !== null");
        tab.eval(action);
        assert_eq!(tab.eval("document.documentElement.scrollWidth <= innerWidth"), true, "{name}");
        let screenshot = tab.screenshot();
        assert!(screenshot.len() > 10_000, "{name} is empty");
        std::fs::write(format!("{}/dashboard-{name}.png", env!("CARGO_TARGET_TMPDIR")), screenshot).unwrap();
    }
    tab.assert_no_errors();
}
