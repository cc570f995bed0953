//! Why a log cannot be read, and what to try: the line as it is, what it looks like, and the flags that help.

use super::{detect::Reader, formats, json, options::Options, plain::plain};

const SUMMARY: &str = "It has no calls of their own. hey -o csv, oha --output-format csv, vegeta encode and k6 --out json write them; wrk cannot";
const LOGFMT: &str = "As a template it can be read: --log-format 'time=$time … status=$status … duration=$duration' --time time --status status --duration duration";
const HEADER: &str = "The header must name a time and a status: --time, --status and --duration say how they are called";
const TEXT: &str = "--log-format '$remote_addr [$time_local] $status $request_time' says where things stand, with a $name for each; --time, --service, --status and --duration say what the names mean; --input names a format";
/// So many characters of a line are shown.
const SHOWN: usize = 120;

/// Of lines none of which is a call.
pub(crate) fn of(options: &Options, sample: &[&[u8]]) -> String {
    let Some(first) = sample.first() else {
        return "no line of it can be read".to_owned();
    };
    let (looks, help) = told(options, sample, first);
    format!(
        "no line is a call of a format that is known. The first one is\n  {}\nIt looks like {looks}.\n{help}",
        cut(first)
    )
}

/// A line as it can be shown.
pub(crate) fn cut(line: &[u8]) -> String {
    let text = plain(&String::from_utf8_lossy(line));
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn told(options: &Options, sample: &[&[u8]], first: &[u8]) -> (String, String) {
    if let Some(missing) = without_year(options, sample).or_else(|| without_names(options, sample))
    {
        return missing;
    }
    let line = first.trim_ascii();
    if line.starts_with(b"[") && (line.len() == 1 || matches!(line.get(1), Some(b'{' | b' '))) {
        return (
            "a JSON array".to_owned(),
            "An object a line is read: jq -c '.[]' FILE | breaker-replay".to_owned(),
        );
    }
    if line.starts_with(b"{") {
        return object(sample);
    }
    let has = |text: &str| {
        sample
            .iter()
            .any(|line| memchr::memmem::find(line, text.as_bytes()).is_some())
    };
    if has("Latency Distribution") || has("requests in ") && has("read") || has("Summary:") {
        return (
            "the summary of a load generator".to_owned(),
            SUMMARY.to_owned(),
        );
    }
    let pairs = line.split(|byte| *byte == b' ');
    if pairs.filter(|word| word.contains(&b'=')).count() >= 3 {
        return ("logfmt".to_owned(), LOGFMT.to_owned());
    }
    let commas = line.iter().filter(|byte| **byte == b',').count();
    if commas >= 2 && !line.contains(&b'"') {
        return ("CSV".to_owned(), HEADER.to_owned());
    }
    ("plain text".to_owned(), TEXT.to_owned())
}

/// Where the log would be read if somebody said which year it is.
fn without_year(options: &Options, sample: &[&[u8]]) -> Option<(String, String)> {
    if options.year.is_some() {
        return None;
    }
    let told = Options {
        year: Some(2000),
        ..options.clone()
    };
    let reader = Reader::detect(&told, &formats::table(&[]).ok()?, sample).ok()??;
    let help = "Its times have no year: --year 2026 says which".to_owned();
    Some((reader.told.about, help))
}

/// Where the log would be read but for the names that the user gave.
fn without_names(options: &Options, sample: &[&[u8]]) -> Option<(String, String)> {
    let given = options.given();
    if given.is_empty() {
        return None;
    }
    let plain = Options {
        input: options.input.clone(),
        log_format: options.log_format.clone(),
        year: options.year,
        ..Options::default()
    };
    let rows = formats::table(&[]).ok()?;
    let reader = Reader::detect(&plain, &rows, sample).ok()??;
    let names = match reader.cutter.known() {
        Some(names) => names,
        None => sample
            .iter()
            .map(|line| json::names(line))
            .find(|names| !names.is_empty())?,
    };
    let unknown: Vec<_> = given
        .iter()
        .filter(|(_, name)| !names.iter().any(|known| known == name))
        .map(|(flag, name)| format!("{flag} {name}"))
        .collect();
    Some((
        reader.told.about,
        format!(
            "It has {}; there is no {}",
            names.join(", "),
            unknown.join(", ")
        ),
    ))
}

fn object(sample: &[&[u8]]) -> (String, String) {
    let names = sample
        .iter()
        .map(|line| json::names(line))
        .find(|names| !names.is_empty());
    match names {
        Some(names) => (
            format!("JSON that has {}", plain(&names.join(", "))),
            "--time, --status (or --ok), --service and --duration name what they stand for; --duration-unit says the unit".to_owned(),
        ),
        None => (
            "JSON over several lines, or broken off".to_owned(),
            "An object a line is read: jq -c . FILE | breaker-replay".to_owned(),
        ),
    }
}
