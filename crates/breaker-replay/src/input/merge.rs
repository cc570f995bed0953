//! Several logs as one. Files are read by their times, however they are given: rotated ones one after the other, those of
//! several hosts side by side. What cannot be opened twice is read as it comes.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use super::{
    call::Call,
    log::{How, Log, Stop},
    seen::Seen,
    services::Services,
    source,
};
use crate::interrupt::Interrupt;

/// All logs.
pub(crate) struct Logs<'o> {
    how: How<'o>,
    opening: Opening,
    /// Those that are still to be opened, by their first calls.
    waiting: VecDeque<Waiting>,
    open: Vec<Open<'o>>,
    is_several: bool,
}

/// How files are opened.
pub(crate) struct Opening {
    pub(crate) interrupt: Interrupt,
    /// Whether the file is read on as it grows.
    pub(crate) is_followed: bool,
}

struct Waiting {
    path: PathBuf,
    /// When its first call was; none where it is not known beforehand.
    begin: Option<u64>,
}

/// A log, and the call that comes next.
struct Open<'o> {
    path: PathBuf,
    log: Log<'o>,
    next: Call,
}

impl<'o> Logs<'o> {
    /// # Errors
    ///
    /// Names the file that cannot be read.
    pub(crate) fn new(paths: &[PathBuf], how: How<'o>, opening: Opening) -> Result<Self, String> {
        if opening.is_followed && paths.len() > 1 {
            return Err("--follow takes one file".to_owned());
        }
        let mut logs = Self {
            how,
            opening,
            waiting: VecDeque::new(),
            open: vec![],
            is_several: paths.len() > 1,
        };
        let can_be_sorted = paths.len() > 1 && paths.iter().all(|path| path.is_file());
        let mut waiting = vec![];
        for path in paths {
            let begin = if can_be_sorted {
                // An empty file is before all others.
                Some(logs.opened(path)?.begin().unwrap_or(0))
            } else {
                None
            };
            let path = path.clone();
            waiting.push(Waiting { path, begin });
        }
        waiting.sort_by_key(|file| file.begin);
        logs.waiting = waiting.into();
        Ok(logs)
    }

    fn opened(&self, path: &Path) -> Result<Log<'o>, String> {
        let Opening {
            interrupt,
            is_followed,
        } = &self.opening;
        let reader = if *is_followed {
            source::open_to_follow(path, interrupt)
        } else {
            source::open(path, interrupt)
        };
        let reader = reader.map_err(|error| at(path, &error))?;
        let file = self.is_several.then(|| path.display().to_string());
        Log::open(reader, self.how, file).map_err(|stop| told(path, &stop))
    }

    /// The next call of all logs; `None` at the end.
    ///
    /// # Errors
    ///
    /// Names the file that cannot be read, and why.
    pub(crate) fn next(
        &mut self,
        services: &mut Services,
        seen: &mut Seen,
    ) -> Result<Option<Call>, String> {
        loop {
            let first = (0..self.open.len()).min_by_key(|at| self.open[*at].next.end);
            // A log is opened once nothing that is open comes before it.
            let is_due = |waiting: &Waiting| match (first, waiting.begin) {
                (None, _) => true,
                (Some(first), Some(begin)) => begin <= self.open[first].next.end,
                (Some(_), None) => false,
            };
            if self.waiting.front().is_some_and(is_due)
                && let Some(waiting) = self.waiting.pop_front()
            {
                self.start(waiting.path, services, seen)?;
                continue;
            }
            let Some(first) = first else {
                return Ok(None);
            };
            let open = &mut self.open[first];
            let next = open
                .log
                .next(services, seen)
                .map_err(|stop| told(&open.path, &stop))?;
            return Ok(Some(match next {
                Some(next) => std::mem::replace(&mut open.next, next),
                None => self.open.swap_remove(first).next,
            }));
        }
    }

    fn start(
        &mut self,
        path: PathBuf,
        services: &mut Services,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let mut log = self.opened(&path)?;
        seen.formats.extend(log.told());
        let next = log
            .next(services, seen)
            .map_err(|stop| told(&path, &stop))?;
        if let Some(next) = next {
            self.open.push(Open { path, log, next });
        }
        Ok(())
    }
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn told(path: &Path, stop: &Stop) -> String {
    match stop {
        Stop::Io(error) => at(path, error),
        Stop::Format(error) => format!("{}: {error}", path.display()),
    }
}
