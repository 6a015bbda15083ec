//! Manifests and dependencies. `.deny.toml` holds the allowed licenses, sources and duplicates, which cargo-deny reads
//! as well; it checks advisories too, but takes minutes to install, so this test covers the rest without it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::source::Source;

const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A TOML file. Comments are read from the text, the rest from the table.
pub(crate) struct Manifest {
    pub(crate) path: String,
    text: String,
    table: Table,
}

impl Manifest {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let table = text.parse().map_err(|error| format!("{path}:1: {error}"))?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), table })
    }

    /// Returns the folders of the workspace.
    pub(crate) fn members(&self) -> Vec<String> {
        self.strings(&["workspace", "members"])
    }

    fn at(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }

    fn table_at(&self, keys: &[&str]) -> impl Iterator<Item = (&String, &Value)> {
        self.at(keys).and_then(Value::as_table).into_iter().flatten()
    }

    fn array(&self, keys: &[&str]) -> &[Value] {
        self.at(keys).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn strings(&self, keys: &[&str]) -> Vec<String> {
        self.array(keys).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Returns every dependency of any kind and target.
    fn dependencies(&self) -> Vec<(&String, &Value)> {
        let targets = self.table_at(&["target"]).filter_map(|(_, target)| target.as_table());
        let tables: Vec<&Table> = [&self.table].into_iter().chain(targets).collect();
        let kinds = tables.iter().flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)));
        kinds.filter_map(Value::as_table).flatten().collect()
    }

    /// Returns the number and text of the first line that sets `key`.
    fn line(&self, key: &str) -> (usize, &str) {
        let sets = |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        let mut lines = (1..).zip(self.text.lines());
        lines.find(|(_, line)| sets(line)).unwrap_or((1, ""))
    }

    fn problem(&self, key: &str, what: &str) -> String {
        format!("{}:{}: `{key}` {what}", self.path, self.line(key).0)
    }
}

/// Returns a problem for each dependency whose version is outside of the root manifest, unused, without a comment, or
/// with default features.
pub(crate) fn versions(root: &Manifest, members: &[Manifest]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    for member in members {
        for (name, value) in member.dependencies() {
            used.insert(name);
            let only_a_path = value.get("path").is_some() && value.get("version").is_none();
            if value.get("workspace") != Some(&Value::Boolean(true)) && !only_a_path {
                problems.push(member.problem(name, "has a version of its own; write `workspace = true`"));
            }
        }
        if member.at(&["lints", "workspace"]) != Some(&Value::Boolean(true)) {
            problems.push(member.problem("lints", "must inherit from the workspace"));
        }
    }
    for (name, value) in root.table_at(&["workspace", "dependencies"]) {
        let local = value.get("path").is_some();
        if !used.contains(name) {
            problems.push(root.problem(name, "is not used by a member"));
        }
        if !local && value.get("default-features") != Some(&Value::Boolean(false)) {
            problems.push(root.problem(name, "needs `default-features = false`"));
        }
        if !local && root.line(name).1.split_once("} # ").is_none_or(|(_, reason)| reason.is_empty()) {
            problems.push(root.problem(name, "needs a comment on its line that states its purpose"));
        }
    }
    problems
}

/// Returns a problem for each feature without a comment above it, or without a row under `# Features` in lib.rs.
pub(crate) fn features(manifest: &Manifest, lib: &Source) -> Vec<String> {
    let docs = lib.text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let section =
        docs.skip_while(|line| *line != "# Features").skip(1).take_while(|line| !line.starts_with('#'));
    let rows: BTreeSet<&str> =
        section.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let lines: Vec<&str> = manifest.text.lines().collect();
    let mut problems = Vec::new();
    for (name, _) in manifest.table_at(&["features"]).filter(|(name, _)| *name != "default") {
        let prefix = format!("{name} = [");
        let above = lines.windows(2).find(|pair| pair.last().is_some_and(|line| line.starts_with(&prefix)));
        if !above.and_then(<[_]>::first).is_some_and(|line| line.starts_with('#')) {
            problems.push(manifest.problem(name, "needs a comment above it"));
        }
        if !rows.contains(name.as_str()) {
            problems.push(manifest.problem(name, &format!("has no row under `# Features` in {}", lib.path)));
        }
    }
    problems
}

/// Returns a problem for each package of the lock file that does not come from crates.io, has several versions, or is banned.
pub(crate) fn locked(lock: &Manifest, deny: &Manifest) -> Vec<String> {
    let names = |keys: &[&str]| -> BTreeSet<String> {
        let crates = deny.array(keys).iter().filter_map(|entry| entry.get("crate")?.as_str());
        crates.map(|name| name.split('@').next().unwrap_or_default().to_owned()).collect()
    };
    let (duplicates, banned) = (names(&["bans", "skip"]), names(&["bans", "deny"]));
    let mut problems = Vec::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    for package in lock.array(&["package"]) {
        let field = |name| package.get(name).and_then(Value::as_str);
        let name = field("name").unwrap_or_default();
        *counts.entry(name).or_default() += 1;
        if field("source").is_some_and(|source| source != CRATES_IO) {
            problems.push(format!("Cargo.lock:1: `{name}` does not come from crates.io"));
        }
        if banned.contains(name) {
            problems.push(format!("Cargo.lock:1: `{name}` is banned in .deny.toml"));
        }
    }
    for (name, count) in &counts {
        if *count > 1 && !duplicates.contains(*name) {
            problems.push(format!(
                "Cargo.lock:1: `{name}` has {count} versions; unify them, or skip it in .deny.toml"
            ));
        }
    }
    let unused = duplicates.iter().filter(|name| counts.get(name.as_str()).is_none_or(|count| *count < 2));
    problems.extend(unused.map(|name| format!(".deny.toml:1: `{name}` has no second version")));
    problems
}

