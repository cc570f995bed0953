//! Replays a file of scenarios on our circuit, or those of the tests: `cargo run --example scenarios -- FILE`.
//!
//! It says how many rows of each project pass, differ on purpose and fail, then which ones differ and why, then which
//! ones fail: the step, what was expected and what came. A row that fails makes the exit status 1.

#[path = "../tests/scenarios/replay/mod.rs"]
mod replay;

use std::{collections::BTreeMap, process::ExitCode};

use replay::{Replayed, Verdict, differences::Kind};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1);
    let text = std::fs::read_to_string(file.as_deref().unwrap_or(replay::VENDORED))?;
    let rows = replay::replay(&text)?;
    print_projects(&rows);
    print_differences(&rows);
    print_failed(&rows);
    let has_failed = rows
        .iter()
        .any(|row| matches!(row.verdict, Verdict::Failed(_)));
    Ok(ExitCode::from(u8::from(has_failed)))
}

fn print_projects(rows: &[Replayed]) {
    let mut projects: BTreeMap<&str, [u32; 3]> = BTreeMap::new();
    for row in rows {
        let place = match row.verdict {
            Verdict::Passed => 0,
            Verdict::Deliberate(_) => 1,
            Verdict::Failed(_) => 2,
        };
        projects.entry(&row.project).or_default()[place] += 1;
        projects.entry("~ all").or_default()[place] += 1;
    }
    println!("passed/deliberate/failed");
    for (project, [passed, deliberate, failed]) in projects {
        println!(
            "{passed:>3}/{deliberate}/{failed}  {}",
            project.trim_start_matches("~ ")
        );
    }
}

fn print_differences(rows: &[Replayed]) {
    let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for row in rows {
        if let Verdict::Deliberate(kind) = row.verdict {
            let defect = if row.is_defect {
                " (a defect of theirs)"
            } else {
                ""
            };
            kinds
                .entry(kind)
                .or_default()
                .push(format!("{}{defect}", row.id));
        }
    }
    for (kind, rows) in kinds {
        println!("deliberate: {kind}: {}: {}", rows.len(), rows.join(", "));
    }
}

fn print_failed(rows: &[Replayed]) {
    for row in rows {
        if let Verdict::Failed(why) = &row.verdict {
            println!("failed: {}: {why}", row.id);
        }
    }
}
