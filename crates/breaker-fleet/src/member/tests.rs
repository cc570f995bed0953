//! Many processes over one store in memory, without circuits: a tick is a call.

use std::time::Duration;

use breaker_layer::{State, fleet::Level};

use super::{Member, Mine, Vote, random::Random, watched::Step};
use crate::{memory::InMemory, store::Store};

const PACE: Duration = Duration::from_secs(1);
const PAY: &str = "{breaker:v1:ns}:c:pay";

/// A process with one circuit.
struct Process {
    member: Member,
    mine: Vec<Mine>,
    steps: Vec<Step>,
}

struct World {
    store: InMemory,
    processes: Vec<Process>,
}

fn vote(level: u32) -> Vote {
    Vote {
        level: Level::from_quarters(level),
        state: State::Closed,
        observes_only: false,
        takes_credit: true,
        due_in: None,
        probe_timeout: Duration::from_secs(30),
        generation: 0,
        has_tripped: true,
    }
}

fn open(due_in: Duration) -> Vote {
    Vote {
        state: State::Open,
        due_in: Some(due_in),
        ..vote(16)
    }
}

impl World {
    /// So many processes of each zone, with nothing against anything, that know each other.
    fn new(zones: &[(&str, usize)]) -> Self {
        let mut world = Self::starting(zones);
        world.ticks(5);
        world
    }

    fn starting(zones: &[(&str, usize)]) -> Self {
        let zone = |&(zone, many): &(&str, usize)| {
            let zone = zone.to_owned();
            (0..many).map(move |n| process(&zone, n))
        };
        Self {
            store: InMemory::new(),
            processes: zones.iter().flat_map(zone).collect(),
        }
    }

    fn set(&mut self, which: impl Fn(usize) -> bool, vote: Vote) {
        for (at, process) in self.processes.iter_mut().enumerate() {
            if which(at) {
                process.mine[0].vote = vote;
            }
        }
    }

    fn tick(&mut self) {
        let processes = 0..self.processes.len();
        processes.for_each(|at| self.tick_of(at));
    }

    fn ticks(&mut self, many: usize) {
        (0..many).for_each(|_| self.tick());
    }

    fn tick_of(&mut self, at: usize) {
        let Process {
            member,
            mine,
            steps,
        } = &mut self.processes[at];
        let mut report = Some(member.report(mine));
        while let Some(next) = report {
            let view = tokio_test::block_on(self.store.exchange(&next)).unwrap();
            member.view(Duration::ZERO, view);
            report = member.more(mine);
        }
        *steps = member
            .steps(mine)
            .into_iter()
            .map(|(_, step)| step)
            .collect();
    }

    fn has_credit(&self, at: usize) -> bool {
        let watched = self.processes[at].member.watched.get("pay");
        watched.is_some_and(|watched| !watched.credit.is_none())
    }

    fn with_credit(&self) -> usize {
        (0..self.processes.len())
            .filter(|at| self.has_credit(*at))
            .count()
    }

    fn votes(&self) -> usize {
        self.store.fields(PAY).len()
    }
}

fn process(zone: &str, number: usize) -> Process {
    let name = format!("{zone}-{number}");
    let seed = u64::try_from(number).unwrap();
    let vote = vote(0);
    Process {
        member: Member::new("ns", name, zone, PACE, Random::of(seed)),
        mine: vec![Mine {
            name: "pay".to_owned(),
            vote,
            follows: false,
        }],
        steps: Vec::new(),
    }
}

#[test]
fn a_majority_with_something_against_it_gives_all_credit_and_a_minority_nobody() {
    let mut world = World::new(&[("z", 10)]);
    world.set(|at| at < 4, vote(16));
    world.ticks(5);
    // Of nine peers four, or three: no majority.
    assert_eq!(world.with_credit(), 0);
    world.set(|at| at < 7, vote(16));
    world.ticks(2);
    assert_eq!(world.with_credit(), 10);
    world.set(|_| true, vote(0));
    world.ticks(2);
    assert_eq!(world.with_credit(), 0);
}