/// Returns a problem for each package whose license is not allowed in `.deny.toml`. It covers the packages that are
/// built for this host; cargo-deny covers all targets.
pub(crate) fn licenses(metadata: &Json, deny: &Manifest) -> Vec<String> {
    let allowed = deny.strings(&["licenses", "allow"]);
    let mut problems = Vec::new();
    for package in metadata.get("packages").and_then(Json::as_array).into_iter().flatten() {
        let field = |name| package.get(name).and_then(Json::as_str).unwrap_or_default();
        if !is_allowed(field("license"), &allowed) {
            let (name, license) = (field("name"), field("license"));
            problems.push(format!(
                "Cargo.lock:1: `{name}` has the license `{license}`, which .deny.toml does not allow"
            ));
        }
    }
    problems
}

/// Returns `true` if one alternative of each part joined by `AND` is allowed.
fn is_allowed(license: &str, allowed: &[String]) -> bool {
    let is_listed = |one: &str| allowed.iter().any(|name| name == one.trim_matches(['(', ')', ' ']));
    let has_alternative = |part: &str| part.replace('/', " OR ").split(" OR ").any(is_listed);
    license.split(" AND ").all(has_alternative)
}

/// Runs `cargo metadata` for the packages of this host.
pub(crate) fn metadata() -> Result<Json, String> {
    let rustc = Command::new("rustc").arg("-vV").output().map_err(|error| error.to_string())?;
    let rustc = String::from_utf8_lossy(&rustc.stdout);
    let host =
        rustc.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not name its host")?;
    let arguments =
        ["metadata", "--format-version=1", "--all-features", "--locked", "--filter-platform", host];
    let output = Command::new(env!("CARGO")).args(arguments).output().map_err(|error| error.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Manifest, features, licenses, locked, versions};
    use crate::source::Source;

    const MEMBER: &str = "[dependencies]\na.workspace = true\n[lints]\nworkspace = true\n";

    fn manifest(text: &str) -> Manifest {
        Manifest::parse("m", text).unwrap()
    }

    #[test]
    fn versions_without_reason_or_outside_of_the_root_are_found() {
        let good = "[workspace.dependencies]\na = { version = \"1\", default-features = false } # why\n";
        assert_eq!(versions(&manifest(good), &[manifest(MEMBER)]), [""; 0]);
        for text in [
            good.replace("# why", ""),
            good.replace("false", "true"),
            format!("{good}b = {{ path = \"b\" }}\n"),
        ] {
            crate::assert_one_problem(&versions(&manifest(&text), &[manifest(MEMBER)]), "m:");
        }
        for text in
            [format!("{MEMBER}\n[target.x.dependencies]\nb = \"1\"\n"), MEMBER.replace("[lints]", "[other]")]
        {
            crate::assert_one_problem(&versions(&manifest(good), &[manifest(&text)]), "m:");
        }
    }

    #[test]
    fn features_without_explanation_are_found() {
        let lib =
            Source::parse("src/lib.rs", "//! # Features\n//! | `a` | more |\n//! # Other\n//! | `b` |\n")
                .unwrap();
        assert_eq!(features(&manifest("[features]\n# More.\na = []\n"), &lib), [""; 0]);
        crate::assert_one_problem(&features(&manifest("[features]\n\na = []\n"), &lib), "m:3");
        crate::assert_one_problem(&features(&manifest("[features]\n# More.\nb = []\n"), &lib), "m:3");
    }

    #[test]
    fn foreign_banned_and_duplicate_packages_are_found() {
        let lock = |text: &str| manifest(&format!("[[package]]\nname = \"a\"\n{text}"));
        let deny = manifest("[bans]\ndeny = [{ crate = \"b\" }]\n");
        assert_eq!(locked(&lock(""), &deny), [""; 0]);
        for text in ["source = \"git\"\n", "[[package]]\nname = \"b\"\n", "[[package]]\nname = \"a\"\n"] {
            crate::assert_one_problem(&locked(&lock(text), &deny), "Cargo.lock:1");
        }
        let skip = manifest("[bans]\nskip = [{ crate = \"a@1\" }]\n");
        crate::assert_one_problem(&locked(&lock(""), &skip), ".deny.toml:1");
    }

    #[test]
    fn licenses_that_are_not_allowed_are_found() {
        let deny = manifest("[licenses]\nallow = [\"MIT\", \"Zlib\"]\n");
        let check =
            |license: &str| licenses(&serde_json::json!({ "packages": [{ "license": license }] }), &deny);
        for license in ["MIT", "Apache-2.0 OR MIT", "(MIT OR GPL) AND Zlib", "MIT/Apache-2.0"] {
            assert_eq!(check(license), [""; 0]);
        }
        for license in ["GPL", "MIT AND GPL", ""] {
            crate::assert_one_problem(&check(license), "Cargo.lock:1");
        }
    }
}
