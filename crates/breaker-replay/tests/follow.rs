//! A log that grows while it is read, and an interrupt that prints what there is.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use support::{file, refused};

fn line(second: u64, status: u16) -> String {
    format!(
        "{{\"time\":{},\"status\":{status}}}\n",
        1_791_640_536 + second
    )
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// A process that follows a file.
struct Following(Child);

impl Following {
    fn start(path: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breaker-replay"));
        let command = command.arg("--follow").args(arguments).arg(path);
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until it has read all of the file that has this name, as the system says of its open files.
    fn catch_up(&self, path: &Path) {
        let length = fs::metadata(path).unwrap().len().to_string();
        let folder = PathBuf::from(format!("/proc/{}", self.0.id()));
        let has_read = || {
            let open = fs::read_dir(folder.join("fd")).ok()?;
            let mut open = open.filter_map(|entry| Some(entry.ok()?.path()));
            let one = open.find(|one| fs::read_link(one).is_ok_and(|to| to == path))?;
            let about = fs::read_to_string(folder.join("fdinfo").join(one.file_name()?)).ok()?;
            let at = about.lines().find_map(|line| line.strip_prefix("pos:"))?;
            (at.trim() == length).then_some(())
        };
        while has_read().is_none() {
            thread::yield_now();
        }
    }

    /// Interrupts it, and gives what it prints.
    fn interrupt(mut self) -> String {
        let sent = Command::new("kill")
            .args(["-INT", &self.0.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let mut text = String::new();
        let mut out = self.0.stdout.take().unwrap();
        out.read_to_string(&mut text).unwrap();
        assert!(self.0.wait().unwrap().success(), "{text}");
        text
    }
}

#[test]
fn a_log_that_grows_and_is_rotated_is_read_on_until_the_interrupt() {
    let text = |seconds: std::ops::Range<u64>, status| -> String {
        seconds.map(|second| line(second, status)).collect()
    };
    let path = PathBuf::from(file("follow/access.jsonl", text(0..150, 200).as_bytes()));
    let path = fs::canonicalize(path).unwrap();
    let following = Following::start(&path, &[]);
    following.catch_up(&path);
    append(&path, &text(150..200, 503));
    following.catch_up(&path);
    fs::rename(&path, path.with_extension("1")).unwrap();
    append(&path, &text(200..300, 503));
    following.catch_up(&path);
    append(&path, &text(300..400, 200));
    following.catch_up(&path);
    let said = following.interrupt();
    assert!(
        said.starts_with("400 calls from 2026-10-10T13:55:36.000Z to 2026-10-10T14:02:15.000Z"),
        "{said}"
    );
    assert!(said.contains("38 % failed, 1 outage"), "{said}");
}

#[test]
fn a_log_of_a_few_lines_is_told_at_the_interrupt() {
    let path = PathBuf::from(file("follow/few.jsonl", b""));
    let path = fs::canonicalize(path).unwrap();
    let following = Following::start(&path, &["--format", "json"]);
    append(&path, &line(0, 200));
    following.catch_up(&path);
    let said = following.interrupt();
    assert!(said.contains("\"calls\":1"), "{said}");
}

#[test]
fn what_cannot_grow_is_not_followed() {
    let one = file("follow/one.jsonl", line(0, 200).as_bytes());
    let packed = file("follow/one.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    for (arguments, wanted) in [
        (&["--follow"][..], "-: --follow is for a file"),
        (&["--follow", &one, &one], "--follow takes one file"),
        (&["--follow", &packed], "it is packed, and does not grow"),
        (&["--follow", "follow/none"], "No such file"),
        (
            &["--follow", "--suggest-key", "a", &one],
            "needs files that are not followed",
        ),
    ] {
        let error = refused(arguments, "");
        assert!(error.contains(wanted), "{error}");
    }
}
