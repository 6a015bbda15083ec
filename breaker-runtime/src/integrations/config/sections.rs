//! Reads the sections of a document: which tables and settings it has, and what is wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::drills::{DrillSection, SectionTarget};
use super::mistake::{ConfigMistake, Position};
use super::nearest::nearest;
use super::tree::{Entry, Node};
use crate::config::{Config, ConfigBuilder, Name, Setting, SettingSource, SettingValue};
use crate::integrations::config_drills::{self, DrillValues};
use crate::printable::Quoted;
use crate::registry::{ConfigSection, MAX_KEY_BYTES};

/// The table of a breaker that contains a table for each key.
const KEYS: &str = "keys";
const EXPECTED_TABLES: &str = "expected [breakers.<name>] or [drills.<name>]";

/// Reads the tables of one document. It continues after a mistake.
pub(super) struct SectionReader {
    origin: Arc<str>,
    sections: Vec<ConfigSection>,
    drills: Vec<DrillSection>,
    mistakes: Vec<ConfigMistake>,
}

/// The sections of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct DocumentSections {
    pub(super) settings: Vec<ConfigSection>,
    pub(super) drills: Vec<DrillSection>,
}

/// A table of the root, which contains a table for each breaker.
#[derive(Clone, Copy)]
enum RootTable {
    Breakers,
    Drills,
}

/// The settings of one table.
struct SettingsTable {
    settings: ConfigBuilder,
    lines: BTreeMap<Setting, u32>,
}

impl RootTable {
    fn parse(key: &str) -> Option<Self> {
        [Self::Breakers, Self::Drills].into_iter().find(|table| table.name() == key)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Breakers => "breakers",
            Self::Drills => "drills",
        }
    }

    /// Returns the reason why a document must not contain the table.
    const fn disabled(self) -> Option<&'static str> {
        match self {
            Self::Breakers => None,
            Self::Drills => config_drills::DISABLED,
        }
    }

    /// Returns what the table of a breaker contains, in words.
    const fn contents(self) -> &'static str {
        match self {
            Self::Breakers => "settings",
            Self::Drills => "values",
        }
    }
}

impl SectionReader {
    pub(super) const fn new(origin: Arc<str>) -> Self {
        Self { origin, sections: Vec::new(), drills: Vec::new(), mistakes: Vec::new() }
    }

    /// Reads the root table of a document.
    pub(super) fn read(mut self, root: Vec<Entry>) -> Result<DocumentSections, Vec<ConfigMistake>> {
        for Entry { key, line, node } in self.unique(root, "") {
            let Some(table) = RootTable::parse(&key) else {
                let path = segment(&key);
                self.mistake(line, format!("{path}: unknown table or key; {EXPECTED_TABLES}"));
                continue;
            };
            if let Some(problem) = table.disabled() {
                self.mistake(line, format!("{key}: {problem}"));
                continue;
            }
            let expected = format!("a table, as in [{key}.payment]");
            let Some(breakers) = self.table(line, &key, &expected, node) else { continue };
            for breaker in self.unique(breakers, &key) {
                self.read_breaker(table, breaker);
            }
        }
        if self.mistakes.is_empty() {
            return Ok(DocumentSections { settings: self.sections, drills: self.drills });
        }
        self.mistakes.sort_by_key(ConfigMistake::line);
        Err(self.mistakes)
    }

    fn read_breaker(&mut self, table: RootTable, Entry { key: name, line, node }: Entry) {
        let path = format!("{}.{}", table.name(), segment(&name));
        let contents = table.contents();
        let expected = format!("a table with {contents}, as in [{}.payment]", table.name());
        let Some(entries) = self.table(line, &path, &expected, node) else { return };
        if let Err(error) = Name::check(&name) {
            self.mistake(line, format!("{path}: {error}"));
            return;
        }
        let entries = self.unique(entries, &path);
        let (keys, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == KEYS);
        if !entries.is_empty() || keys.is_empty() {
            let target = SectionTarget { name: name.clone(), key: None };
            self.read_section(table, &path, target, line, entries);
        }
        for Entry { line, node, .. } in keys {
            let path = format!("{path}.{KEYS}");
            let Some(keys) = self.table(line, &path, "a table for each key", node) else { continue };
            for key in self.unique(keys, &path) {
                self.read_key(table, &name, &path, key);
            }
        }
    }

    fn read_key(&mut self, table: RootTable, name: &str, keys: &str, Entry { key, line, node }: Entry) {
        if key.len() > MAX_KEY_BYTES {
            self.mistake(
                line,
                format!("{keys}: a key must be at most {MAX_KEY_BYTES} bytes long to have a circuit"),
            );
            return;
        }
        let path = format!("{keys}.{}", segment(&key));
        let expected = format!("a table with the {} of a key", table.contents());
        let Some(entries) = self.table(line, &path, &expected, node) else { return };
        let entries = self.unique(entries, &path);
        let target = SectionTarget { name: name.to_owned(), key: Some(key) };
        self.read_section(table, &path, target, line, entries);
    }

