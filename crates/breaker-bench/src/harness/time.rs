//! Times and counts the calls of subjects, in interleaved rounds.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{AcqRel, Acquire},
        },
    },
    thread,
    time::Instant,
};

/// Does so many calls and says how many the subject refused.
pub type Loop = Box<dyn FnOnce(u64) -> u64 + Send>;

/// Something to call. All loops of one subject share its breaker.
pub struct Subject {
    /// What it is called.
    pub name: String,
    make: Box<dyn Fn() -> Loop>,
}

impl Subject {
    /// `build` is called once in each thread; what it gives makes one call and says whether it was refused.
    pub fn new<C: FnMut(u64) -> bool>(
        name: impl Into<String>,
        build: impl Fn() -> C + Clone + Send + 'static,
    ) -> Self {
        let make = move || -> Loop {
            let build = build.clone();
            Box::new(move |calls| {
                let mut call = build();
                (0..calls).map(|request| u64::from(call(request))).sum()
            })
        };
        Self {
            name: name.into(),
            make: Box::new(make),
        }
    }

    /// One thread's loop.
    pub fn calls(&self) -> Loop {
        (self.make)()
    }

    /// The allocations of so many calls on this thread, once everything is warm.
    pub fn allocations(&self, calls: u64) -> u64 {
        let count = |calls| {
            let run = self.calls();
            allocation_counter::measure(|| _ = run(calls)).count_total
        };
        // What the first call of a thread allocates, and the loop itself, cancel out.
        count(1);
        count(calls + 1) - count(1)
    }

    /// Nanoseconds a call: from the first thread's start to the last one's end, over the calls of all of them; and how many
    /// were refused. Each thread has a processor of its own, where the system has and allows that, and none begins before all are
    /// there.
    fn round(&self, threads: usize, calls: u64, depth: usize) -> (f64, u64) {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let missing = Arc::new(AtomicUsize::new(threads));
        let handles: Vec<_> = (0..threads)
            .map(|at| {
                let (mut run, missing) = (Some(self.calls()), missing.clone());
                let core = (cores.len() >= threads).then(|| cores[at]);
                thread::spawn(move || {
                    core.map(core_affinity::set_for_current);
                    let mut timed = None;
                    deeper(depth, &mut || {
                        missing.fetch_sub(1, AcqRel);
                        while missing.load(Acquire) > 0 {
                            thread::yield_now();
                        }
                        let start = now();
                        let refused = run.take().map_or(0, |run| run(calls));
                        timed = Some((start, now(), refused));
                    });
                    timed.expect("a round that was run")
                })
            })
            .collect();
        let timed: Vec<_> = handles
            .into_iter()
            .map(|handle| handle.join().expect("a thread of the benchmark"))
            .collect();
        let first = timed.iter().map(|(start, ..)| *start).min();
        let last = timed.iter().map(|(_, end, _)| *end).max();
        let took = last.zip(first).map(|(last, first)| last - first);
        let all = calls * threads as u64;
        (
            took.unwrap_or_default().as_nanos() as f64 / all as f64,
            timed.iter().map(|(.., refused)| refused).sum(),
        )
    }
}

/// Does it so many frames further down the stack.
///
/// Where a loop's variables lie at the same place of a page as what it shares, the processor takes loads of the one for loads of
/// the other: a call then takes twice as long, in one process and not in the next (T. Mytkowicz, A. Diwan, M. Hauswirth,
/// P. Sweeney, "Producing Wrong Data Without Doing Anything Obviously Wrong!", 2009). So each round lies elsewhere.
#[inline(never)]
fn deeper(frames: usize, run: &mut dyn FnMut()) {
    let pad = black_box([0_u8; 192]);
    match frames.checked_sub(1) {
        Some(frames) => deeper(frames, run),
        None => run(),
    }
    black_box(pad);
}

/// What a subject costs.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// Nanoseconds a call: one thread alone, and two that share the breaker.
    pub nanos: [f64; 2],
    /// The share of the calls that were refused.
    pub refused: f64,
    /// Allocations a call.
    pub allocations: f64,
}

/// So many interleaved rounds, of about so long each; what counts is the middle one.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds.
    pub rounds: usize,
    /// Milliseconds.
    pub millis: u64,
}

/// The rows of one table, of which the first is what the others are held against.
pub fn table(title: &str, subjects: &[Subject], effort: Effort) -> Vec<Row> {
    let threads = [1, 2];
    // As many calls as take about so long alone; those that share may take far longer, and do fewer.
    let calls: Vec<_> = subjects
        .iter()
        .map(|subject| {
            threads.map(|threads| {
                (1e6 * effort.millis as f64 / subject.round(threads, 2_000, 0).0) as u64
            })
        })
        .collect();
    let mut nanos = vec![[vec![], vec![]]; subjects.len()];
    let mut refused = vec![0; subjects.len()];
    for round in 0..effort.rounds {
        // Nineteen depths are a page of 4 KiB.
        let depth = round * 7 % 19;
        for (at, subject) in subjects.iter().enumerate() {
            for (sharing, threads) in threads.into_iter().enumerate() {
                let (figure, n) = subject.round(threads, calls[at][sharing], depth);
                nanos[at][sharing].push(figure);
                if threads == 1 {
                    refused[at] = n;
                }
            }
        }
    }
    let rows: Vec<_> = subjects
        .iter()
        .enumerate()
        .map(|(at, subject)| Row {
            name: subject.name.clone(),
            nanos: [0, 1].map(|sharing| median(&nanos[at][sharing])),
            refused: refused[at] as f64 / calls[at][0] as f64,
            allocations: subject.allocations(10_000) as f64 / 10_000.0,
        })
        .collect();
    print(title, &rows);
    rows
}

fn print(title: &str, rows: &[Row]) {
    println!("\n## {title}\n");
    println!(
        "| | ns, 1 thread | ÷ first row | ns, 2 threads sharing | ÷ first row | refused | allocations a call |"
    );
    println!("|---|---|---|---|---|---|---|");
    for Row {
        name,
        nanos: [one, two],
        refused,
        allocations,
    } in rows
    {
        let [one_first, two_first] = rows[0].nanos;
        println!(
            "| {name} | {one:.1} | {:.1} | {two:.1} | {:.1} | {:.0} % | {allocations:.2} |",
            one / one_first,
            two / two_first,
            100.0 * refused,
        );
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures real time; this is where it does"
)]
fn now() -> Instant {
    Instant::now()
}
