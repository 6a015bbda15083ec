//! The configuration of a store: resolves the settings of all its breakers, and applies them to those that exist.
//!
//! An update takes three steps. Under the lock of the store, all settings are resolved, and nothing has changed if the
//! update is refused. Then they are applied, and at the end, without a lock, listeners are notified. A breaker that is
//! registered meanwhile has been created with the new settings, or is among those that they are applied to.
//!
//! An update is refused if a new setting is out of range, or if sections contradict each other in a breaker in which
//! none did before. Sections can also contradict a breaker that was registered after them. Those do not apply to it, and
//! do not prevent other updates.

use super::any_breaker::AnyBreaker;
use super::applied_settings::{AppliedSettings, EffectiveSettings, SettingsTarget};
use super::breaker_settings::BreakerSettings;
use super::config_report::{ConfigReport, ConfigureError, UnannouncedReport};
use super::layers::{ConfigLayer, ConfigSection, Layers, SectionError};
use super::registration::Registration;
use super::resolution::Resolved;
use super::store::{Store, StoredBreaker};
use crate::event::Announcement;
use crate::sync::lock;

/// Settings that are to be applied.
struct Update {
    breaker: AnyBreaker,
    settings: BreakerSettings,
}

/// The effect of an update on the breakers that exist.
#[derive(Default)]
struct Plan {
    updates: Vec<Update>,
    overridden: Vec<String>,
    /// The errors of sections that do not apply to a breaker, and did not before.
    contradictions: Vec<SectionError>,
    /// The reasons why the update is refused.
    errors: Vec<SectionError>,
}

impl Plan {
    /// Returns the new settings of a breaker, unless the update is refused because of them: if sections contradict each
    /// other in it and none did `before`, or if the only new section is one that does not apply.
    fn check(
        &mut self,
        registration: &Registration,
        new: Resolved<'_>,
        before: &Layers,
        single: Option<&ConfigSection>,
    ) -> Option<BreakerSettings> {
        let Resolved { settings, error: Some(error), ignored } = new else { return Some(new.settings) };
        if registration.resolve(before).error.is_none() {
            self.errors.push(error);
            return None;
        }
        let is_new = |section| single.is_some_and(|single| std::ptr::eq(single, section));
        if let Some(refused) = ignored.iter().find(|it| is_new(it.section)) {
            self.errors.push(refused.error.clone());
            return None;
        }
        self.contradictions.extend(ignored.into_iter().map(|it| it.error));
        Some(settings)
    }

    /// Adds the new settings of a breaker, except where those of `set_config` take precedence.
    fn update(&mut self, stored: &StoredBreaker, settings: BreakerSettings, new: NewSections<'_>) {
        let is_changed = !stored.has_applied(&settings);
        let overridden = new.all().iter().find(|section| stored.takes_precedence_over(section));
        let keeps_all = stored.has_settings_by_hand();
        let name = stored.breaker.name();
        self.errors.extend(overridden.and_then(|section| new.refusal(section, name)));
        if overridden.is_some() || (keeps_all && is_changed) {
            self.overridden.push(name.to_owned());
        }
        if is_changed && !keeps_all {
            self.updates.push(Update { breaker: stored.breaker.clone(), settings });
        }
    }
}

/// The new sections of an update.
#[derive(Clone, Copy)]
pub(super) enum NewSections<'a> {
    /// All sections of some layers.
    Layers(&'a [ConfigSection]),
    /// One section of a layer. The update is refused if the section contradicts a breaker that exists.
    One(ConfigLayer, &'a ConfigSection),
    /// A section of an operator. The update is also refused if settings of `set_config` take precedence over it.
    #[allow(dead_code, reason = "only commands of operators are refused")]
    Command(&'a ConfigSection),
}

impl NewSections<'_> {
    fn all(&self) -> &[ConfigSection] {
        match self {
            Self::Layers(sections) => sections,
            Self::One(_, section) | Self::Command(section) => std::slice::from_ref(section),
        }
    }

    /// Returns the section among those of the layers, if it is a single one.
    fn single<'b>(&self, layers: &'b Layers) -> Option<&'b ConfigSection> {
        match self {
            Self::Layers(_) => None,
            Self::One(layer, section) => layers.same_section(*layer, section),
            Self::Command(section) => layers.same_section(ConfigLayer::Operator, section),
        }
    }

    /// Returns the error of a section on which settings of `set_config` have precedence.
    fn refusal(&self, overridden: &ConfigSection, name: &str) -> Option<SectionError> {
        match self {
            Self::Layers(_) | Self::One(..) => None,
            Self::Command(_) => Some(SectionError::overridden(name, overridden.key())),
        }
    }
}

