//! What the tests of the program share.
#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    io::{self, Write},
    process::{Command, Output, Stdio},
    thread,
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
    replayed(arguments, |input| input.write_all(log.as_bytes()))
}

/// Runs the program over what `feed` writes, in 150,000 KiB of address space: memory that grew with the log would not fit.
pub(crate) fn replayed(
    arguments: &[&str],
    feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
) -> Output {
    let mut child = Command::new("bash")
        .args(["-c", "ulimit -v 150000; exec \"$@\"", "replay"])
        .arg(env!("CARGO_BIN_EXE_breaker-replay"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            // It may stop reading before the end.
            let _ = feed(&mut input);
        });
        child.wait_with_output().unwrap()
    })
}
