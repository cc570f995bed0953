//! What a log was taken for, and what of it did not make it into the replay or may be wrong.

use super::{
    model::LogPart,
    words::{count, counted, span},
};
use crate::input::{Told, plain, show};

/// What each log was taken for; one line for all that were taken for the same.
pub(crate) fn read_as(log: &LogPart) -> Vec<String> {
    let mut lines: Vec<(String, u64)> = vec![];
    let formats = &log.seen.formats;
    let first = formats.iter().filter(|told| told.from_line.is_none());
    let several = first.clone().count() > 1;
    for told in first {
        let line = of(told);
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, files)) => *files += 1,
            None => lines.push((line, 1)),
        }
    }
    let from_start = lines.into_iter().map(|(line, files)| match files {
        _ if several => format!("{} read as {line}", counted(files, "file")),
        _ => format!("Read as {line}"),
    });
    let later = formats.iter().filter_map(|told| {
        let file = told.file.as_ref();
        let file = file.map_or(String::new(), |file| format!(" of {}", plain(file)));
        let line = count(told.from_line?);
        Some(format!("From line {line}{file} on read as {}", of(told)))
    });
    from_start.chain(later).collect()
}

fn of(told: &Told) -> String {
    let wrapped = told
        .wrapped
        .map_or(String::new(), |wrapped| format!(" {wrapped}"));
    let first = if told.from_line.is_some() {
        "next"
    } else {
        "first"
    };
    let sure = if told.fit == told.of {
        String::new()
    } else {
        format!(", {} of the {first} {} lines are", told.fit, told.of)
    };
    format!("{}{wrapped}{sure}.", plain(&told.about))
}

/// What makes one doubt, or is left out.
pub(crate) fn doubts(log: &LogPart) -> Vec<String> {
    let seen = &log.seen;
    let mut doubts = vec![];
    bad_lines(log, &mut doubts);
    doubts.extend(odd_lines(log));
    let told = seen.doubts.iter().chain(&seen.cut_off);
    doubts.extend(told.map(|doubt| plain(doubt)));
    doubts.extend(counts(log));
    doubts.extend(long_calls(log));
    if seen.twofold {
        doubts.push(TWOFOLD.to_owned());
    }
    if seen.zoneless {
        doubts.push("The times name no zone, and are taken for UTC (--time-zone)".to_owned());
    }
    doubts
}

const TWOFOLD: &str = "Clocks go back in this log: a time that comes twice is taken for the one nearer to the line before";

/// Lines that were read, but may have been understood wrongly.
fn odd_lines(log: &LogPart) -> Option<String> {
    let first = log.seen.first_odd.as_ref()?;
    let file = first.file.as_ref();
    let file = file.map_or(String::new(), |file| format!(" of {}", plain(file)));
    Some(format!(
        "Read, though not quite of this format: {}, the first being line {}{file}",
        counted(log.seen.odd, "line"),
        count(first.line)
    ))
}

/// Calls that are left out, or are not taken as the log has them.
fn counts(log: &LogPart) -> impl Iterator<Item = String> {
    let first = log.first_set_aside;
    let first = first.map_or(String::new(), |first| show(first.0));
    let aside = format!("left out, far from the time of all others (the first at {first})");
    let all = [
        (log.set_aside, "call", aside.as_str()),
        (
            log.left_out,
            "call",
            "to services beyond the limit left out (--max-services)",
        ),
        (
            log.disorder.late,
            "call",
            "left out, which came too late to be put in order (--window)",
        ),
        (
            log.disorder.long,
            "long call",
            "taken to begin later, because the log says so only after the window (--window)",
        ),
        (
            log.crowded,
            "call",
            "taken to end at once, because too many were under way",
        ),
        (
            log.seen.retried,
            "line",
            "with several attempts, each of which is a call of its own here",
        ),
    ];
    let told = all.map(|(number, what, rest)| {
        (number > 0).then(|| format!("{} {rest}", counted(number, what)))
    });
    told.into_iter().flatten()
}

fn long_calls(log: &LogPart) -> Option<String> {
    let which = if log.outlasted {
        "Most calls last longer than the whole log".to_owned()
    } else if log.beyond_an_hour > 0 {
        format!(
            "{} longer than an hour",
            counted(log.beyond_an_hour, "call")
        )
    } else {
        return None;
    };
    Some(format!(
        "{which}, the longest {}: is the unit right (--duration-unit)?",
        span(log.longest.0)
    ))
}

fn bad_lines(log: &LogPart, doubts: &mut Vec<String>) {
    if log.seen.bad == 0 {
        return;
    }
    doubts.push(format!(
        "{} could not be read:",
        counted(log.seen.bad, "line")
    ));
    let shown = log.seen.first_bad.iter();
    doubts.extend(shown.map(|bad| format!("  {}", plain(&bad.to_string()))));
    let more = log.seen.bad - log.seen.first_bad.len() as u64;
    if more > 0 {
        doubts.push(format!("  and {} more", count(more)));
    }
}