impl Store {
    /// Changes the layers with `change`, and applies the result. Runs no listener.
    pub(super) fn update_layers(
        &self,
        new: NewSections<'_>,
        change: impl FnOnce(&mut Layers),
    ) -> Result<UnannouncedReport, ConfigureError> {
        let invalid: Vec<_> = new.all().iter().filter_map(SectionError::of_section).collect();
        if !invalid.is_empty() {
            return Err(ConfigureError(invalid));
        }
        // Collected before the lock is taken, because the settings of every function are evaluated.
        let functions: Vec<_> = self.declared().map(Registration::of_function).collect();
        // Settings are applied in the order in which they were resolved.
        let order = lock(self.config_order());
        let plan = self.change_layers(&functions, new, change)?;
        let applied: Vec<_> =
            plan.updates.into_iter().map(|Update { breaker, settings }| breaker.apply(&settings)).collect();
        drop(order);
        let (mut targets, mut states) = (Vec::new(), Vec::new());
        for EffectiveSettings { target, states: of_target } in
            applied.into_iter().map(AppliedSettings::take_effect)
        {
            targets.push(target);
            states.extend(of_target);
        }
        let report = ConfigReport {
            changes: targets.iter().flat_map(SettingsTarget::changes).collect(),
            unmatched: self.unmatched(new.all(), &functions),
            overridden: plan.overridden,
            contradictions: plan.contradictions,
        };
        let announcement = Announcement::new(move || targets.iter().for_each(SettingsTarget::announce));
        Ok(UnannouncedReport { report, states, announcement })
    }

    /// Resolves all settings under the lock, and keeps the new layers unless they are refused.
    fn change_layers(
        &self,
        functions: &[Registration],
        new: NewSections<'_>,
        change: impl FnOnce(&mut Layers),
    ) -> Result<Plan, ConfigureError> {
        let mut contents = self.contents();
        let mut layers = contents.layers.clone();
        change(&mut layers);
        let single = new.single(&layers);
        let mut plan = Plan::default();
        for stored in contents.by_name.values() {
            let registration = &stored.registration;
            let settings = plan.check(registration, registration.resolve(&layers), &contents.layers, single);
            if let Some(settings) = settings {
                plan.update(stored, settings, new);
            }
        }
        for function in functions {
            if !contents.by_name.contains_key(function.name.as_str()) {
                plan.check(function, function.resolve(&layers), &contents.layers, single);
            }
        }
        if !plan.errors.is_empty() {
            return Err(ConfigureError(plan.errors));
        }
        contents.replace_layers(layers);
        for Update { breaker, settings } in &plan.updates {
            if let Some(stored) = contents.by_name.get_mut(breaker.name()) {
                stored.set_applied(settings.clone());
            }
        }
        Ok(plan)
    }

    /// Returns the sections that can apply neither to a breaker nor to a function.
    fn unmatched(&self, sections: &[ConfigSection], functions: &[Registration]) -> Vec<ConfigSection> {
        let contents = self.contents();
        let stored = contents.by_name.values().map(|stored| &stored.registration);
        let registrations: Vec<_> = stored.chain(functions).collect();
        let is_unmatched =
            |section: &&ConfigSection| !registrations.iter().any(|it| it.is_configured_by(section));
        sections.iter().filter(is_unmatched).cloned().collect()
    }
}
