//! A file that grows: read on at its end, also under another file that takes its name, as where logs are rotated, and from its
//! start where it is cut down.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

/// What is written to a file as time goes on.
pub(crate) struct Follow<W> {
    path: PathBuf,
    file: File,
    /// The file that has its name now, and is read once nothing more is in this one.
    next: Option<File>,
    /// How much of it has been read, and the last byte.
    count: u64,
    last: u8,
    /// Waits until there may be more; whether it is worth it.
    wait: W,
}

impl<W: FnMut() -> bool> Follow<W> {
    /// # Errors
    ///
    /// Where the file cannot be opened.
    pub(crate) fn open(path: &Path, wait: W) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path)?,
            next: None,
            count: 0,
            last: b'\n',
            wait,
        })
    }

    /// The file to go on with, if it is another one, or this one from its start.
    fn look(&self) -> io::Result<Option<File>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            // The old one was taken away, and the new one is still to come.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (old, new) = (self.file.metadata()?, file.metadata()?);
        let is_other = identity(&old) != identity(&new) || new.len() < self.count;
        Ok(is_other.then_some(file))
    }
}

impl<W: FnMut() -> bool> Read for Follow<W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let count = self.file.read(buffer)?;
            if let Some(last) = buffer[..count].last() {
                self.count += count as u64;
                self.last = *last;
                return Ok(count);
            }
            if let Some(next) = self.next.take() {
                (self.file, self.count) = (next, 0);
                // The line at which the old one was broken off is not the first one's beginning.
                if std::mem::replace(&mut self.last, b'\n') != b'\n' {
                    buffer[0] = b'\n';
                    return Ok(1);
                }
                continue;
            }
            // What is written to the old file until the new one is there is still read.
            self.next = self.look()?;
            if self.next.is_none() && !(self.wait)() {
                return Ok(0);
            }
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere a new file is known by being shorter.
#[cfg(not(unix))]
const fn identity(_: &Metadata) {}

/// Whether a file is there, and is one that grows.
///
/// # Errors
///
/// Why not.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    let what = if path.as_os_str() == "-" || !fs::metadata(path)?.is_file() {
        "--follow is for a file; what is no file is read to its end anyway"
    } else {
        let mut head = [0; 4];
        let count = File::open(path)?.read(&mut head)?;
        if !super::source::is_packed(&head[..count]) {
            return Ok(());
        }
        "--follow: it is packed, and does not grow"
    };
    Err(io::Error::other(what))
}

#[cfg(test)]
mod tests {
    use std::{env, fs::OpenOptions, io::Write, process};

    use super::*;

    /// What is done to the log each time that it has been read to its end.
    type Step = Box<dyn FnOnce(&Path)>;

    fn append(text: &'static str) -> Step {
        Box::new(move |path| {
            let file = OpenOptions::new().append(true).create(true).open(path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        })
    }

    fn rename() -> Step {
        Box::new(|path| fs::rename(path, path.with_extension("1")).unwrap())
    }

    /// To the file that was renamed.
    fn append_to_old(text: &'static str) -> Step {
        Box::new(move |path| append(text)(&path.with_extension("1")))
    }

    fn truncate() -> Step {
        Box::new(|path| drop(File::create(path).unwrap()))
    }

    fn all(steps: Vec<Vec<Step>>) -> Step {
        Box::new(|path| steps.into_iter().flatten().for_each(|step| step(path)))
    }

    fn followed(name: &str, steps: Vec<Step>) -> String {
        let folder = env::temp_dir().join(format!("breaker-follow-{}-{name}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("log");
        fs::write(&path, "a\n").unwrap();
        let (mut steps, log) = (steps.into_iter(), path.clone());
        let wait = move || steps.next().map(|step| step(&log)).is_some();
        let mut text = String::new();
        let mut follow = Follow::open(&path, wait).unwrap();
        follow.read_to_string(&mut text).unwrap();
        fs::remove_dir_all(folder).unwrap();
        text
    }

    #[test]
    fn what_is_written_later_is_read() {
        let steps = vec![append("b\nc"), append("c\n"), append("d\n")];
        assert_eq!(followed("grows", steps), "a\nb\ncc\nd\n");
    }

    #[test]
    fn a_file_that_takes_the_name_is_read_after_the_rest_of_the_old_one() {
        let at_once = all(vec![vec![
            append("b\n"),
            rename(),
            append("d\n"),
            append_to_old("c\n"),
        ]]);
        assert_eq!(
            followed("rotated", vec![at_once, append("e\n")]),
            "a\nb\nc\nd\ne\n"
        );
        let apart = vec![rename(), append_to_old("b\n"), append("c\n"), append("d\n")];
        assert_eq!(followed("apart", apart), "a\nb\nc\nd\n");
    }

    #[test]
    fn a_line_that_is_broken_off_by_the_rotation_does_not_run_into_the_next() {
        let steps = vec![append("b"), rename(), append("c\n")];
        assert_eq!(followed("broken", steps), "a\nb\nc\n");
    }

    #[test]
    fn a_file_that_is_cut_down_is_read_from_its_start() {
        let steps = vec![append("bbb\n"), truncate(), append("c\n"), append("d\n")];
        assert_eq!(followed("truncated", steps), "a\nbbb\nc\nd\n");
    }

    #[test]
    fn a_name_that_nothing_has_for_a_while_is_waited_for() {
        let steps = vec![rename(), all(vec![]), all(vec![]), append("b\n"), rename()];
        assert_eq!(followed("away", steps), "a\nb\n");
    }
}
