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
        (Command::Isolate, Admission::Refuse(Refusal::Isolated)),
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
    for command in [Command::Isolate, Command::Disable] {
        assert!(breaker.command(rules, command, at(0)).is_some());
        assert_eq!(
            breaker.command(rules, command, at(0)),
            None,
            "it is so already"
        );
    }
}
