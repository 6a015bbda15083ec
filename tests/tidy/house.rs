//! The tree on disk, read once per test. It judges nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::manifests::Manifest;
use crate::messages::Answer;
use crate::source::Source;

/// Everything that the rules look at.
pub(crate) struct House {
    sources: Vec<Source>,
    pub(crate) workspace: Manifest,
    pub(crate) members: Vec<Manifest>,
    pub(crate) readme: String,
}

/// Samples of wrong code, and what the compiler and the macro make of them.
const NOT_OURS: &[&str] = &["tests/ui", "tests/expand", "tests/lints", "tests/wip"];

impl House {
    pub(crate) fn read() -> Result<Self, String> {
        let workspace = Manifest::parse("Cargo.toml", &text_of("Cargo.toml")?)?;
        let (mut members, mut sources) = (Vec::new(), Vec::new());
        for member in workspace.members() {
            let path = format!("{member}/Cargo.toml");
            members.push(Manifest::parse(&path, &text_of(&path)?)?);
            let is_library = member.starts_with("breaker-");
            let folder = if is_library { format!("{member}/src") } else { member };
            // One that lies in another has been read with it.
            if !sources.iter().any(|source: &Source| source.path.starts_with(&format!("{folder}/"))) {
                read_folder(&folder, &mut sources)?;
            }
        }
        let test_only: Vec<String> = sources.iter().flat_map(Source::test_only_stems).collect();
        for source in &mut sources {
            let is_below =
                |stem: &String| source.path.strip_prefix(stem.as_str()).is_some_and(is_end_of_stem);
            if test_only.iter().any(is_below) {
                source.make_test_only();
            }
        }
        Ok(Self { sources, workspace, members, readme: text_of(".github/CONTRIBUTING.md")? })
    }

    pub(crate) fn all(&self) -> Vec<&Source> {
        self.sources.iter().collect()
    }

    pub(crate) fn under(&self, folder: &str) -> Vec<&Source> {
        self.sources.iter().filter(|source| source.path.starts_with(folder)).collect()
    }

    /// What users link: both crates, without their tests' package.
    pub(crate) fn library(&self) -> Vec<&Source> {
        self.under("breaker-")
    }

    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Manifest> {
        self.members.iter().find(|member| member.path == format!("{name}/Cargo.toml"))
    }
}

/// The names at the top level: those under version control, or all if there is none.
pub(crate) fn top_level() -> Result<Vec<String>, String> {
    let listed = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output();
    let tracked = listed.ok().filter(|output| output.status.success() && !output.stdout.is_empty());
    let mut names: Vec<String> = match tracked {
        Some(output) => {
            let paths = String::from_utf8_lossy(&output.stdout).into_owned();
            let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
            paths.split_terminator('\0').map(first).collect()
        }
        None => entries(&root())?.iter().map(|path| name_of(path)).filter(|name| name != "target").collect(),
    };
    names.sort();
    names.dedup();
    Ok(names)
}

/// The path of this package is that of the house and one step more.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// What the compiler says to the cases in this folder.
pub(crate) fn answers(folder: &str) -> Result<Vec<Answer>, String> {
    let paths = entries(&root().join(folder))?.into_iter();
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "stderr"));
    paths
        .map(|path| {
            let path = format!("{folder}/{}", name_of(&path));
            Ok(Answer { text: text_of(&path)?, path })
        })
        .collect()
}

pub(crate) fn text_of(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

fn is_end_of_stem(rest: &str) -> bool {
    rest == ".rs" || rest.starts_with('/')
}

fn read_folder(folder: &str, sources: &mut Vec<Source>) -> Result<(), String> {
    for entry in entries(&root().join(folder))? {
        let name = name_of(&entry);
        let path = format!("{folder}/{name}");
        if entry.is_dir() {
            if name != "target" && !name.starts_with('.') && !NOT_OURS.contains(&path.as_str()) {
                read_folder(&path, sources)?;
            }
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::parse(&path, &text_of(&path)?)?);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = listed
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