#[test]
fn one_ill_process_or_zone_convinces_only_itself() {
    let mut world = World::new(&[("a", 4), ("b", 4), ("c", 4)]);
    world.set(|at| at == 0, vote(16));
    world.ticks(5);
    assert_eq!(world.with_credit(), 0);
    world.set(|at| at < 4, vote(16));
    world.ticks(5);
    let convinced: Vec<_> = (0..12).filter(|at| world.has_credit(*at)).collect();
    assert_eq!(convinced, [0, 1, 2, 3]);
}

#[test]
fn one_that_says_nothing_hears_the_others_in_the_tick_in_which_they_are_first_heard_of() {
    let mut world = World::new(&[("z", 5)]);
    world.set(|at| at > 0, vote(12));
    (1..5).for_each(|at| world.tick_of(at));
    world.tick_of(0);
    assert!(world.has_credit(0));
}

#[test]
fn who_stands_still_for_three_ticks_is_not_heard_any_longer() {
    let mut world = World::new(&[("z", 5)]);
    world.set(|at| at > 0, vote(16));
    world.ticks(2);
    assert!(world.has_credit(0));
    world.ticks(1);
    // The first one still finds what they wrote last.
    for _ in 0..3 {
        world.tick_of(0);
        assert!(world.has_credit(0));
    }
    world.tick_of(0);
    assert!(!world.has_credit(0));
}

#[test]
fn what_a_store_has_kept_while_it_was_away_is_not_heard() {
    let mut world = World::new(&[("z", 5)]);
    world.set(|at| at > 0, vote(16));
    world.ticks(2);
    world.processes[0].member.lost();
    assert!(!world.has_credit(0));
    // The others do not write any more.
    for _ in 0..9 {
        world.tick_of(0);
        assert!(!world.has_credit(0));
    }
}

#[test]
fn a_process_that_has_lost_the_store_hears_the_others_again_as_soon_as_they_move() {
    let mut world = World::new(&[("z", 5)]);
    world.set(|at| at > 0, vote(16));
    world.ticks(4);
    world.processes[0].member.lost();
    world.ticks(5);
    assert!(world.has_credit(0));
}

#[test]
fn a_quiet_process_sends_three_commands_a_tick() {
    let mut world = World::new(&[("z", 3)]);
    world.ticks(4);
    let Process { member, mine, .. } = &mut world.processes[0];
    let report = member.report(mine);
    let counts = (report.puts.len(), report.removes.len(), report.reads.len());
    assert_eq!(counts, (1, 0, 2));
}

#[test]
fn what_is_no_longer_said_is_taken_back_and_nothing_is_left_behind() {
    let mut world = World::new(&[("z", 4)]);
    world.set(|_| true, vote(9));
    world.ticks(3);
    assert_eq!(world.votes(), 4);
    world.set(|_| true, vote(0));
    world.ticks(8);
    assert_eq!(world.store.hashes(), ["{breaker:v1:ns}:living"]);
    assert!(
        world
            .processes
            .iter()
            .all(|process| process.member.watched.is_empty())
    );
}

#[test]
fn above_64_a_jury_votes_and_convinces_all() {
    let mut world = World::new(&[("a", 50), ("b", 50), ("c", 50)]);
    world.set(|_| true, vote(16));
    world.ticks(4);
    assert!((64..=66).contains(&world.votes()), "{}", world.votes());
    assert_eq!(world.with_credit(), 150);
}

#[test]
fn garbage_in_every_field_convinces_nobody_and_is_counted() {
    let mut world = World::new(&[("z", 5)]);
    world.ticks(2);
    let garbage = [
        "",
        ":",
        "z:16",
        "z:17:1:o",
        "z:16:x:o",
        "other:16:9:o",
        "\u{0}",
        "z:16:1:o:o",
    ];
    world.set(|at| at == 0, vote(4));
    for round in 0..6 {
        for at in 0..5 {
            let peer = format!("z-{at}");
            for (n, text) in garbage.iter().enumerate() {
                world.store.put(PAY, &format!("stranger-{n}"), text);
                world.store.put(PAY, &peer, text);
                world.store.put(PAY, &format!("bad name {n}"), "z:16:9:o");
                world
                    .store
                    .put("{breaker:v1:ns}:hot", &format!("{n} \n"), text);
                world.store.put("{breaker:v1:ns}:stamp", "!", "no stamp!");
                world
                    .store
                    .put("{breaker:v1:ns}:orders", &format!("*:{n}"), text);
                world
                    .store
                    .put("{breaker:v1:ns}:living", &format!("bad {n}"), text);
            }
            world.tick_of(at);
        }
        assert_eq!(world.with_credit(), 0, "round {round}");
    }
    assert!(
        world
            .processes
            .iter()
            .all(|process| process.member.ignored > 0)
    );
}