    fn read_section(
        &mut self,
        table: RootTable,
        path: &str,
        target: SectionTarget,
        line: u32,
        entries: Vec<Entry>,
    ) {
        match table {
            RootTable::Breakers => {
                let settings = self.read_settings(path, entries);
                self.add_section(target, line, settings);
            }
            RootTable::Drills => self.read_drill(path, target, line, entries),
        }
    }

    fn read_drill(&mut self, path: &str, target: SectionTarget, line: u32, entries: Vec<Entry>) {
        let mistakes = self.mistakes.len();
        let mut values = DrillValues::new();
        for Entry { key, line, node } in entries {
            let key_path = format!("{path}.{}", segment(&key));
            let Some(value) = self.value(line, &key_path, node) else { continue };
            if let Err(problem) = values.set(&key, &value.unquoted()) {
                self.mistake(line, format!("{key_path} = {value}: {problem}"));
            }
        }
        if self.mistakes.len() > mistakes {
            return; // a value that is not accepted is not missing
        }
        match values.check() {
            Ok(()) => self.drills.push(DrillSection { target, values, source: self.source(line) }),
            Err(problem) => self.mistake(line, format!("{path}: {problem}")),
        }
    }

    fn read_settings(&mut self, path: &str, entries: Vec<Entry>) -> SettingsTable {
        let mut table = SettingsTable { settings: Config::builder(), lines: BTreeMap::new() };
        for Entry { key, line, node } in entries {
            let Ok(setting) = key.parse::<Setting>() else {
                let message = format!("{path}.{}: {}", segment(&key), unknown_setting(&key));
                self.mistake(line, message);
                continue;
            };
            let Some(value) = self.value(line, &format!("{path}.{key}"), node) else { continue };
            match table.settings.clone().set(setting, value) {
                Ok(settings) => {
                    table.settings = settings;
                    table.lines.insert(setting, line);
                }
                Err(error) => self.mistake(line, format!("{path}.{error}")),
            }
        }
        table
    }

    /// Returns the entries of a table. Reports anything else, and returns `None`.
    fn table(&mut self, line: u32, path: &str, expected: &str, node: Node) -> Option<Vec<Entry>> {
        let found = match node {
            Node::Table(entries) => return Some(entries),
            Node::InvalidTable => ", found a table with an invalid key",
            Node::Value(_) | Node::Other(_) => "",
        };
        self.mistake(line, format!("{path}: expected {expected}{found}"));
        None
    }

    /// Returns the value. Reports anything else, and returns `None`.
    fn value(&mut self, line: u32, path: &str, node: Node) -> Option<SettingValue<'static>> {
        let found = match node {
            Node::Value(value) => return Some(value),
            Node::Table(_) | Node::InvalidTable => "a table",
            Node::Other(found) => found,
        };
        self.mistake(line, format!("{path}: expected a value, found {found}"));
        None
    }

    fn add_section(&mut self, target: SectionTarget, line: u32, table: SettingsTable) {
        let SettingsTable { settings, lines } = table;
        if lines.is_empty() {
            return;
        }
        let source = |line| self.source(line);
        let section = ConfigSection::new(target.name, settings).from_source(source(line));
        let section = lines
            .into_iter()
            .fold(section, |section, (setting, line)| section.setting_from(setting, source(line)));
        self.sections.push(match target.key {
            Some(key) => section.for_key(key),
            None => section,
        });
    }

    /// Reports entries whose key is repeated, and removes them.
    fn unique(&mut self, entries: Vec<Entry>, path: &str) -> Vec<Entry> {
        let mut first_lines = BTreeMap::new();
        let mut unique = Vec::new();
        for entry in entries {
            match first_lines.get(&entry.key) {
                None => {
                    first_lines.insert(entry.key.clone(), entry.line);
                    unique.push(entry);
                }
                Some(first) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    let key = segment(&entry.key);
                    self.mistake(entry.line, format!("{path}{dot}{key}: set before, in line {first}"));
                }
            }
        }
        unique
    }

    fn source(&self, line: u32) -> SettingSource {
        SettingSource::File { path: Arc::clone(&self.origin), line }
    }

    fn mistake(&mut self, line: u32, message: String) {
        let position = Position { line, column: None };
        self.mistakes.push(ConfigMistake::new(Arc::clone(&self.origin), Some(position), message));
    }
}

/// Returns the text of an error about a setting that does not exist.
pub(super) fn unknown_setting(name: &str) -> String {
    let labels = || Setting::ALL.iter().map(|setting| setting.label());
    match nearest(name, labels()) {
        Some(near) => format!("unknown setting; did you mean {near}?"),
        None => format!("unknown setting; the settings are {}", labels().collect::<Vec<_>>().join(", ")),
    }
}

/// Returns a part of a path as TOML writes it.
fn segment(key: &str) -> String {
    let is_bare = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { Quoted(key).to_string() }
}
