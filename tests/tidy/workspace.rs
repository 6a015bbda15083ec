//! The repository on disk: its manifests, sources, texts and file names. It knows none of the rules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dependencies::Manifest;
use crate::messages::CompilerOutput;
use crate::source::Source;

/// The parsed manifests and sources.
pub(crate) struct Workspace {
    sources: Vec<Source>,
    pub(crate) root: Manifest,
    pub(crate) members: Vec<Manifest>,
}

/// Folders with samples of wrong or generated code.
const SAMPLES: &[&str] = &["tests/ui/fail", "tests/ui/pass", "tests/ui/wip", "tests/expand", "tests/lints"];

impl Workspace {
    /// Reads all files.
    pub(crate) fn read_all() -> Result<Self, String> {
        let root = Manifest::parse("Cargo.toml", &read("Cargo.toml")?)?;
        let (mut members, mut sources) = (Vec::new(), Vec::new());
        for member in root.members() {
            let path = format!("{member}/Cargo.toml");
            members.push(Manifest::parse(&path, &read(&path)?)?);
            let is_library = member.starts_with("breaker-");
            let folder = if is_library { format!("{member}/src") } else { member };
            // A package inside of another one was read with it.
            if !sources.iter().any(|source: &Source| source.path.starts_with(&format!("{folder}/"))) {
                read_folder(&folder, &mut sources)?;
            }
        }
        let test_modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
        for source in &mut sources {
            let is_below =
                |stem: &String| source.path.strip_prefix(stem.as_str()).is_some_and(is_end_of_stem);
            if test_modules.iter().any(is_below) {
                source.mark_as_test();
            }
        }
        Ok(Self { sources, root, members })
    }

    /// Returns all sources.
    pub(crate) fn all(&self) -> Vec<&Source> {
        self.sources.iter().collect()
    }

    /// Returns the sources whose path starts with `folder`.
    pub(crate) fn under(&self, folder: &str) -> Vec<&Source> {
        self.sources.iter().filter(|source| source.path.starts_with(folder)).collect()
    }

    /// Returns the sources of the published packages.
    pub(crate) fn library(&self) -> Vec<&Source> {
        self.under("breaker-")
    }

    /// Returns the file at `path`.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    /// Returns the manifest of the package in this folder.
    pub(crate) fn member(&self, name: &str) -> Option<&Manifest> {
        self.members.iter().find(|member| member.path == format!("{name}/Cargo.toml"))
    }
}

/// Returns the paths of all texts except Rust code: pages, manifests and scripts.
pub(crate) fn pages() -> Result<Vec<String>, String> {
    let mut pages = vec!["Cargo.toml".to_owned(), "tests/run".to_owned()];
    for folder in ["breaker-macros", "breaker-runtime", "examples", "tests", "tests/benches", "tests/ui"] {
        pages.push(format!("{folder}/Cargo.toml"));
    }
    for folder in [".", "breaker-macros/src", "tests", "examples"] {
        pages.extend(files(folder, "md")?);
    }
    pages.extend(files_below("breaker-runtime/src/docs", "md")?);
    // A packaged copy lacks this folder.
    pages.extend(files(".github", "md").unwrap_or_default());
    Ok(pages)
}

/// Returns the paths of the sample code that no other rule reads.
pub(crate) fn samples() -> Result<Vec<String>, String> {
    let folders = ["tests/expand", "tests/lints", "tests/ui/fail", "tests/ui/pass"];
    Ok(folders.iter().map(|folder| files(folder, "rs")).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Returns the names at the top level: the tracked ones, or all of them outside of a git checkout.
pub(crate) fn top_level() -> Result<Vec<String>, String> {
    let listed = Command::new("git").arg("-C").arg(repository()).args(["ls-files", "-z"]).output();
    let tracked = listed.ok().filter(|output| output.status.success() && !output.stdout.is_empty());
    let mut names: Vec<String> = match tracked {
        Some(output) => {
            let paths = String::from_utf8_lossy(&output.stdout).into_owned();
            let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
            paths.split_terminator('\0').map(first).collect()
        }
        None => {
            entries(&repository())?.iter().map(|path| name_of(path)).filter(|name| name != "target").collect()
        }
    };
    names.sort();
    names.dedup();
    Ok(names)
}

/// Returns the folder that holds this package.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Returns the expected compiler outputs in `folder`.
pub(crate) fn compiler_outputs(folder: &str) -> Result<Vec<CompilerOutput>, String> {
    files(folder, "stderr")?.into_iter().map(|path| Ok(CompilerOutput { text: read(&path)?, path })).collect()
}

/// Returns the paths of the files right in `folder` with this extension.
pub(crate) fn files(folder: &str, extension: &str) -> Result<Vec<String>, String> {
    let paths = entries(&repository().join(folder))?.into_iter();
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    Ok(paths.map(|path| format!("{folder}/{}", name_of(&path))).collect())
}

/// Returns the paths of the files in `folder` and in the folders below it with this extension.
pub(crate) fn files_below(folder: &str, extension: &str) -> Result<Vec<String>, String> {
    let mut paths = files(folder, extension)?;
    for entry in entries(&repository().join(folder))?.iter().filter(|entry| entry.is_dir()) {
        paths.extend(files_below(&format!("{folder}/{}", name_of(entry)), extension)?);
    }
    Ok(paths)
}

/// Returns the text of the file at `path`.
pub(crate) fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(repository().join(path)).map_err(|error| format!("{path}: {error}"))
}

fn is_end_of_stem(rest: &str) -> bool {
    rest == ".rs" || rest.starts_with('/')
}

fn read_folder(folder: &str, sources: &mut Vec<Source>) -> Result<(), String> {
    for entry in entries(&repository().join(folder))? {
        let name = name_of(&entry);
        let path = format!("{folder}/{name}");
        if entry.is_dir() {
            if name != "target" && !name.starts_with('.') && !SAMPLES.contains(&path.as_str()) {
                read_folder(&path, sources)?;
            }
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::parse(&path, &read(&path)?)?);
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