#[test]
fn votes_of_processes_that_do_not_live_are_not_heard_and_are_swept() {
    let mut world = World::new(&[("z", 5)]);
    world.set(|at| at == 0, vote(9));
    for tick in 0..40 {
        for n in 0..10 {
            let said = format!("z:16:{tick}:o");
            world.store.put(PAY, &format!("ghost-{n}"), &said);
        }
        world.tick();
        assert_eq!(world.with_credit(), 0);
    }
    (0..3).for_each(|_| world.tick());
    assert_eq!(world.votes(), 1);
}

#[test]
fn ten_thousand_fields_are_not_kept() {
    let mut world = World::new(&[("z", 2)]);
    world.set(|_| true, vote(9));
    for n in 0..10_000 {
        world.store.put(PAY, &format!("p{n}"), "z:16:1:o");
        world
            .store
            .put("{breaker:v1:ns}:living", &format!("p{n}"), "z:1");
        world.store.put("{breaker:v1:ns}:hot", &format!("c{n}"), "");
    }
    world.ticks(3);
    let member = &world.processes[0].member;
    assert!(member.roll.living().count() <= super::roll::MOST);
    assert!(member.watched.len() <= 1);
    assert_eq!(world.with_credit(), 0);
}

#[test]
fn suspicions_of_circuits_that_nobody_has_are_swept_and_those_that_go_on_stay() {
    let mut world = World::new(&[("z", 4)]);
    world.set(|_| true, vote(9));
    for n in 0..300 {
        let hot = "{breaker:v1:ns}:hot";
        world.store.put(hot, &format!("c{n}"), "7");
        world.store.put(hot, &format!("no name {n}"), "");
    }
    world.ticks(160);
    let hot = world.store.fields("{breaker:v1:ns}:hot");
    assert_eq!(hot.keys().collect::<Vec<_>>(), ["pay"]);
}

#[test]
fn an_order_is_seen_among_more_suspicions_than_are_read() {
    let mut world = World::new(&[("z", 2)]);
    world.ticks(40);
    for n in 0..2 * super::HOT {
        world.store.put("{breaker:v1:ns}:hot", &format!("{n}"), "7");
    }
    world.ticks(2);
    let order = crate::Order::reset("pay");
    let (id, number) = ("1".to_owned(), 1);
    let kept = crate::order::Kept { id, number, order };
    let text = kept.write().unwrap();
    world.store.put("{breaker:v1:ns}:orders", "*:pay:1", &text);
    world.store.put("{breaker:v1:ns}:stamp", "!", "1");
    world.tick();
    for Process { member, .. } in &mut world.processes {
        assert_eq!(member.orders.due(Duration::ZERO).len(), 1);
    }
}

#[test]
fn who_has_done_an_order_and_lives_no_more_is_swept() {
    let mut world = World::new(&[("z", 4)]);
    let order = crate::Order::reset("pay");
    let (id, number) = ("1".to_owned(), 1);
    let kept = crate::order::Kept { id, number, order };
    let text = kept.write().unwrap();
    world.store.put("{breaker:v1:ns}:orders", "*:pay:1", &text);
    world.store.put("{breaker:v1:ns}:stamp", "!", "1");
    world.tick();
    for Process { member, .. } in &mut world.processes {
        let due = member.orders.due(Duration::ZERO);
        due.iter().for_each(|(kept, _)| member.did(kept));
    }
    world.tick();
    let done = |world: &World| world.store.fields("{breaker:v1:ns}:applied:1");
    assert_eq!(done(&world).len(), 4);
    world.processes.pop();
    world.ticks(150);
    assert_eq!(done(&world).len(), 3);
    assert_eq!(world.store.fields("{breaker:v1:ns}:living").len(), 3);
    // Whoever lives tells it again, should the store have lost it.
    world.store.flush();
    world.ticks(310);
    assert_eq!(done(&world).len(), 3);
}

