//! What the tests of the program share.
#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    io::{self, Write},
    process::{Command, Output, Stdio},
    thread,
};

/// What the program says of this log on its standard output, each sentence in one line; it must end well.
pub(crate) fn replay(arguments: &[&str], log: &str) -> String {
    let output = run(arguments, log);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    whole(&String::from_utf8(output.stdout).unwrap())
}

/// Text without the breaks of long lines.
pub(crate) fn whole(text: &str) -> String {
    text.replace("\n      ", " ")
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
/// The allocator sets apart 64 MiB of it for each thread unless told otherwise.
pub(crate) fn replayed(
    arguments: &[&str],
    feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
) -> Output {
    let mut child = Command::new("bash")
        .env("MALLOC_ARENA_MAX", "1")
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

/// What the program says of this log as JSON.
pub(crate) fn json(arguments: &[&str], log: &str) -> serde_json::Value {
    let text = replay(&[arguments, &["--format", "json"]].concat(), log);
    serde_json::from_str(&text).unwrap()
}

/// The name, calls and failures of each service, by name.
pub(crate) fn services(json: &serde_json::Value) -> Vec<(String, u64, u64)> {
    let services = json["services"].as_array().unwrap().iter();
    let mut all: Vec<_> = services
        .map(|service| {
            let number = |name: &str| service[name].as_u64().unwrap();
            let name = service["name"].as_str().unwrap().to_owned();
            (name, number("calls"), number("failures"))
        })
        .collect();
    all.sort();
    all
}

/// A file of this test process's own.
pub(crate) fn file(name: &str, bytes: &[u8]) -> String {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// The status, what was printed, and what was said on standard error.
pub(crate) fn ended(arguments: &[&str], log: &str) -> (i32, String, String) {
    let output = run(arguments, log);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The second of a log that begins at 13:00:00 on 2026-10-10.
pub(crate) fn clf(second: u64) -> String {
    let (hour, minute, second) = (13 + second / 3600, second / 60 % 60, second % 60);
    format!("10/Oct/2026:{hour:02}:{minute:02}:{second:02} +0000")
}

/// 1,200 calls, a second apart; from the 400th on 400 fail. `tail` is what follows the user agent.
pub(crate) fn combined(tail: impl Fn(u64, bool) -> String) -> String {
    (0..1200)
        .map(|at| {
            let failed = (400..800).contains(&at);
            let (time, status) = (clf(at), if failed { 502 } else { 200 });
            let tail = tail(at, failed);
            format!("192.0.2.1 - - [{time}] \"GET / HTTP/1.1\" {status} 5 \"-\" \"c\"{tail}\n")
        })
        .collect()
}

/// What the logs were taken for.
pub(crate) fn names(log: &serde_json::Value) -> Vec<&str> {
    let formats = log["log"]["formats"].as_array().unwrap().iter();
    formats
        .map(|format| format["about"].as_str().unwrap())
        .collect()
}

/// Two calls, to two upstreams.
pub(crate) const TWO: &str = "{\"time\":\"2026-10-10T13:55:36Z\",\"service\":\"a\",\"status\":200,\"duration\":0.1}\n{\"time\":\"2026-10-10T13:55:37Z\",\"service\":\"b\",\"status\":503,\"duration\":0.1}\n";
