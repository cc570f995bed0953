//! How many calls the default settings need to trip: the table in the guide's chapter on settings says what is counted here.

use std::time::Duration;

use breaker_layer::{Circuit, Config, OpenTime, Outcome, State, Trip, clock::ManualClock};

/// As the guide has it, row by row.
const TABLE: &str = include_str!("../src/guide/settings.md");

/// A generator with a period of 2⁶⁴ (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
struct SplitMix(u64);

impl SplitMix {
    fn percent(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64 * 100.0
    }
}

/// How many calls a new circuit takes until it trips, up to this many.
fn calls_until_it_trips(most: u32, mut fails: impl FnMut(u32) -> bool) -> Option<u32> {
    // The calls come faster than time goes.
    let builder = Circuit::builder("default").clock(ManualClock::new().clock());
    let circuit = builder.build().expect("good settings");
    (1..=most).find(|&call| {
        let permit = circuit.try_acquire().expect("it is closed");
        permit.record(if fails(call) {
            Outcome::Failure
        } else {
            Outcome::Success
        });
        circuit.state() != State::Closed
    })
}

/// The median and the 95th percentile of so many runs.
fn spread(percent: f64, runs: u64) -> (u32, u32) {
    let mut calls: Vec<u32> = (0..runs)
        .map(|seed| {
            let mut random = SplitMix(seed);
            calls_until_it_trips(u32::MAX, |_| random.percent() < percent).expect("it trips")
        })
        .collect();
    calls.sort_unstable();
    let at = |share: usize| calls[(calls.len() - 1) * share / 100];
    (at(50), at(95))
}