#[test]
fn of_more_circuits_than_can_be_heard_none_starves() {
    let mut world = World::new(&[("z", 3)]);
    let many = 2 * super::CIRCUITS;
    // Each of the others has something against a half of them, the first one against none.
    let circuits = |at: usize| {
        (0..many).map(move |n| Mine {
            name: format!("c{n:04}"),
            vote: vote(if at > 0 && n % 2 == at - 1 { 16 } else { 0 }),
            follows: false,
        })
    };
    for (at, process) in world.processes.iter_mut().enumerate() {
        process.mine = circuits(at).collect();
    }
    let mut heard = std::collections::BTreeSet::new();
    // A half of those that fit are others in each turn.
    for _ in 0..4 * super::TURN {
        world.tick();
        heard.extend(world.processes[0].member.heard.iter().cloned());
    }
    assert_eq!(heard.len(), many);
}

#[test]
fn who_follows_goes_half_open_once_for_each_majority_and_who_does_not_never_does() {
    let mut world = World::new(&[("z", 5)]);
    world.processes[0].mine[0].follows = true;
    world.set(|at| at > 0, open(PACE * 99));
    let mut followed = Vec::new();
    for _ in 0..5 {
        world.tick();
        for (at, process) in world.processes.iter().enumerate() {
            let follows = process
                .steps
                .iter()
                .find(|step| matches!(step, Step::Follow { .. }));
            followed.extend(follows.map(|step| (at, step.clone())));
        }
    }
    assert_eq!(followed, [(0, Step::Follow { open: 4, of: 5 })]);
}

#[test]
fn who_only_observes_is_not_counted_as_open() {
    let mut world = World::new(&[("z", 5)]);
    world.processes[0].mine[0].follows = true;
    let watching = Vote {
        observes_only: true,
        ..open(PACE * 99)
    };
    world.set(|at| at > 0, watching);
    world.ticks(5);
    let is_follow = |step: &Step| matches!(step, Step::Follow { .. });
    assert!(!world.processes[0].steps.iter().any(is_follow));
    // But what it sees is heard.
    assert!(world.has_credit(0));
}

#[test]
fn an_isolated_circuit_says_nothing() {
    let mut world = World::new(&[("z", 5)]);
    world.set(
        |_| true,
        Vote {
            state: State::Isolated,
            ..vote(0)
        },
    );
    world.ticks(3);
    assert_eq!(world.votes(), 0);
}

#[test]
fn a_circuit_that_is_soon_due_asks_for_the_lease_and_one_that_has_it_does_not() {
    let mut world = World::new(&[("z", 3)]);
    world.set(|_| true, open(PACE * 9));
    world.ticks(3);
    let asks = |world: &World, at: usize| world.processes[at].steps.contains(&Step::Lease);
    assert!(!asks(&world, 0));
    world.set(|_| true, open(PACE));
    world.tick();
    assert!(asks(&world, 0) && asks(&world, 1));
    let Process { member, mine, .. } = &mut world.processes[0];
    assert_eq!(member.leased(&mine[0], true), None);
    let Process { member, mine, .. } = &mut world.processes[1];
    // Longer than until it asks the next time.
    assert!(member.leased(&mine[0], false).unwrap() > PACE * 3);
    world.tick();
    assert!(!asks(&world, 0) && asks(&world, 1));
    world.ticks(60);
    assert!(asks(&world, 0));
}

/// How many came due in this tick; those are back in the next one.
fn come_due(world: &mut World) -> usize {
    world.tick();
    let mut came = 0;
    for process in &mut world.processes {
        let is_due = |step: &Step| matches!(step, Step::ComeDue(_));
        if process.steps.iter().any(is_due) {
            process.mine[0].vote = vote(0);
            came += 1;
        }
    }
    came
}

