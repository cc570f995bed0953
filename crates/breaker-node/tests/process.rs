//! The node as a process: its pipes, its exit status and its flags.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// So long a test waits for what should come at once, so that it fails and does not hang.
const PATIENCE: Duration = Duration::from_secs(60);

const OPEN: &str =
    r#"{"type": "circuit_breaker_open", "in_reply_to": 1, "service": "service-b", "failures": 5}"#;
const CLOSED: &str = r#"{"type": "circuit_breaker_closed", "in_reply_to": 1, "service": "service-b", "state": "closed"}"#;

/// The specification's samples as a line and pretty-printed, with their replies.
const SAMPLES: [(&str, &str, &str); 2] = [
    (
        r#"{"src":"service-a","dest":"service-b","body":{"type":"call","msg_id":1,"force_failures":5}}"#,
        "{\n\"src\": \"service-a\",\n\"dest\": \"service-b\",\n\"body\": {\n\"type\": \"call\",\n\"msg_id\": 1,\n\"force_failures\": 5\n}\n}",
        OPEN,
    ),
    (
        r#"{"src":"service-a","dest":"service-b","body":{"type":"call","msg_id":1,"state":"half_open","force_success":true}}"#,
        "{\n\"src\": \"service-a\",\n\"dest\": \"service-b\",\n\"body\": {\n\"type\": \"call\",\n\"msg_id\": 1,\n\"state\": \"half_open\",\n\"force_success\": true\n}\n}",
        CLOSED,
    ),
];

fn node(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breaker-node"));
    command
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a node does with an input that ends.
fn finish(mut command: Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        // A node that has ended already takes no input.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// A node whose input stays open.
struct Peer {
    child: Child,
    stdin: ChildStdin,
    replies: Receiver<String>,
}

impl Peer {
    fn new(flags: &[&str]) -> Self {
        let mut child = node(flags).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let replies = lines(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            replies,
        }
    }

    fn ask(&mut self, message: &str) -> String {
        self.stdin.write_all(message.as_bytes()).unwrap();
        self.replies
            .recv_timeout(PATIENCE)
            .expect("a reply comes while the input is open")
    }

    /// Asks for the status until it has this in it.
    fn ask_until(&mut self, part: &str) {
        while !self.ask("{\"type\": \"status\"}").contains(part) {}
    }

    /// Ends the input and asserts that the node has nothing more to say.
    fn end(mut self) {
        drop(self.stdin);
        assert!(self.child.wait().unwrap().success());
        assert_eq!(self.replies.recv_timeout(PATIENCE).ok(), None);
    }
}

/// The lines of a pipe, newlines included.
fn lines(pipe: ChildStdout) -> Receiver<String> {
    let (send, lines) = channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|length| length > 0)
            && send.send(std::mem::take(&mut line)).is_ok()
        {}
    });
    lines
}

#[test]
fn the_specifications_samples_give_its_replies() {
    for (line, pretty, reply) in SAMPLES {
        for message in [line, pretty] {
            for end in ["", "\n"] {
                let input = format!("{message}{end}");
                let output = finish(node(&[]), &input);
                assert_eq!(text(&output.stdout), format!("{reply}\n"), "to {input:?}");
                assert_eq!(text(&output.stderr), "");
                assert_eq!(output.status.code(), Some(0));
            }
        }
    }
}

