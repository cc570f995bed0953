//! Commands and other settings.

use super::*;

#[test]
fn the_jitter_is_the_seed_s_and_the_number_of_the_opening() {
    let open_time = OpenTime::fixed(10 * SECOND).jitter(Percent(50.0));
    let config = settings().open_time(open_time).build().unwrap();
    let wait = |seed, generation| {
        let rules = Rules {
            config: &config,
            seed,
        };
        let mut breaker = Breaker::new(rules);
        breaker.generation = generation;
        let transition = breaker.command(rules, Command::Trip(None), at(0));
        transition.unwrap().open_for().unwrap()
    };
    assert_eq!(wait(1, 4), wait(1, 4));
    assert_ne!(wait(1, 4), wait(2, 4));
    assert_ne!(wait(1, 4), wait(1, 5));
}

#[test]
fn a_shorter_wait_cuts_one_that_is_under_way_unless_somebody_asked_for_it() {
    let config = |seconds: u32| {
        let open_time = OpenTime::fixed(seconds * SECOND);
        settings().open_time(open_time).build().unwrap()
    };
    let (long, short) = (config(30), config(5));
    for (command, until) in [
        (Command::Trip(None), 6),
        (Command::Trip(Some(20 * SECOND)), 21),
    ] {
        let mut breaker = Breaker::new(rules(&long));
        let _ = breaker.command(rules(&long), command, at(1));
        breaker.reconfigure(rules(&long), rules(&short), at(3));
        assert_eq!(breaker.phase(), open(0, until));
        breaker.reconfigure(rules(&short), rules(&long), at(4));
        assert_eq!(
            breaker.phase(),
            open(0, until),
            "a longer wait changes nothing"
        );
    }
}

#[test]
fn a_recovery_goes_on_with_the_same_ramp_begins_again_with_another_and_ends_without_one() {
    let config = |ramp: Option<Ramp>| {
        let settings = ramp.map_or(settings(), |ramp| settings().ramp(ramp));
        settings.build().unwrap()
    };
    let (one, other, none) = (
        config(Some(Ramp::new(5, 7))),
        config(Some(Ramp::new(1, 2))),
        config(None),
    );
    let mut breaker = half_open(rules(&one), 0, 2);
    for _ in 0..2 {
        let _ = record(&mut breaker, rules(&one), SUCCESS, 0);
    }
    let recovering = Phase::Recovering(Evidence::default());
    for (before, after) in [(&one, &one), (&one, &other)] {
        breaker.reconfigure(rules(before), rules(after), at(1));
        assert_eq!(breaker.phase(), recovering);
    }
    let _ = record(&mut breaker, rules(&other), SUCCESS, 1);
    assert_eq!(
        breaker.phase(),
        Phase::CLOSED,
        "one success leads from 1 to 2"
    );
    breaker.phase = recovering;
    breaker.reconfigure(rules(&other), rules(&none), at(1));
    assert_eq!(breaker.phase(), Phase::CLOSED);
}

#[test]
fn commands_and_modes_say_what_is_refused() {
    let config = config();
    let rules = rules(&config);
    let commands = vec![
        (
            Command::Isolate(None),
            Admission::Refuse(Refusal::Isolated { retry_after: None }),
        ),
        (
            Command::Isolate(Some(2 * SECOND)),
            Admission::Refuse(Refusal::Isolated {
                retry_after: Some(2 * SECOND),
            }),
        ),
        (Command::Disable, Admission::PassUncounted),
        (Command::ObserveOnly, Admission::Pass),
        (Command::Reset, Admission::Pass),
        (Command::HalfOpen, Admission::Pass),
    ];
    let mut breaker = Breaker::new(rules);
    for (command, admission) in commands {
        assert!(breaker.command(rules, command, at(0)).is_some());
        assert_eq!(admit(&mut breaker, rules, 0).0, admission, "{command:?}");
        assert_eq!(breaker.is_shadow(), command == Command::ObserveOnly);
    }
    for command in [Command::Isolate(None), Command::Disable] {
        assert!(breaker.command(rules, command, at(0)).is_some());
        assert_eq!(
            breaker.command(rules, command, at(0)),
            None,
            "it is so already"
        );
    }
}

#[test]
fn an_isolation_with_an_end_is_followed_by_probes_whatever_the_open_time_is() {
    let share = OpenTime::probe_share(Percent(1.0), SECOND, 30 * SECOND);
    let config = settings().open_time(share).build().unwrap();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    let _ = breaker.command(rules, Command::ObserveOnly, at(0));
    let isolated = breaker.command(rules, Command::Isolate(Some(9 * SECOND)), at(1));
    assert_eq!(isolated.unwrap().open_for(), Some(9 * SECOND));
    let seen = |breaker: &Breaker, seconds| {
        let state = breaker.state(rules, at(seconds));
        let half_open_in = breaker.half_open_in(rules, at(seconds));
        (state, half_open_in, breaker.retry_after(rules, at(seconds)))
    };
    assert!(!breaker.is_shadow(), "it refuses");
    let (four, zero) = (Some(4 * SECOND), Some(Duration::ZERO));
    assert_eq!(seen(&breaker, 6), (State::Isolated, four, four));
    let refusal = Refusal::Isolated { retry_after: four };
    assert_eq!(admit(&mut breaker, rules, 6).0, Admission::Refuse(refusal));
    assert_eq!(seen(&breaker, 10), (State::HalfOpen, None, zero));
    // This call would not be drawn, were the circuit open.
    let (admission, changes) = breaker.admit(rules, at(10), &mut Some(u32::MAX));
    assert_eq!(admission, Admission::Pass);
    let probing = changes.iter().next().unwrap();
    assert_eq!(
        (probing.from(), probing.to(), probing.reason()),
        (State::Isolated, State::HalfOpen, Reason::ProbeDue)
    );
    assert_eq!(probing.generation(), isolated.unwrap().generation() + 1);
}

#[test]
fn an_isolation_takes_another_end_and_loses_it() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    for (span, left) in [
        (None, None),
        (Some(9 * SECOND), Some(9 * SECOND)),
        (Some(2 * SECOND), Some(2 * SECOND)),
        (Some(Duration::ZERO), Some(Duration::from_millis(1))),
        (Some(Duration::MAX), Some(crate::time::MAX_WAIT)),
        (None, None),
    ] {
        let generation = breaker.generation();
        let isolated = breaker.command(rules, Command::Isolate(span), at(0));
        assert_eq!(isolated.unwrap().generation(), generation + 1);
        assert_eq!(breaker.retry_after(rules, at(0)), left);
    }
}
