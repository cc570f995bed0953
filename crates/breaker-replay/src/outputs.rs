//! The files that are written: never over a log, and over nothing that is not ours.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use crate::cli::Arguments;

/// What each file of ours has in its first bytes.
pub(crate) const MARK: &str = "breaker-replay wrote this";

/// Whether the outputs may be written.
///
/// # Errors
///
/// Where an output is an input, or another output, or a file that is no report.
pub(crate) fn check(arguments: &Arguments) -> Result<(), String> {
    let outputs = [("--report", &arguments.report), ("--svg", &arguments.svg)];
    let outputs: Vec<_> = outputs
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path.as_deref()?)))
        .collect();
    let inputs = arguments.files.iter().chain(&arguments.config);
    let inputs: Vec<_> = inputs.chain(&arguments.input.formats).collect();
    for (at, (flag, path)) in outputs.iter().enumerate() {
        if let Some(input) = inputs.iter().find(|input| is_same(path, input)) {
            return Err(format!(
                "{flag} {}: this is the input {}",
                path.display(),
                input.display()
            ));
        }
        if outputs[..at].iter().any(|(_, other)| is_same(path, other)) {
            return Err(format!(
                "{flag} {}: another output goes there",
                path.display()
            ));
        }
        if !arguments.force && !is_ours(path)? {
            return Err(format!(
                "{flag} {}: the file is there, and is no report of breaker-replay; --force overwrites it",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Whether two paths are one file, by whatever names.
fn is_same(one: &Path, other: &Path) -> bool {
    let same_path = || Some(absolute(one)? == absolute(other)?);
    same_file(one, other)
        .or_else(same_path)
        .unwrap_or(one == other)
}

#[cfg(unix)]
fn same_file(one: &Path, other: &Path) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;
    let (one, other) = (fs::metadata(one).ok()?, fs::metadata(other).ok()?);
    // Two writers to a terminal or to /dev/null do not harm one another.
    Some(one.is_file() && one.dev() == other.dev() && one.ino() == other.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Path, _: &Path) -> Option<bool> {
    None
}

/// The path of a file, whose directory is there even where the file is not.
fn absolute(path: &Path) -> Option<PathBuf> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).ok()?;
    Some(directory.join(path.file_name()?))
}

/// Whether a file may be overwritten: it is not there, is empty, is no regular file, or is one that we wrote.
fn is_ours(path: &Path) -> Result<bool, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(true);
    }
    let mut head = vec![];
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    file.take(512)
        .read_to_end(&mut head)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(memchr::memmem::find(&head, MARK.as_bytes()).is_some())
}
