//! What the page shows of the configuration: the source of each setting, its changes, and why one was refused.

use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use breaker_runtime::{Config, Registry};

use super::card_text;
use super::chromium::Tab;
use super::site::WebSite;

#[test]
fn the_page_shows_where_each_setting_comes_from_what_changed_and_why_a_configuration_was_refused() {
    let Some(mut tab) = Tab::open() else { return };
    let registry = Registry::new();
    registry.register("payment", Config::builder().window_calls(50).build().unwrap()).unwrap();
    let site = WebSite::start(&registry);
    tab.go(&site.url("/"));
    tab.until(&format!("{} === 'closed'", card_text("payment", ".state")));
    assert_eq!(tab.eval("document.getElementById('config').hidden"), true);
    tab.eval("document.querySelector('details').open = true");

    let mut load = {
        let mut reader = ConfigReader::new(&registry);
        move |text: &str| reader.load_text("breakers.toml", ConfigFormat::Toml, text.as_bytes()).is_ok()
    };
    assert!(load("[breakers.payment]\nfailure_threshold = 9\n"));
    let settings = card_text("payment", ".settings");
    tab.until(&format!("{settings}?.includes('failure_threshold9 breakers.toml:2')"));
    assert_eq!(tab.eval(&format!("/window_calls50 \\S+configuration.rs:/.test({settings})")), true);
    let more = card_text("payment", ".more");
    tab.until(&format!(
        "{more}.includes('failure_threshold 5 \u{2192} 9 (breakers.toml:2)') && /ago/.test({more})"
    ));
    let line = "document.getElementById('config').textContent";
    tab.until(&format!("/^Configuration applied \\d+ s ago$/.test({line})"));

    assert!(!load("[breakers.payment]\nfailure_threshold = '<b>9'\n"));
    tab.until(&format!(
        "/^Configuration refused .applied \\d+ s ago.: breakers.toml:2: .*<b>9.*expected an integer$/.test({line})"
    ));
    assert_eq!(tab.eval("document.getElementById('config').dataset.config"), "refused");
    assert!(load(""));
    tab.until(&format!("/^Configuration applied/.test({line})"));
    tab.until(&format!("{more}.includes('failure_threshold 9 \u{2192} 5')"));
    tab.assert_no_errors();
}
