//! What a call costs, beside the peers: `speed [ROUNDS MILLISECONDS]`.
//!
//! So many interleaved rounds of about so long for each subject; fails if a bar does not hold.

use std::{env, error::Error, process::ExitCode};

use breaker_bench::{
    bar::{self, Bar},
    harness::time::{Effort, Row, table},
    subjects::{Mode, clock, clone, floor, ours, peers},
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<u64>());
    let rounds = arguments.next().transpose()?.unwrap_or(21);
    let millis = arguments.next().transpose()?.unwrap_or(10);
    let effort = Effort {
        rounds: rounds as usize,
        millis,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()?;
    let _guard = runtime.enter();

    let of = |mode| -> Vec<_> {
        let floor = if mode == Mode::Rejected {
            vec![floor::bare(mode)]
        } else {
            vec![floor::bare(mode), floor::closure(mode)]
        };
        floor
            .into_iter()
            .chain(ours::subjects(mode))
            .chain(peers::subjects(mode))
            .collect()
    };
    let clocks = table("Reads of a clock", &clock::subjects(), effort);
    let success = table("Closed, every call succeeds", &of(Mode::Success), effort);
    let alternate = table(
        "Closed, every other call fails",
        &of(Mode::Alternate),
        effort,
    );
    let rejected = table("Rejected", &of(Mode::Rejected), effort);
    let cloned = table(
        "Closed, a clone of the service for each call",
        &clone::subjects(),
        effort,
    );
    Ok(bar::report(&bars(
        &clocks, &success, &alternate, &rejected, &cloned,
    )))
}

fn row<'a>(rows: &'a [Row], name: &str) -> &'a Row {
    rows.iter()
        .find(|row| row.name == name)
        .unwrap_or_else(|| panic!("no row {name}"))
}

fn is_ours(row: &Row) -> bool {
    row.name.starts_with(ours::DEFAULT)
}

fn bars(
    clocks: &[Row],
    success: &[Row],
    alternate: &[Row],
    rejected: &[Row],
    cloned: &[Row],
) -> Vec<Bar> {
    let mut bars = vec![];
    for (sharing, threads) in ["one thread", "two threads"].into_iter().enumerate() {
        let ratio = |rows: &[Row], name| row(rows, name).nanos[sharing] / rows[0].nanos[sharing];
        bars.push(Bar::at_most(
            format!("closed success ÷ bare, {threads}"),
            ratio(success, ours::DEFAULT),
            4.0,
        ));
        bars.push(Bar::at_most(
            format!("a clone for each call ÷ bare with one Arc, {threads}"),
            ratio(cloned, ours::DEFAULT),
            2.0,
        ));
        // A call that fails takes a lock: with one thread it may cost twice what the fastest peer's does.
        let alone = if sharing == 0 { 2.0 } else { 1.0 };
        for (what, rows, most) in [
            ("success", success, 1.0),
            ("every other fails", alternate, alone),
        ] {
            for calls in [100, 10_000, 1_000_000] {
                let last = |name| row(rows, &format!("{name}, last {calls} calls")).nanos[sharing];
                bars.push(Bar::at_most(
                    format!("ns, last {calls} calls against recloser's, {what}, {threads}"),
                    last(ours::DEFAULT),
                    most * last("recloser 1.4, sync"),
                ));
            }
        }
        for (what, rows, most) in [
            ("success", success, 1.0),
            ("every other fails", alternate, alone),
            ("rejected", rejected, 1.0),
        ] {
            // With two threads counting costs, and no peer counts its rejections.
            if what == "rejected" && sharing > 0 {
                continue;
            }
            let fastest = rows
                .iter()
                .filter(|row| peers::is_breaker(&row.name))
                .min_by(|a, b| a.nanos[sharing].total_cmp(&b.nanos[sharing]))
                .expect("a peer");
            bars.push(Bar::at_most(
                format!(
                    "ns against the fastest peer's ({}), {what}, {threads}",
                    fastest.name
                ),
                row(rows, ours::DEFAULT).nanos[sharing],
                most * fastest.nanos[sharing],
            ));
        }
    }
    let reads = [
        ("", clocks[0].nanos[0]),
        (", quanta's clock", row(clocks, clock::QUANTA).nanos[0]),
    ];
    for (clock, read) in reads {
        let beyond = |rows: &[Row], name: &str, reads: f64| {
            (row(rows, &format!("{name}{clock}")).nanos[0] - reads * read) / rows[0].nanos[0]
        };
        bars.push(Bar::at_most(
            format!("rejected{clock}, less one clock read ÷ bare, one thread"),
            beyond(rejected, ours::DEFAULT, 1.0),
            4.0,
        ));
        // A window of time needs to know when a call ends; slowness, when it began, too.
        for (name, reads) in [(ours::TIME, 1.0), (ours::SLOW, 2.0)] {
            bars.push(Bar::at_most(
                format!("{name}{clock}, less {reads} clock reads ÷ bare, one thread"),
                beyond(success, name, reads),
                12.0,
            ));
        }
    }
    for rows in [success, alternate, rejected, cloned] {
        for row in rows.iter().filter(|row| is_ours(row)) {
            let boxed = if row.name.contains("boxed") { 1.0 } else { 0.0 };
            bars.push(Bar::at_most(
                format!("allocations, {}", row.name),
                row.allocations,
                boxed,
            ));
        }
    }
    bars
}
