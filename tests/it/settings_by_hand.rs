//! Settings of `set_config` beside those of the configuration: which take precedence, and until when.

use breaker_runtime::{Config, ConfigBuilder, ConfigLayer, ConfigSection, Registry};

fn threshold(failures: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(failures)
}

#[test]
fn settings_of_set_config_take_precedence_and_are_reported() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    search.set_config(threshold(77).build().unwrap());
    let report = registry.configure("search", threshold(9)).unwrap();
    assert_eq!(report.overridden().collect::<Vec<_>>(), ["search"]);
    assert_eq!(search.config().failure_threshold(), Some(77));
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    hosts.get("eu").set_config(threshold(77).build().unwrap());
    registry.configure("hosts", threshold(9)).unwrap();
    let values = ["eu", "us"].map(|key| hosts.get(key).config().failure_threshold());
    assert_eq!(values, [Some(77), Some(9)]);
}

#[test]
fn settings_of_set_config_for_one_key_take_precedence_over_its_section_and_are_reported() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    hosts.get("eu").set_config(threshold(77).build().unwrap());
    let of_key = |key: &'static str| ConfigSection::new("hosts", threshold(9)).for_key(key);
    for (key, failures, overridden) in [("eu", 77, &["hosts"][..]), ("us", 9, &[])] {
        let report = registry.apply_section(ConfigLayer::Program, of_key(key)).unwrap();
        assert_eq!(report.overridden().collect::<Vec<_>>(), overridden);
        assert_eq!(hosts.get(key).config().failure_threshold(), Some(failures));
    }
}

#[test]
fn set_config_with_the_settings_of_the_layers_ends_its_precedence() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    registry.configure("*", threshold(9)).unwrap();
    let of_the_layers = search.config();
    search.set_config(threshold(77).build().unwrap());
    search.set_config(of_the_layers);
    let report = registry.configure("*", threshold(8)).unwrap();
    assert_eq!(report.overridden().count(), 0);
    assert_eq!(search.config().failure_threshold(), Some(8));
}

#[test]
fn settings_of_one_key_stay_also_if_the_layers_pass_through_the_same_value() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let host = hosts.get("eu");
    host.set_config(threshold(20).build().unwrap());
    for failures in [20, 30] {
        registry.configure("hosts", threshold(failures)).unwrap();
        assert_eq!(host.config().failure_threshold(), Some(20));
    }
    hosts.set_config(hosts.config());
    assert_eq!(host.config().failure_threshold(), Some(30));
    registry.configure("hosts", threshold(40)).unwrap();
    assert_eq!(host.config().failure_threshold(), Some(40));
}

#[test]
fn set_config_of_all_keys_takes_precedence_over_the_section_of_a_key_also_with_the_settings_of_the_layers() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let of_key = |failures| ConfigSection::new("hosts", threshold(failures)).for_key("eu");
    registry.apply_section(ConfigLayer::Program, of_key(50)).unwrap();
    hosts.set_config(hosts.config());
    assert_eq!(hosts.get("eu").config().failure_threshold(), Some(5));
    for failures in [50, 60] {
        let report = registry.apply_section(ConfigLayer::Program, of_key(failures)).unwrap();
        assert_eq!(report.overridden().collect::<Vec<_>>(), ["hosts"]);
    }
}

#[test]
fn a_section_that_repeats_its_settings_is_reported_as_overridden_too() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    registry.configure("search", threshold(9)).unwrap();
    search.set_config(threshold(77).build().unwrap());
    for failures in [9, 8, 8] {
        let report = registry.configure("search", threshold(failures)).unwrap();
        assert_eq!(report.overridden().collect::<Vec<_>>(), ["search"], "{failures}");
    }
}
