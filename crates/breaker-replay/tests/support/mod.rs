//! What the tests of the program share.
#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// What the program says of this log on its standard output; it must end well.
pub(crate) fn replay(arguments: &[&str], log: &str) -> String {
    let output = run(arguments, log);
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Why the program will not replay this log.
pub(crate) fn refused(arguments: &[&str], log: &str) -> String {
    let output = run(arguments, log);
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(2), &b""[..])
    );
    String::from_utf8(output.stderr).unwrap()
}

fn run(arguments: &[&str], log: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_breaker-replay"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // One that refuses its arguments does not read the log.
    let _ = input.write_all(log.as_bytes());
    drop(input);
    child.wait_with_output().unwrap()
}
