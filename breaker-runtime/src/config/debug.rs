//! The `Debug` output of settings, by the names of the builder methods. Unset optional settings are omitted.

use std::fmt;

use super::{Config, ConfigBuilder};

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = out.debug_struct("Config");
        field(&mut fields, "failure_threshold", self.failure_threshold());
        if self.window_calls().is_some() || self.window_time().is_some() {
            // Without a window, `failure_threshold` already shows this value.
            field(&mut fields, "consecutive_failures", self.consecutive_failures());
        }
        field(&mut fields, "failure_rate", self.failure_rate());
        field(&mut fields, "window_calls", self.window_calls());
        field(&mut fields, "window_time", self.window_time());
        field(&mut fields, "slow_call", self.slow_call());
        field(&mut fields, "slow_call_rate", self.slow_call_rate());
        fields
            .field("minimum_calls", &self.minimum_calls())
            .field("recovery_timeout", &self.recovery_timeout())
            .field("backoff", &self.backoff())
            .field("max_recovery_timeout", &self.max_recovery_timeout())
            .field("jitter", &self.jitter())
            .field("half_open_max_calls", &self.half_open_max_calls())
            .field("success_threshold", &self.success_threshold())
            .field("half_open_timeout", &self.half_open_timeout());
        field(&mut fields, "ramp", self.ramp());
        field(&mut fields, "hang", self.hang());
        field(&mut fields, "call_timeout", self.call_timeout());
        field(&mut fields, "max_concurrent", self.max_concurrent());
        fields
            .field("max_wait", &self.max_wait())
            .field("cancelled_after", &self.cancelled_after())
            .field("max_open", &self.max_open())
            .field("shared", &self.shared())
            .field("adopt", &self.adopt())
            .field("durations", &self.durations())
            .field("mode", &self.mode())
            .field("critical", &self.critical())
            .finish()
    }
}

/// Adds a field if it has a value.
fn field(fields: &mut fmt::DebugStruct<'_, '_>, name: &str, value: Option<impl fmt::Debug>) {
    if let Some(value) = value {
        fields.field(name, &value);
    }
}

/// Shows the result of [`build`](ConfigBuilder::build).
impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ConfigBuilder").field(&self.clone().build()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Config;

    #[test]
    fn debug_shows_the_settings_by_their_names() {
        let line = format!("{:?}", Config::default());
        let start = "Config { failure_threshold: 5, minimum_calls: 10, recovery_timeout: 30s, backoff: 1.0, ";
        assert!(line.starts_with(start), "{line}");
        let builder = Config::builder()
            .window_calls(20)
            .failure_rate(0.5)
            .recovery_timeout(Duration::from_millis(250))
            .max_concurrent(8);
        let line = format!("{:?}", builder.build().unwrap());
        for part in
            ["{ failure_rate: 0.5, window_calls: 20, ", "recovery_timeout: 250ms", "max_concurrent: 8"]
        {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn debug_of_a_builder_shows_what_it_builds() {
        let builder = Config::builder().failure_threshold(2);
        let config = builder.clone().build().unwrap();
        assert_eq!(format!("{builder:?}"), format!("ConfigBuilder(Ok({config:?}))"));
        let error = format!("{:?}", builder.jitter(2.0));
        let found = r#"ConfigError { message: "jitter must be between 0.0 and 1.0", setting: Some(Jitter) }"#;
        assert_eq!(error, format!("ConfigBuilder(Err({found}))"));
    }
}
