//! The files of a configuration and what they contain. Reading blocks the thread, and parsing a long file takes time.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{ConfigFormat, MAX_BYTES, read};
use super::mistake::ConfigMistake;
use super::sections::DocumentSections;

/// A file with settings.
#[derive(Clone, Debug)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    pub(super) format: ConfigFormat,
}

/// The contents of a file when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileContents {
    origin: Arc<str>,
    format: ConfigFormat,
    /// The bytes of the file, at most one more than are accepted, or the reason why it cannot be read.
    bytes: Result<Vec<u8>, String>,
}

/// The sections of all files, and the mistakes in them.
#[derive(Debug, Default)]
pub(super) struct ParsedFiles {
    pub(super) contents: Vec<FileContents>,
    pub(super) sections: DocumentSections,
    pub(super) mistakes: Vec<ConfigMistake>,
}

impl ConfigFile {
    /// Reads the file. It is opened by its path each time, so a renamed or replaced file is found, and the target of a
    /// symbolic link that was replaced.
    pub(super) fn read(&self) -> FileContents {
        let bytes = self.read_bytes().map_err(|error| format!("cannot be read: {error}"));
        let origin = Arc::from(self.path.to_string_lossy());
        FileContents { origin, format: self.format, bytes }
    }

    fn read_bytes(&self) -> io::Result<Vec<u8>> {
        // Opening a FIFO waits until another process opens it, too.
        check_kind(&fs::metadata(&self.path)?)?;
        let file = open(&self.path)?;
        // The path may name another file by now.
        check_kind(&file.metadata()?)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Returns an error for anything but a file, such as a folder, a device or a FIFO, whose end may never come.
fn check_kind(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a folder" } else { "a device, FIFO or socket" };
    Err(io::Error::other(format!("expected a regular file or a link to one, found {found}")))
}

/// Opens a file for reading without waiting.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}

impl FileContents {
    pub(super) fn of_text(origin: Arc<str>, format: ConfigFormat, text: &[u8]) -> Self {
        Self { origin, format, bytes: Ok(text.to_vec()) }
    }

    /// Returns the sections of the file.
    fn sections(&self) -> Result<DocumentSections, Vec<ConfigMistake>> {
        match &self.bytes {
            Ok(bytes) => read(&self.origin, self.format, bytes),
            Err(error) => Err(vec![ConfigMistake::new(Arc::clone(&self.origin), None, error.clone())]),
        }
    }
}

impl ParsedFiles {
    pub(super) fn parse(contents: Vec<FileContents>) -> Self {
        let mut parsed = Self::default();
        for contents in &contents {
            match contents.sections() {
                Ok(DocumentSections { settings, drills }) => {
                    parsed.sections.settings.extend(settings);
                    parsed.sections.drills.extend(drills);
                }
                Err(mistakes) => parsed.mistakes.extend(mistakes),
            }
        }
        Self { contents, ..parsed }
    }
}

pub(super) fn read_all(files: &[ConfigFile]) -> Vec<FileContents> {
    files.iter().map(ConfigFile::read).collect()
}