#[test]
fn good_news_brings_the_others_back_a_part_at_a_time() {
    let mut world = World::new(&[("z", 100)]);
    world.set(|_| true, open(PACE * 99));
    world.ticks(3);
    world.set(|at| at == 0, vote(0));
    let came: Vec<_> = (0..90).map(|_| come_due(&mut world)).collect();
    assert_eq!(came.iter().sum::<usize>(), 99, "{came:?}");
    assert!(came[..5].iter().sum::<usize>() <= 10, "{came:?}");
    assert!(came.iter().all(|came| *came <= 25), "{came:?}");
}

#[test]
fn bad_news_stops_the_return() {
    let mut world = World::new(&[("z", 20)]);
    world.set(|_| true, open(PACE * 99));
    world.ticks(3);
    world.set(|at| at < 4, vote(0));
    (0..20).for_each(|at| world.tick_of(at));
    world.set(|_| true, open(PACE * 99));
    world.tick_of(0);
    for at in 4..20 {
        world.tick_of(at);
        assert!(
            !world.processes[at]
                .steps
                .iter()
                .any(|step| matches!(step, Step::ComeDue(_)))
        );
    }
}

#[test]
fn bad_news_stops_the_return_of_its_own_zone_only() {
    let mut world = World::new(&[("a", 20), ("b", 20)]);
    world.set(|_| true, open(PACE * 99));
    world.ticks(3);
    let is_back = |at: usize| at % 20 < 15;
    world.set(is_back, vote(0));
    world.ticks(2);
    world.set(|at| at == 0, open(PACE * 99));
    world.tick();
    let comes_due = |world: &World, at: usize| {
        let steps = &world.processes[at].steps;
        steps.iter().any(|step| matches!(step, Step::ComeDue(_)))
    };
    let mut came = [0, 0];
    for _ in 0..2 {
        world.tick();
        for at in 0..40 {
            came[at / 20] += usize::from(comes_due(&world, at));
        }
    }
    assert!(came[0] == 0 && came[1] > 0, "{came:?}");
}

#[test]
fn what_an_operator_closed_is_no_good_news() {
    let mut world = World::new(&[("z", 10)]);
    world.set(|_| true, open(PACE * 99));
    world.ticks(3);
    let by_hand = Vote {
        has_tripped: false,
        ..vote(0)
    };
    world.set(|at| at < 5, by_hand);
    assert_eq!((0..20).map(|_| come_due(&mut world)).sum::<usize>(), 0);
}

/// Whether process 0 is told that a peer probes.
fn is_told(world: &World) -> bool {
    world.processes[0].steps.contains(&Step::PeerProbed)
}

#[test]
fn who_has_the_lease_says_so_and_goes_on_to_once_it_has_probed_in_vain() {
    let mut world = World::new(&[("z", 5)]);
    world.set(|_| true, open(PACE));
    world.ticks(3);
    assert!(!is_told(&world));
    let Process { member, mine, .. } = &mut world.processes[4];
    assert_eq!(member.leased(&mine[0], true), None);
    world.ticks(2);
    assert!(is_told(&world));
    let failed = Vote {
        generation: 2,
        ..open(PACE * 40)
    };
    world.set(|at| at == 4, failed);
    world.ticks(50);
    assert!(is_told(&world));
    world.ticks(12);
    assert!(!is_told(&world));
}

#[test]
fn peers_that_have_the_lease_and_never_probe_are_waited_for_three_times() {
    let mut world = World::new(&[("z", 8)]);
    world.set(|_| true, open(PACE));
    world.ticks(3);
    let told: Vec<_> = (1..8)
        .map(|at| {
            let Process { member, mine, .. } = &mut world.processes[at];
            assert_eq!(member.leased(&mine[0], true), None);
            world.ticks(2);
            let is_told = is_told(&world);
            world.ticks(60);
            is_told
        })
        .collect();
    assert_eq!(told, [true, true, true, false, false, false, false]);
}

#[test]
fn a_circuit_that_nobody_else_has_and_one_with_too_long_a_name_harm_nobody() {
    let mut world = World::new(&[("z", 1)]);
    world.set(|_| true, vote(16));
    world.ticks(9);
    assert_eq!(world.with_credit(), 0);
    assert_eq!(crate::wire::circuit(&"n".repeat(300), None), None);
}
