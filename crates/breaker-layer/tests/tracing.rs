//! What an operator reads in the log.
#![cfg(feature = "tracing")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use breaker_layer::{Circuit, TransitionEvent, observe::Tracing};
use support::{Bench, OPEN_FOR, alone};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// Lines that were written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What is written at this level and above while something happens. Subscribers and events that meet for the first time on
/// several threads at once may miss each other, so that each test is alone.
fn written(level: LevelFilter, happen: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .finish();
    let guard = subscriber.set_default();
    happen();
    drop(guard);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_transition_is_one_event_at_a_level_that_suits() {
    let _alone = alone();
    let bench = Bench::with(|builder| builder.observe(Tracing::new()));
    let lines = written(LevelFilter::INFO, || {
        bench.succeed(10);
        bench.open();
        assert!(bench.rejects());
        bench.clock.advance(OPEN_FOR);
        bench.succeed(1);
        bench.circuit.because("they move").isolate();
    });
    let expected = [
        "WARN breaker_layer: bench: closed -> open, 3 failures in a row, for 5s circuit.name=\"bench\" \
         circuit.state.from=closed circuit.state.to=open circuit.reason=\"consecutive_failures\" circuit.generation=1 \
         circuit.open_for_s=5.0",
        "INFO breaker_layer: bench: open -> half-open, a probe is due circuit.name=\"bench\" \
         circuit.state.from=open circuit.state.to=half-open circuit.reason=\"probe_due\" circuit.generation=2",
        "INFO breaker_layer: bench: half-open -> closed, 1 probe succeeded circuit.name=\"bench\" \
         circuit.state.from=half-open circuit.state.to=closed circuit.reason=\"probes_succeeded\" circuit.generation=3",
        "WARN breaker_layer: bench: closed -> isolated, operator, because they move circuit.name=\"bench\" \
         circuit.state.from=closed circuit.state.to=isolated circuit.reason=\"operator\" circuit.generation=4 \
         circuit.note=\"they move\"",
    ];
    let lines: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_change_of_settings_is_one_event_that_says_what_is_different_and_why() {
    let _alone = alone();
    let bench = Bench::with(|builder| builder.observe(Tracing::new()));
    let slow = bench.circuit.config().slow_after(OPEN_FOR);
    let lines = written(LevelFilter::INFO, || {
        let told = bench.circuit.because("a new file").reconfigure(slow);
        told.unwrap();
    });
    let expected = " INFO breaker_layer: bench: reconfigured, slow_after none -> 5s, because a new file \
                    circuit.name=\"bench\" circuit.note=\"a new file\"";
    assert_eq!(lines, [expected]);
}

#[test]
fn a_rejection_is_an_event_at_debug() {
    let _alone = alone();
    let bench = Bench::with(|builder| builder.observe(Tracing::new()));
    bench.open();
    let lines = written(LevelFilter::DEBUG, || assert!(bench.rejects()));
    let expected = "DEBUG breaker_layer: rejected circuit.name=\"bench\" error.type=\"circuit_open\" \
                    circuit.retry_after_s=5.0";
    assert_eq!(lines, [expected]);
    let lines = written(LevelFilter::INFO, || assert!(bench.rejects()));
    assert!(lines.is_empty());
}

/// Whoever chooses a name or a note forges no line, clears no screen and turns no text around.
#[test]
fn a_name_and_a_note_stay_on_their_line() {
    let _alone = alone();
    let hostile = "a\nINFO forged\r\u{1b}[2J\u{202e}b";
    let event = Arc::new(Mutex::new(String::new()));
    let seen = event.clone();
    let circuit = Circuit::builder(hostile).observe(Tracing::new()).observe(
        move |event: &TransitionEvent<'_>| {
            *seen.lock().unwrap() = format!("{event} {event:?}");
        },
    );
    let circuit = circuit.build().unwrap();
    let lines = written(LevelFilter::DEBUG, || {
        circuit.because(hostile).isolate();
        assert!(circuit.try_acquire().is_err());
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let event = event.lock().unwrap().clone();
    assert!(
        event.contains(r"a\nINFO forged\r\u{1b}[2J\u{202e}b"),
        "{event}"
    );
    for line in lines.iter().chain([&event]) {
        let is_hostile = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!line.contains(is_hostile), "{line:?}");
    }
}

#[test]
fn rejections_can_be_spared() {
    let _alone = alone();
    let bench = Bench::with(|builder| builder.observe(Tracing::transitions()));
    let lines = written(LevelFilter::TRACE, || {
        bench.open();
        assert!(bench.rejects());
    });
    assert_eq!(lines.len(), 1);
}

#[test]
fn a_call_that_passes_writes_nothing() {
    let _alone = alone();
    let bench = Bench::with(|builder| builder.observe(Tracing::new()));
    let lines = written(LevelFilter::TRACE, || bench.succeed(100));
    assert!(lines.is_empty());
}

/// One in two, then in four, and so on: whoever makes up keys does not fill the log.
#[cfg(feature = "keyed")]
#[test]
fn a_table_that_is_full_says_so_more_and_more_seldom() {
    let _alone = alone();
    use breaker_layer::{Outcome, keyed::KeyedCircuits};
    let table = KeyedCircuits::builder("hosts").max_circuits(1);
    let table = table.observe(Tracing::new()).build().unwrap();
    table.circuit(&0).unwrap().isolate();
    let lines = written(LevelFilter::WARN, || {
        for key in 1..8 {
            table.try_acquire(key).unwrap().record(Outcome::Failure);
        }
    });
    let line = |total| {
        format!(
            " WARN breaker_layer: no room: a call passes uncounted circuit.table=\"hosts\" circuit.total={total}"
        )
    };
    assert_eq!(lines, [1, 2, 4].map(line));
}
