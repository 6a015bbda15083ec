//! The manifests: a version, a lint or a licence stands in one place, and what stands there says why.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::source::Source;

/// One Cargo.toml. Comments are read from the text, all else from the table.
pub(crate) struct Manifest {
    pub(crate) path: String,
    text: String,
    table: Table,
}

const DEPENDENCIES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

impl Manifest {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let table = text.parse().map_err(|error| format!("{path}:1: {error}"))?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), table })
    }

    /// The folders of the workspace.
    pub(crate) fn members(&self) -> Vec<String> {
        let members = self.at(&["workspace", "members"]).and_then(Value::as_array);
        members.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A folder that says which edition it is there for.
    fn is_called_after_its_edition(&self) -> bool {
        let edition = self.at(&["package", "edition"]).and_then(Value::as_str);
        edition.is_some_and(|edition| self.path.ends_with(&format!("/edition_{edition}/Cargo.toml")))
    }

    fn at(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }

    fn table_at(&self, keys: &[&str]) -> impl Iterator<Item = (&String, &Value)> {
        self.at(keys).and_then(Value::as_table).into_iter().flatten()
    }

    /// Every dependency, of any kind and for any target.
    fn dependencies(&self) -> Vec<(&String, &Value)> {
        let targets = self.table_at(&["target"]).filter_map(|(_, target)| target.as_table());
        let tables: Vec<&Table> = [&self.table].into_iter().chain(targets).collect();
        let kinds = tables.iter().flat_map(|table| DEPENDENCIES.iter().filter_map(|kind| table.get(*kind)));
        kinds.filter_map(Value::as_table).flatten().collect()
    }

    /// The line, counted from one, on which `key` stands below a header that ends with `section`.
    fn line(&self, section: &str, key: &str) -> usize {
        let mut is_here = false;
        for (number, line) in (1..).zip(self.text.lines()) {
            if let Some(header) = line.trim().strip_prefix('[') {
                let header = header.split(']').next().unwrap_or_default();
                is_here = header.ends_with(section);
                if is_here && key.is_empty() || header.ends_with(&format!("{section}.{key}")) {
                    return number;
                }
            } else if is_here
                && line.split(['=', '.', ' ']).next().is_some_and(|word| word.trim_matches('"') == key)
            {
                return number;
            }
        }
        1
    }

    fn text_at(&self, line: usize) -> &str {
        line.checked_sub(1).and_then(|before| self.text.lines().nth(before)).unwrap_or_default()
    }

    fn complain(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Versions stand in the workspace only, each used, without its defaults, and with its reason.
pub(crate) fn versions(workspace: &Manifest, members: &[Manifest]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for member in members {
        for (name, value) in member.dependencies() {
            used.insert(name);
            let only_a_path = value.get("path").is_some() && value.get("version").is_none();
            if value.get("workspace") != Some(&Value::Boolean(true)) && !only_a_path {
                let what = format!("`{name}` has a version of its own; write `workspace = true`");
                complaints.push(member.complain(member.line("dependencies", name), &what));
            }
        }
    }
    for (name, value) in workspace.table_at(&["workspace", "dependencies"]) {
        let line = workspace.line("workspace.dependencies", name);
        let mut complain =
            |what: &str| complaints.push(workspace.complain(line, &format!("`{name}` {what}")));
        if !used.contains(name) {
            complain("is used by no member; delete it");
        }
        if value.get("path").is_some() {
            continue;
        }
        if value.get("default-features") != Some(&Value::Boolean(false)) {
            complain("comes with its defaults; write `default-features = false`");
        }
        if !has_reason(workspace.text_at(line)) {
            complain("does not say why it is here; add a comment on its line");
        }
    }
    complaints
}

/// What all members share comes from the workspace.
pub(crate) fn inheritance(members: &[Manifest]) -> Vec<String> {
    let mut complaints = Vec::new();
    for member in members {
        for key in ["edition", "rust-version", "license"] {
            if member.at(&["package", key, "workspace"]) != Some(&Value::Boolean(true))
                && !(key == "edition" && member.is_called_after_its_edition())
            {
                let what = format!("`{key}` is not the workspace's; write `{key}.workspace = true`");
                complaints.push(member.complain(member.line("package", key), &what));
            }
        }
        if member.at(&["lints", "workspace"]) != Some(&Value::Boolean(true)) {
            let what = "the lints are not the workspace's; write `workspace = true` under `[lints]`";
            complaints.push(member.complain(member.line("lints", ""), what));
        }
    }
    complaints
}

/// Every feature has a comment above it, and a row in the crate's documentation.
pub(crate) fn features(manifest: &Manifest, lib: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let rows = feature_rows(&lib.text);
    for (name, _) in manifest.table_at(&["features"]).filter(|(name, _)| *name != "default") {
        let line = manifest.line("features", name);
        if !manifest.text_at(line.saturating_sub(1)).starts_with('#') {
            complaints.push(
                manifest.complain(line, &format!("`{name}` has no comment above it; say what it adds")),
            );
        }
        if !rows.contains(name.as_str()) {
            let what = format!("`{name}` has no row in the table `# Features` of {}", lib.path);
            complaints.push(manifest.complain(line, &what));
        }
    }
    complaints
}

/// The features named in the first column of the table under `# Features`.
fn feature_rows(lib: &str) -> BTreeSet<&str> {
    let docs = lib.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let below = docs.skip_while(|line| *line != "# Features").skip(1);
    let section = below.take_while(|line| !line.starts_with('#'));
    section.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// Whether a comment follows the value: a `#` outside of strings with words behind it.
fn has_reason(line: &str) -> bool {
    let mut in_string = false;
    for (place, letter) in line.char_indices() {
        match letter {
            '"' => in_string = !in_string,
            '#' if !in_string => return line.split_at(place).1.trim_matches(['#', ' ']).len() > 2,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Manifest, features, inheritance, versions};
    use crate::source::Source;

    const USES_A: &str = "[dependencies]\na.workspace = true\n";

    fn manifest(path: &str, text: &str) -> Manifest {
        Manifest::parse(path, text).unwrap()
    }

    #[test]
    fn a_version_without_its_reason_is_found() {
        for line in [
            "a = { version = \"1\", default-features = false }",
            "a = { version = \"1#2\", default-features = false } # ",
            "a = \"1\" # why",
            "a = { version = \"1\", default-features = true } # why",
        ] {
            let workspace = manifest("Cargo.toml", &format!("[workspace.dependencies]\n{line}\n"));
            crate::complains(&versions(&workspace, &[manifest("m", USES_A)]), "Cargo.toml:2");
        }
        let good = "[workspace.dependencies]\na = { version = \"1\", default-features = false } # why\n";
        assert_eq!(versions(&manifest("Cargo.toml", good), &[manifest("m", USES_A)]), [""; 0]);
        crate::complains(&versions(&manifest("Cargo.toml", good), &[]), "Cargo.toml:2");
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let workspace = manifest("Cargo.toml", "");
        for header in
            ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            let member = manifest("m", &format!("[{header}]\nb.workspace = true\na = \"1\"\n"));
            crate::complains(&versions(&workspace, &[member]), "m:3");
        }
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let good = "[package]\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n";
        assert_eq!(inheritance(&[manifest("m", good)]), [""; 0]);
        let own = good.replace("edition.workspace = true", "edition = \"2024\"");
        crate::complains(&inheritance(&[manifest("m", &own)]), "m:2");
        assert_eq!(inheritance(&[manifest("a/edition_2024/Cargo.toml", &own)]), [""; 0]);
        crate::complains(
            &inheritance(&[manifest("a/edition_2021/Cargo.toml", &own)]),
            "a/edition_2021/Cargo.toml:2",
        );
        let lints = good.replace("[lints]\nworkspace = true", "[lints.rust]\ndead_code = \"allow\"");
        crate::complains(&inheritance(&[manifest("m", &lints)]), "m:1");
    }

    #[test]
    fn a_feature_that_nobody_explains_is_found() {
        let lib = Source::parse(
            "src/lib.rs",
            "//! # Features\n//!\n//! | `a` | what |\n//!\n//! # More\n//! | `b` |\n",
        );
        let lib = lib.unwrap();
        let judged = |text: &str| features(&manifest("m", text), &lib);
        assert_eq!(judged("[features]\ndefault = []\n# What it adds.\na = []\n"), [""; 0]);
        crate::complains(&judged("[features]\n\na = []\n"), "m:3");
        crate::complains(&judged("[features]\n# What it adds.\nb = []\n"), "m:3");
    }
}
