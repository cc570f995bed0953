//! Replays scenarios, the behaviour of other breakers as rows of data, on our circuit through its public API.
//!
//! A row passes, or it is in the [table of differences](differences) with its reason, or it fails. The table is kept
//! honest: a row in it must differ at the step and for the reason that it names, and one that passes fails.

mod book;
mod calls;
mod check;
pub(crate) mod differences;
mod ledger;
mod mismatch;
mod plan;
mod row;
mod run;
mod suspects;
mod terms;

use serde::Deserialize;
use serde_json::Value;

use self::{
    differences::{Difference, Kind},
    row::Row,
    run::Played,
};

/// The rows that come with the tests.
pub(crate) const VENDORED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/scenarios/scenarios.json"
);

/// A row, and what came of it.
pub(crate) struct Replayed {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) is_defect: bool,
    pub(crate) verdict: Verdict,
}

/// What came of a row.
pub(crate) enum Verdict {
    Passed,
    Deliberate(Kind),
    /// With the step, what was expected and what came.
    Failed(String),
}

#[derive(Deserialize)]
struct File {
    scenarios: Vec<Value>,
}

/// Replays all rows of a file.
///
/// # Errors
///
/// When it is no file of scenarios. A row that cannot be read fails alone.
pub(crate) fn replay(text: &str) -> serde_json::Result<Vec<Replayed>> {
    let file: File = serde_json::from_str(text)?;
    Ok(file.scenarios.into_iter().map(replay_row).collect())
}

fn replay_row(value: Value) -> Replayed {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let (id, project) = (text(&value["id"]), text(&value["source"]["project"]));
    let (is_defect, verdict) = match Row::deserialize(value) {
        Ok(row) => (is_defect(&row), judge(&row, &run::play(&row))),
        Err(error) => (
            false,
            Verdict::Failed(format!("the row cannot be read: {error}")),
        ),
    };
    Replayed {
        id,
        project,
        is_defect,
        verdict,
    }
}

fn judge(row: &Row, played: &Played<'_>) -> Verdict {
    let entry = differences::of(&row.id);
    match (&played.mismatch, entry) {
        (None, Some(entry)) => {
            Verdict::Failed(format!("passes, though it is listed: {}", entry.kind))
        }
        (None, None) if is_defect(row) => {
            Verdict::Failed("passes, though it is a defect".to_owned())
        }
        (None, None) => judge_counts(row, played),
        (Some(mismatch), Some(entry))
            if mismatch.step == entry.step && played.suspects.contains(entry.kind) =>
        {
            Verdict::Deliberate(entry.kind)
        }
        (Some(mismatch), Some(entry)) => {
            let Difference { step, kind, .. } = entry;
            Verdict::Failed(format!("{mismatch}; listed at step {step}: {kind}"))
        }
        (Some(mismatch), None) => Verdict::Failed(format!("{mismatch}{}", played.suspects)),
    }
}

/// All that could be checked holds; what could not is as listed, where the row is.
fn judge_counts(row: &Row, played: &Played<'_>) -> Verdict {
    let not_kept: Vec<&str> = played.not_kept.iter().copied().collect();
    match differences::not_kept_of(&row.id) {
        Some(listed) if listed != not_kept => {
            Verdict::Failed(format!("not kept are {not_kept:?}, and listed {listed:?}"))
        }
        _ if not_kept.is_empty() => Verdict::Passed,
        _ => Verdict::Deliberate(Kind::NotKept),
    }
}

fn is_defect(row: &Row) -> bool {
    row.tags.iter().any(|tag| tag == "defect")
}
