//! What the page shows of a fleet.

use breaker_runtime::{Config, Sharing, State};
use breaker_tests::fleet_processes::FleetProcesses;

use super::chromium::Tab;
use super::site::{TOKEN, WebSite};
use super::{card_text, quick};

#[test]
fn the_page_shows_the_fleet_and_commands_all_of_its_processes() {
    let Some(mut tab) = Tab::open() else { return };
    let Some(mut processes) = FleetProcesses::start(3) else { return };
    let payment =
        processes.register("payment", &Config::builder().shared(Sharing::Quorum).consecutive_failures(1));
    processes.register("local", &quick());
    let site = WebSite::start(&processes.registries[0]);
    tab.go(&site.url("/"));
    let line = "document.querySelector('#fleet').textContent";
    let card = card_text("payment", ".fleet");
    tab.until(&format!("{line} === 'Fleet shop: 3 processes, connected'"));
    tab.until(&format!("{card} === 'shared by 3 processes' && {} === ''", card_text("local", ".fleet")));

    processes.open(&payment[..2], &payment);
    tab.until(&format!("{card}.startsWith('open in 3 of 3 processes; trial calls of the fleet in ')"));

    // A command to all processes, with a reason, which is shown as text.
    let store = |key: &str, value: &str| format!("sessionStorage.setItem('{key}', '{value}');");
    tab.eval(&(store("breaker-operator", "ada") + &store("breaker-token", TOKEN)));
    let root =
        "[...document.querySelectorAll('.card')].find(it => it.getAttribute('aria-label') === 'payment')";
    tab.eval(&format!("({root}).querySelector('details').open = true"));
    tab.until(&format!("({root}).querySelector('.fleet-why') !== null"));
    tab.eval(&format!("({root}).querySelector('.fleet-why').value = '<b>new provider</b>'"));
    let button =
        format!("({root}).querySelectorAll('.controls')[1].querySelector('[data-command=force-open]')");
    tab.eval(&format!("{button}.click()"));
    tab.until(&format!("{button}.textContent === 'Force open: confirm'"));
    tab.eval(&format!("{button}.click()"));
    processes.until_state(&payment, State::ForcedOpen);
    tab.until(&format!(
        "{card}.endsWith('forced open in all processes by ada: \u{201c}<b>new provider</b>\u{201d}')"
    ));

    processes.server.kill();
    tab.until(&format!("{line}.includes('Redis is away: ') && {line}.endsWith('act in this process only')"));
    tab.assert_no_errors();
}
