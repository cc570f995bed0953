//! All that breaker-replay reads of a log, formats and compression: any bytes end in a report or in a message, never in a panic.
//!
//! A first byte that is small is the number of a format, in which the others are read: to tell the format takes most of the time.
#![no_main]

use std::{cell::RefCell, env, fs, path::PathBuf, process};

use libfuzzer_sys::fuzz_target;

thread_local! {
    /// One file for the whole run, since the program reads files.
    static LOG: RefCell<PathBuf> = RefCell::new(env::temp_dir().join(format!("breaker-fuzz-{}", process::id())));
    /// What `--input` calls the formats.
    static NAMES: RefCell<Vec<String>> = RefCell::new(names());
}

fn names() -> Vec<String> {
    let help = breaker_replay::run_with(["breaker-replay", "--formats", "help"]).expect("there is a table of formats");
    let names = help.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.dedup();
    assert!(names.len() > 10);
    names
}

fuzz_target!(|data: &[u8]| {
    let first = data.first().map_or(usize::MAX, |first| usize::from(*first));
    let named = NAMES.with_borrow(|names| names.get(first).cloned());
    let (format, log) = match named {
        Some(name) => (name, &data[1..]),
        None => ("auto".to_owned(), data),
    };
    let path = LOG.with_borrow(Clone::clone);
    fs::write(&path, log).expect("the log is written");
    let path = path.to_str().expect("it is text");
    match breaker_replay::run_with(["breaker-replay", "--format", "json", "--input", &format, path]) {
        Ok(report) => {
            let report: serde_json::Value = serde_json::from_str(&report).expect("the report is JSON");
            assert!(report.is_object());
        }
        Err(message) => assert!(!message.is_empty()),
    }
});
