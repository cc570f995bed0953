//! What the pictures show.

mod support;

use std::fs;

use support::replay;

#[test]
fn the_failure_ratio_is_drawn_in_full_however_few_calls_there_are() {
    // By day a hundred calls a second succeed; by night one a second fails.
    let line = |milli: u64, status: u32| {
        let time = 1_793_606_400_000 + milli;
        format!("{{\"time\":{time},\"service\":\"x\",\"status\":{status}}}\n")
    };
    let day = (0..6000).map(|call| line(call * 10, 200));
    let night = (0..60).map(|call| line(60_001 + call * 1000, 503));
    let log: String = day.chain(night).collect();
    let path = env!("CARGO_TARGET_TMPDIR").to_owned() + "/ratio.svg";
    replay(&["--svg", &path], &log);
    let svg = fs::read_to_string(path).unwrap();
    let ratio = svg
        .split("<path class=\"failed ratio\" d=\"")
        .nth(1)
        .unwrap();
    let columns: Vec<_> = ratio
        .split('"')
        .next()
        .unwrap()
        .split('M')
        .skip(1)
        .collect();
    assert_eq!(columns.len(), 60);
    for column in columns {
        assert!(column.contains("v-24.00h"), "{column}");
    }
}

#[test]
fn the_picture_alone_says_what_its_colours_mean() {
    let path = env!("CARGO_TARGET_TMPDIR").to_owned() + "/key.svg";
    replay(
        &["--svg", &path],
        "{\"time\":1000,\"service\":\"x\",\"status\":200}\n",
    );
    let svg = fs::read_to_string(path).unwrap();
    for word in [
        "calls",
        "failed",
        "outage",
        "closed",
        "open",
        "half-open, probing",
    ] {
        assert!(svg.contains(&format!(">{word}</text>")), "{word}");
    }
}