#[test]
fn the_examples_messages_give_the_replies_that_stand_beside_them() {
    let example = |name: &str| {
        let path = format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let output = finish(node(&[]), &example("messages.jsonl"));
    assert_eq!(text(&output.stdout), example("messages.expected"));
}

#[test]
fn a_reply_comes_while_the_input_is_open_and_without_a_newline() {
    for (line, pretty, reply) in SAMPLES {
        for message in [line, pretty] {
            for end in ["", "\n"] {
                let mut peer = Peer::new(&[]);
                assert_eq!(peer.ask(&format!("{message}{end}")), format!("{reply}\n"));
                peer.end();
            }
        }
    }
}

#[test]
fn a_peer_that_waits_for_each_reply_is_never_left_waiting() {
    let mut peer = Peer::new(&[]);
    for id in 0..2000 {
        let reply = peer.ask(&format!(r#"{{"type": "init", "msg_id": {id}}}"#));
        assert_eq!(
            reply,
            format!("{{\"type\": \"init_ok\", \"in_reply_to\": {id}}}\n")
        );
    }
    peer.end();
}

#[test]
fn a_breaker_probes_fails_probes_and_closes_in_real_time() {
    let mut peer = Peer::new(&["--open-for", "50ms"]);
    let opened = |failures: u32| {
        format!(
            "{{\"type\": \"circuit_breaker_open\", \"service\": \"service-b\", \"failures\": {failures}}}\n"
        )
    };
    assert_eq!(
        peer.ask(r#"{"type": "call", "force_failures": 5}"#),
        opened(5)
    );
    peer.ask_until(r#""state": "half_open""#);
    assert_eq!(
        peer.ask(r#"{"type": "call", "force_success": false}"#),
        opened(1)
    );
    peer.ask_until(r#""state": "half_open""#);
    let closed = "{\"type\": \"circuit_breaker_closed\", \"service\": \"service-b\", \"state\": \"closed\"}\n";
    assert_eq!(peer.ask(r#"{"type": "call"}"#), closed);
    peer.end();
}

#[test]
fn the_end_of_the_input_ends_the_node_with_status_0_whatever_it_was() {
    for input in ["", "\n", "{", "garbage", "{\"type\": \"init\"}"] {
        assert_eq!(finish(node(&[]), input).status.code(), Some(0), "{input:?}");
    }
}

#[test]
fn a_closed_standard_output_ends_the_node_quietly() {
    let mut child = node(&[]).spawn().unwrap();
    drop(child.stdout.take());
    child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"{\"type\": \"init\"}")
        .unwrap();
    // The input is still open: the node ends by itself.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert_eq!(log, "");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_ends_the_node_with_status_1_and_a_line() {
    let mut command = node(&[]);
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    let output = finish(command, "{\"type\": \"init\"}");
    assert_eq!(output.status.code(), Some(1));
    let log = text(&output.stderr);
    assert!(
        log.starts_with("breaker-node: cannot write the output: ") && log.lines().count() == 1,
        "{log:?}"
    );
}

#[cfg(unix)]
#[test]
fn an_input_that_cannot_be_read_ends_the_node_with_status_1_and_a_line() {
    let mut command = node(&[]);
    command.stdin(File::open(".").unwrap());
    let output = finish(command, "");
    assert_eq!(output.status.code(), Some(1));
    let log = text(&output.stderr);
    assert!(
        log.starts_with("breaker-node: cannot read the input: ") && log.lines().count() == 1,
        "{log:?}"
    );
}

#[test]
fn an_answer_is_a_line_on_standard_error() {
    let output = finish(node(&[]), "\n{\"type\": \"call_ok\", \"in_reply_to\": 1}\n");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        "breaker-node: line 2, column 1: an answer, which needs no reply\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_and_version_are_told_and_end_the_node() {
    let version = finish(node(&["--version"]), "");
    assert_eq!(
        text(&version.stdout),
        concat!("breaker-node ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let help = finish(node(&["--help"]), "");
    for flag in [
        "--failure-threshold",
        "--open-for",
        "--probes",
        "--service",
        "--timeout",
        "--envelope",
        "--max-message-bytes",
        "--max-services",
        "--version",
    ] {
        assert!(text(&help.stdout).contains(flag), "no {flag}");
    }
    assert!(help.status.success() && version.status.success());
}

#[test]
fn a_flag_that_cannot_be_is_named_with_what_it_takes() {
    for (flag, value, takes) in [
        ("--failure-threshold", "0", "1 to 4095"),
        ("--failure-threshold", "4096", "1 to 4095"),
        ("--failure-threshold", "-1", "1 to 4095"),
        ("--failure-threshold", "five", "1 to 4095"),
        ("--open-for", "0s", "1 ms to 100 days"),
        ("--open-for", "2401h", "1 ms to 100 days"),
        ("--open-for", "5", "50ms"),
        ("--open-for", "1.5s", "50ms"),
        ("--open-for", "99999999999999999999h", "too large"),
        ("--probes", "0", "1 to 255"),
        ("--probes", "256", "1 to 255"),
        ("--service", "", "1 to 256 bytes"),
        ("--timeout", "0ms", "1ms to 24h"),
        ("--timeout", "25h", "1ms to 24h"),
        ("--max-message-bytes", "0", "zero"),
        ("--max-message-bytes", "1MB", "digit"),
        ("--max-services", "0", "zero"),
        ("--max-services", "16777217", "1 to 16777216"),
    ] {
        let output = finish(node(&[&format!("{flag}={value}")]), "{}");
        let error = text(&output.stderr);
        assert!(
            error.contains(flag) && error.contains(takes),
            "{flag} {value}: {error}"
        );
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    }
    assert_eq!(finish(node(&["--unknown"]), "").status.code(), Some(2));
    assert_eq!(finish(node(&["--open-for"]), "").status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn many_messages_and_names_leave_the_memory_flat() {
    let resident = |peer: &Peer| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", peer.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let mut peer = Peer::new(&["--max-services", "100"]);
    let mut sizes = Vec::new();
    for round in 0..10 {
        let mut messages = String::new();
        for id in 0..5000 {
            let service = round * 5000 + id;
            messages += &format!(
                "{{\"type\": \"call\", \"service\": \"{service}\", \"force_failures\": {}}}\n",
                id % 3
            );
        }
        peer.stdin.write_all(messages.as_bytes()).unwrap();
        for _ in 0..5000 {
            peer.replies.recv_timeout(PATIENCE).unwrap();
        }
        sizes.push(resident(&peer));
    }
    let (early, late) = (sizes[1], sizes[9]);
    assert!(
        late < early + 500,
        "grew from {early} to {late} KiB: {sizes:?}"
    );
    peer.end();
}

#[test]
fn the_log_tells_each_transition_and_its_reason() {
    let mut command = node(&["--log", "--failure-threshold", "2", "--open-for", "1ms"]);
    command.stderr(Stdio::piped());
    let messages = concat!(
        r#"{"type": "call", "msg_id": 1, "service": "a", "force_failures": 2}"#,
        "\n",
        r#"{"type": "call", "msg_id": 2, "service": "b", "state": "half_open", "force_success": true}"#,
        "\n",
        r#"{"type": "call", "msg_id": 3, "service": "b", "force_success": true}"#,
        "\n",
    );
    let output = finish(command, messages);
    let expected = [
        "breaker-node: a: closed -> open, 2 failures in a row, for 1ms",
        "breaker-node: b: closed -> half-open, operator",
        "breaker-node: b: half-open -> closed, 1 probe succeeded",
    ];
    let lines: Vec<_> = text(&output.stderr).lines().collect();
    assert_eq!(lines, expected);
}

/// A peer chooses the names of services. None forges a line, clears a screen or turns the text around.
#[test]
fn the_name_of_a_service_stays_on_its_line_of_the_log() {
    let mut command = node(&["--log", "--failure-threshold", "2", "--open-for", "1ms"]);
    command.stderr(Stdio::piped());
    let message = concat!(
        r#"{"type": "call", "msg_id": 1, "service": "a\nbreaker-node: b\u001b[2J\u202e\u009b", "force_failures": 2}"#,
        "\n",
    );
    let output = finish(command, message);
    let expected = r"breaker-node: a\nbreaker-node: b\u{1b}[2J\u{202e}\u{9b}: closed -> open, 2 failures in a row, for 1ms";
    assert_eq!(text(&output.stderr).trim_end(), expected);
}
