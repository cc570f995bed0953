//! What the tests of the program share.

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// What the program says of this log on its standard output; it must end well.
pub(crate) fn replay(arguments: &[&str], log: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_breaker-replay"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(log.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
