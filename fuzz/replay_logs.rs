//! All that breaker-replay reads of a log, formats and compression: any bytes end in a report or in a message, never in a panic.
#![no_main]

use std::{cell::RefCell, env, fs, path::PathBuf, process};

use libfuzzer_sys::fuzz_target;

thread_local! {
    /// One file for the whole run, since the program reads files.
    static LOG: RefCell<PathBuf> = RefCell::new(env::temp_dir().join(format!("breaker-fuzz-{}", process::id())));
}

fuzz_target!(|data: &[u8]| {
    let path = LOG.with_borrow(Clone::clone);
    fs::write(&path, data).expect("the log is written");
    let path = path.to_str().expect("it is text");
    match breaker_replay::run_with(["breaker-replay", "--format", "json", path]) {
        Ok(report) => {
            let report: serde_json::Value = serde_json::from_str(&report).expect("the report is JSON");
            assert!(report.is_object());
        }
        Err(message) => assert!(!message.is_empty()),
    }
});
