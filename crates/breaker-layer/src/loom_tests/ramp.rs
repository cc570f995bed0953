//! The ramp: its two cells under admissions and records at one time.

use breaker_core::{Beside, Checked, Config, Ramp, Timestamp};

use super::*;
use crate::sync::Cell;

/// Ten calls per second at first, so that two calls may come at once: one for now, and one saved up.
fn config() -> Checked {
    Config::new().ramp(Ramp::new(10, 20)).build().unwrap()
}

/// The calls of the thousandth generation that are let pass now.
fn allowance(beside: &Beside<'_, Cell>, generation: u16, now: Timestamp) -> usize {
    (0..100)
        .take_while(|_| beside.admit(generation, now).is_ok())
        .count()
}

/// A block of cells that both threads see.
fn shared(config: &Checked) -> Arc<Box<[Cell]>> {
    Arc::new(Cell::block(config.cells()))
}

#[test]
fn no_two_calls_use_the_same_allowance() {
    check(|| {
        let config = config();
        let cells = shared(&config);
        let (one, two) = (cells.clone(), cells.clone());
        let now = Timestamp::from_nanos(5_000_000_000);
        let alone = Beside::new(&config, &Cell::block(config.cells())[..]).admits(now);
        let (a, b) = together!(move || Beside::new(&config, &one).admits(now), move || {
            Beside::new(&config, &two).admits(now)
        },);
        let passed = a.join().unwrap() + b.join().unwrap();
        let left = allowance(&Beside::new(&config, &cells), 7, now);
        assert_eq!(passed + left, alone + 1);
    });
}

trait Admits {
    /// Asks once, as a call of generation 7: 1 if it passes.
    fn admits(&self, now: Timestamp) -> usize;
}

impl Admits for Beside<'_, Cell> {
    fn admits(&self, now: Timestamp) -> usize {
        usize::from(self.admit(7, now).is_ok())
    }
}

#[test]
fn no_success_is_lost_to_the_allowance() {
    check(|| {
        // Three successes lead from 10 to 13, where the ramp ends.
        let config = Config::new().ramp(Ramp::new(10, 13)).build().unwrap();
        let cells = shared(&config);
        let (one, two) = (cells.clone(), cells.clone());
        let (a, b) = together!(
            move || Beside::new(&config, &one).recover(7, false),
            move || Beside::new(&config, &two).recover(7, false),
        );
        assert!(!a.join().unwrap());
        assert!(!b.join().unwrap());
        assert!(Beside::new(&config, &cells).recover(7, false));
    });
}

#[test]
fn a_success_and_a_failure_at_once_are_counted_in_one_order() {
    check(|| {
        let cells = shared(&config());
        let after = |failed: &[bool]| {
            let (config, cells) = (config(), Cell::block(config().cells()));
            for failed in failed {
                Beside::new(&config, &cells).recover(7, *failed);
            }
            cells[1].rate()
        };
        let (one, two) = (cells.clone(), cells.clone());
        let (a, b) = together!(
            move || Beside::new(&config(), &one).recover(7, false),
            move || Beside::new(&config(), &two).recover(7, true),
        );
        a.join().unwrap();
        b.join().unwrap();
        let orders = [after(&[false, true]), after(&[true, false])];
        assert!(orders.contains(&cells[1].rate()));
    });
}

trait Rate {
    fn rate(&self) -> u64;
}

impl Rate for Cell {
    fn rate(&self) -> u64 {
        use breaker_core::Cell64;
        self.get()
    }
}

#[test]
fn a_straggler_does_not_set_the_next_recovery_back() {
    check(|| {
        let config = Config::new().ramp(Ramp::new(10, 12)).build().unwrap();
        let cells = shared(&config);
        let (one, two) = (cells.clone(), cells.clone());
        let (a, b) = together!(
            move || Beside::new(&config, &one).recover(7, false),
            move || Beside::new(&config, &two).recover(4, true),
        );
        a.join().unwrap();
        b.join().unwrap();
        // The second success of generation 7.
        assert!(Beside::new(&config, &cells).recover(7, false));
    });
}

#[test]
fn the_ramp_ends_once_and_all_calls_pass() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.ramp(Ramp::new(10, 12)));
        bench.circuit.half_open();
        bench.record(Outcome::Success);
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Success),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.settled().len(), 2);
        for _ in 0..10 {
            assert!(bench.circuit.try_acquire().is_ok());
        }
    });
}