/// With two digits that count, in groups of three, as the guide writes numbers.
fn rounded(number: u32) -> String {
    let unit = 10_u32.pow(number.ilog10().saturating_sub(1));
    let digits = ((number + unit / 2) / unit * unit).to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

/// Those of these rows that the guide does not have.
fn missing(rows: impl IntoIterator<Item = String>) -> Vec<String> {
    let rows = rows.into_iter();
    rows.filter(|row| !TABLE.contains(row)).collect()
}

fn row(percent: f64, runs: u64) -> String {
    let (median, late) = spread(percent, runs);
    format!("| {percent} % | {} | {} |", rounded(median), rounded(late))
}

#[test]
fn the_table_of_the_guide_is_what_the_default_does() {
    let rows = [40.0, 50.0, 60.0, 80.0].map(|percent| row(percent, 1000));
    let certain = row(100.0, 1);
    assert_eq!(
        missing(rows.into_iter().chain([certain])),
        Vec::<String>::new()
    );
}

#[test]
fn strict_alternation_never_trips_the_default() {
    let calls = calls_until_it_trips(1_000_000, |call| call.is_multiple_of(2));
    assert_eq!(calls, None);
    let row = "| every second call, strictly | never | never |";
    assert_eq!(missing([row.to_owned()]), Vec::<String>::new());
}

/// What is tolerated trips as often as the budget of false trips says: half a billion calls here.
#[test]
#[ignore = "takes a minute: `cargo test --test how_soon -- --ignored`"]
fn so_is_its_row_of_the_share_that_is_tolerated() {
    assert_eq!(missing([row(30.0, 200)]), Vec::<String>::new());
}

/// How many failures in a row trip the default that come so far apart.
fn failures_that_trip(between: Duration) -> u32 {
    let clock = ManualClock::new();
    let builder = Circuit::builder("default").clock(clock.clock());
    let circuit = builder.build().expect("good settings");
    let fails = |_: &u32| {
        clock.advance(between);
        let permit = circuit.try_acquire().expect("it is closed");
        permit.record(Outcome::Failure);
        circuit.state() != State::Closed
    };
    (1..100).find(fails).expect("it trips")
}

#[test]
fn so_is_its_table_of_the_failures_that_trip() {
    let millis = [5, 100, 1000, 10_000, 60_000];
    let failures = millis.map(|millis| failures_that_trip(Duration::from_millis(millis)));
    let [busy, ten, one, tenth, minute] = failures;
    let row = format!("| failures | {busy} | {ten} | {one} | {tenth} | {minute} |");
    assert_eq!(missing([row]), Vec::<String>::new());
}

/// How long an open circuit on the default takes until it admits its first probe, with so many calls in a second: the median and the 95th
/// percentile.
fn until_the_first_probe(calls_per_second: u32) -> (Duration, Duration) {
    let between = Duration::from_secs(1) / calls_per_second;
    let mut waits: Vec<Duration> = (0..1000)
        .map(|seed| {
            let clock = ManualClock::new();
            let circuit = Circuit::builder("default")
                .clock(clock.clock())
                .seed(seed)
                .build()
                .expect("good settings");
            for _ in 0..15 {
                circuit
                    .try_acquire()
                    .expect("closed")
                    .record(Outcome::Failure);
            }
            assert_eq!(circuit.state(), State::Open);
            let mut waited = Duration::ZERO;
            loop {
                clock.advance(between);
                waited += between;
                if circuit.try_acquire().is_ok() {
                    return waited;
                }
            }
        })
        .collect();
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    (at(50), at(95))
}

#[test]
fn so_is_its_table_of_the_time_until_the_first_probe() {
    for (calls, median, late) in [
        (1, "4 s", "15 s"),
        (10, "0.4 s", "1.4 s"),
        (100, "0.13 s", "0.22 s"),
        (1000, "0.1 s", "0.11 s"),
    ] {
        let row = format!("| {calls} | {median} | {late} |");
        assert_eq!(missing([row]), Vec::<String>::new());
        let measured = until_the_first_probe(calls);
        for (text, measured) in [(median, measured.0), (late, measured.1)] {
            let seconds: f64 = text.trim_end_matches(" s").parse().expect("a number");
            let off = (measured.as_secs_f64() / seconds - 1.0).abs();
            assert!(
                off < 0.1,
                "{calls} calls: {text} in the guide, {measured:?} measured"
            );
        }
    }
}

/// When a circuit closes whose downstream fails for the first nine seconds, with two calls a second: the median of 200 runs.
fn closes_after(settings: Config) -> Duration {
    let between = Duration::from_millis(500);
    let mut closes: Vec<Duration> = (0..200)
        .map(|seed| {
            let clock = ManualClock::new();
            let circuit = Circuit::builder("quiet")
                .config(settings)
                .clock(clock.clock())
                .seed(seed)
                .build()
                .expect("good settings");
            let (mut now, mut was_open) = (Duration::ZERO, false);
            while !was_open || circuit.state() != State::Closed {
                clock.advance(between);
                now += between;
                if let Ok(permit) = circuit.try_acquire() {
                    let is_back = now >= Duration::from_secs(9);
                    permit.record(if is_back {
                        Outcome::Success
                    } else {
                        Outcome::Failure
                    });
                }
                was_open |= circuit.state() != State::Closed;
            }
            now
        })
        .collect();
    closes.sort_unstable();
    closes[closes.len() / 2]
}

#[test]
fn so_is_what_it_says_of_a_quiet_client() {
    let quiet = Config::new()
        .trip(Trip::consecutive_failures(5))
        .open_time(OpenTime::exponential(
            Duration::from_secs(1),
            Duration::from_secs(30),
        ));
    let seconds = |settings| closes_after(settings).as_secs_f64();
    let (default, quiet) = (seconds(Config::new()), seconds(quiet));
    assert!(
        (11.5..14.5).contains(&default),
        "13 s in the guide, {default} s measured"
    );
    assert!(
        (10.5..13.0).contains(&quiet),
        "12 s in the guide, {quiet} s measured"
    );
    let said = "the default closes after 13 s in the median, these settings after 12 s";
    assert_eq!(missing([said.to_owned()]), Vec::<String>::new());
}
