//! The settings of the circuits that a candidate has beside those of keys.

use std::time::Duration;

use breaker_runtime::shadow::Candidate;
use breaker_runtime::testing::Clock;
use breaker_runtime::{
    Adopt, Config, ConfigBuilder, ConfigLayer, ConfigSection, KeyedBreaker, Outcome, Registry, Sharing,
};

const SECOND: Duration = Duration::from_secs(1);

struct Scene {
    clock: Clock,
    registry: Registry,
    hosts: KeyedBreaker,
}

impl Scene {
    fn new() -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let config = recovery(30 * SECOND).build().unwrap();
        let hosts = registry.register_keyed("hosts", config, 100).unwrap();
        Self { clock, registry, hosts }
    }

    fn candidate(&self) -> Candidate {
        self.registry.shadow("hosts", "strict", Config::builder().failure_threshold(2)).unwrap()
    }

    /// Opens the circuit of the candidate beside that of a key. Returns `true` if it recovers within two seconds.
    fn recovers(&self, candidate: &Candidate, key: &str) -> bool {
        let call = |outcome| _ = self.hosts.get(key).try_acquire().unwrap().settle(outcome);
        let before = candidate.report().shadow;
        call(Outcome::Failure);
        call(Outcome::Failure);
        self.clock.advance(2 * SECOND);
        call(Outcome::Success);
        let after = candidate.report().shadow;
        assert_eq!(after.opened - before.opened, 1, "{key}");
        after.closed > before.closed
    }
}

fn recovery(timeout: Duration) -> ConfigBuilder {
    let settings = Config::builder().failure_threshold(5).success_threshold(1);
    settings.recovery_timeout(timeout).half_open_timeout(SECOND)
}

#[test]
fn a_key_that_is_first_used_after_a_change_of_the_live_settings_has_those_of_the_start_of_the_candidate() {
    let scene = Scene::new();
    drop(scene.hosts.get("old"));
    let candidate = scene.candidate();
    scene.registry.configure("hosts", Config::builder().recovery_timeout(SECOND)).unwrap();
    assert_eq!(candidate.config().recovery_timeout(), 30 * SECOND);
    let recover = ["old", "new"].map(|key| scene.recovers(&candidate, key));
    assert_eq!(recover, [false; 2]);
    let differing = candidate.report().settings;
    let differing: Vec<_> = differing.iter().map(ToString::to_string).collect();
    assert_eq!(differing, ["failure_threshold 5 -> 2", r#"recovery_timeout "1s" -> "30s""#]);
}

#[test]
fn a_key_with_settings_of_its_own_keeps_them_for_a_candidate() {
    let scene = Scene::new();
    let quick = ConfigSection::new("hosts", Config::builder().recovery_timeout(SECOND)).for_key("eu");
    scene.registry.apply_section(ConfigLayer::Operator, quick).unwrap();
    scene.hosts.get("by hand").set_config(recovery(SECOND).build().unwrap());
    let candidate = scene.candidate();
    scene.registry.configure("hosts", Config::builder().recovery_timeout(20 * SECOND)).unwrap();
    let recover = ["eu", "by hand", "us"].map(|key| scene.recovers(&candidate, key));
    assert_eq!(recover, [true, true, false]);
}

#[test]
fn a_candidate_has_the_settings_of_a_key_that_always_follows_the_fleet() {
    let scene = Scene::new();
    let eu = Config::builder().recovery_timeout(SECOND).shared(Sharing::First).adopt(Adopt::Always);
    scene
        .registry
        .apply_section(ConfigLayer::Operator, ConfigSection::new("hosts", eu).for_key("eu"))
        .unwrap();
    let candidate = scene.candidate();
    assert_eq!(["eu", "us"].map(|key| scene.recovers(&candidate, key)), [true, false]);
}

#[test]
fn a_circuit_that_always_follows_the_fleet_has_candidates() {
    let registry = Registry::with_clock(&Clock::new());
    let live = Config::builder().shared(Sharing::First).adopt(Adopt::Always).build().unwrap();
    let live = registry.register("payment", live).unwrap();
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(2)).unwrap();
    assert_eq!(candidate.config().adopt(), Adopt::UnlessHealthy);
    for _ in 0..2 {
        live.try_acquire().unwrap().settle(Outcome::Failure);
    }
    let report = candidate.report();
    let differing: Vec<_> = report.settings.iter().map(ToString::to_string).collect();
    assert_eq!((report.shadow.opened, differing), (1, vec!["failure_threshold 5 -> 2".to_owned()]));
}
