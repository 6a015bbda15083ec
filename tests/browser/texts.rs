//! The texts of the page: the reason of a state, and why the server refuses the stream.

use std::time::Duration;

use breaker_runtime::{Config, Outcome, Registry};

use crate::chromium::Tab;
use crate::site::WebSite;
use crate::{card_text, end, quick, show_payment};

#[test]
fn a_card_with_keys_shows_the_reason_of_its_worst_key() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    let config = Config::builder().failure_threshold(1).success_threshold(1).half_open_max_calls(1);
    let config = config.recovery_timeout(Duration::from_nanos(1)).max_recovery_timeout(Duration::MAX);
    let config = config.half_open_timeout(Duration::from_secs(600));
    let hosts = registry.register_keyed("host", config.build().unwrap(), 10).unwrap();
    let (first, second) = (hosts.get("eu-1"), hosts.get("eu-2"));
    let ten_minutes = Duration::from_secs(600);
    first.try_acquire().unwrap().fail_with_retry_after("refused by eu-1", ten_minutes);
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    let shows = |text: &str| format!("{}?.includes('{text}')", card_text("host", ".why"));
    tab.until(&shows("refused by eu-1"));
    second.try_acquire().unwrap().fail("refused by eu-2");
    end(&second, Outcome::Success);
    tab.eval("document.querySelector('details').open = true");
    tab.until(&format!("{}?.includes('enough trial calls succeeded')", card_text("host", ".changes")));
    assert_eq!(tab.eval(&shows("refused by eu-1")), true);

    // While half-open, it is the reason of the opening.
    second.try_acquire().unwrap().fail("again refused by eu-2");
    let _trial = second.try_acquire().unwrap();
    first.force_close();
    tab.until(&format!("{} === 'half-open'", card_text("host", ".state")));
    assert_eq!(tab.eval(&shows("again refused by eu-2")), true);
    tab.assert_no_errors();
}

#[test]
fn the_page_shows_why_the_server_refuses_the_stream() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    registry.register("payment", quick().build().unwrap()).unwrap();
    let site = WebSite::start_unreadable(&registry);
    tab.go(&site.url("/"));
    tab.until("document.getElementById('link').textContent.startsWith('refused (403): reading is disabled')");
    assert_eq!(tab.eval("document.getElementById('link').dataset.link"), "lost");
    tab.assert_no_exceptions();
}

#[test]
fn the_dialogs_accept_only_tokens_that_a_header_can_contain() {
    let Some(mut tab) = Tab::open() else { return };
    let (_payment, _site) = show_payment(&mut tab);
    for dialog in ["operator", "reader"] {
        for (token, is_valid) in [("correct horse", true), ("\u{17c}\u{f3}\u{142}w", false)] {
            let input = format!("document.getElementById('{dialog}-token')");
            let check = format!("({input}.value = '{token}', {input}.checkValidity())");
            assert_eq!(tab.eval(&check), is_valid, "{dialog} {token}");
        }
    }
}
