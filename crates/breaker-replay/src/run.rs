//! One run: reads, replays, and says what came out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Arguments, Output},
    configs,
    input::{
        Call, How, Interrupt, Logs, OURS, Options, Present, Seen, Services, formats, plain_json,
        plain_lines,
    },
    outputs,
    replay::{Lane, Replay},
    report::{self, Doubtful, Report},
    suggest::{self, Prices, Suggestion},
};

/// Of the calls that come too late so many are borne, in percent.
const LATE: u64 = 1;

/// Replays, writes the files that were asked for, and gives what to print.
///
/// # Errors
///
/// Why nothing could be replayed, or written.
pub(crate) fn run(arguments: &Arguments) -> Result<String, String> {
    if arguments
        .input
        .formats
        .iter()
        .any(|path| path.as_os_str() == "help")
    {
        return Ok(OURS.to_owned());
    }
    outputs::check(arguments)?;
    let report = replayed(arguments)?;
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, text()).map_err(|error| at(path, &error)),
        None => Ok(()),
    };
    write(&arguments.report, &|| report::html(&report, arguments.top))?;
    write(&arguments.svg, &|| report::svg(&report, arguments.top))?;
    match arguments.format {
        Output::Table => Ok(plain_lines(&report::table(&report, arguments.top))),
        Output::Json => {
            let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
            Ok(plain_json(&text) + "\n")
        }
    }
}

fn replayed(arguments: &Arguments) -> Result<Report, String> {
    let configs = configs::all(arguments)?;
    let candidates = if arguments.suggest {
        suggest::candidates()?
    } else {
        vec![]
    };
    let own = own_formats(&arguments.input)?;
    let rows = formats(&own)?;
    let how = How {
        options: &arguments.input,
        rows: &rows,
    };
    let interrupt = listen()?;
    let lanes = configs.iter().map(|named| Lane::detailed(named.config));
    let priced = candidates.iter().map(|(_, config)| Lane::priced(*config));
    let mut replay = Replay::new(lanes.chain(priced).collect(), arguments.window as usize);
    let mut read = Reading::new(arguments, how, interrupt)?;
    read.all(|call| replay.push(call))?;
    let Reading {
        services,
        mut seen,
        doubtful,
        ..
    } = read;
    let mut replayed = replay.finish();
    let is_timed = replayed.facts.iter().any(|facts| facts.timed > 0);
    seen.doubt_options(&arguments.input, is_timed);
    let late = replayed.disorder.late;
    let calls = late + replayed.facts.iter().map(|facts| facts.calls).sum::<u64>();
    if late * 100 > calls * LATE {
        return Err(format!(
            "{late} of {calls} calls came too late to be put in order: sort the log by time, or let more lines be held (--window)"
        ));
    }
    let prices = Prices {
        harm: arguments.harm_price,
        waste: arguments.waste_price,
    };
    let suggestion = if arguments.suggest {
        Suggestion::new(candidates, prices, &mut replayed)
    } else {
        None
    };
    let names: Vec<_> = configs.into_iter().map(|named| named.name).collect();
    let nothing = nothing(&seen, &services, &arguments.input);
    Report::new(seen, doubtful, &services, &names, replayed, suggestion).ok_or(nothing)
}

/// Reads all logs, once.
struct Reading<'a> {
    arguments: &'a Arguments,
    logs: Logs<'a>,
    services: Services,
    seen: Seen,
    doubtful: Doubtful,
}

impl<'a> Reading<'a> {
    fn new(arguments: &'a Arguments, how: How<'a>, interrupt: Interrupt) -> Result<Self, String> {
        let stdin = [PathBuf::from("-")];
        let files = if arguments.files.is_empty() {
            &stdin[..]
        } else {
            &arguments.files[..]
        };
        Ok(Self {
            arguments,
            logs: Logs::new(files, how, interrupt)?,
            services: Services::new(arguments.max_services as usize, &arguments.input.only),
            seen: Seen::default(),
            doubtful: Doubtful::default(),
        })
    }

    fn all(&mut self, mut give: impl FnMut(Call)) -> Result<(), String> {
        let mut present = Present::default();
        let doubtful = &mut self.doubtful;
        let mut take = |call: Call| {
            doubtful.see(&call);
            give(call);
        };
        loop {
            let call = self.logs.next(&mut self.services, &mut self.seen)?;
            if self.arguments.strict {
                strict(&self.seen, &self.arguments.files)?;
            }
            match call.filter(|_| !self.logs.is_interrupted()) {
                Some(call) => present.push(call, &mut take),
                None => break,
            }
        }
        present.finish(&mut take);
        doubtful.aside = present.aside;
        doubtful.aside_first = present.first;
        Ok(())
    }
}

fn strict(seen: &Seen, files: &[PathBuf]) -> Result<(), String> {
    if let Some(cut_off) = seen.cut_off.first() {
        return Err(cut_off.clone());
    }
    match (seen.first_bad.first(), files) {
        (None, _) => Ok(()),
        (Some(bad), [file]) => Err(format!("{}: {bad}", file.display())),
        (Some(bad), _) if bad.file.is_some() => Err(bad.to_string()),
        (Some(bad), _) => Err(format!("-: {bad}")),
    }
}

fn own_formats(options: &Options) -> Result<Vec<String>, String> {
    let texts = options.formats.iter();
    texts
        .map(|path| {
            let text = fs::read_to_string(path).map_err(|error| at(path, &error))?;
            formats(std::slice::from_ref(&text))
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(text)
        })
        .collect()
}

/// The first Ctrl-C ends the log where it is, the second one the program.
fn listen() -> Result<Interrupt, String> {
    let interrupt = Interrupt::default();
    let heard = interrupt.clone();
    let handle = move || {
        if heard.is_set() {
            std::process::exit(130);
        }
        heard.set();
    };
    ctrlc::set_handler(handle).map_err(|error| format!("Ctrl-C: {error}"))?;
    Ok(interrupt)
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Why there is nothing to report.
fn nothing(seen: &Seen, services: &Services, options: &Options) -> String {
    let reason = match seen.first_bad.first() {
        _ if seen.lines == 0 => ": it is empty".to_owned(),
        Some(bad) => format!(
            ": {} of {} lines could not be read, the first being {bad}",
            seen.bad, seen.lines
        ),
        None if services.left_out > 0 => ": all services are left out".to_owned(),
        None if seen.outside > 0 => {
            format!(": all {} are outside of --from and --to", seen.outside)
        }
        None if !options.only.is_empty() => {
            format!(
                ": there is no service {} (--only)",
                options.only.join(" or ")
            )
        }
        None => String::new(),
    };
    let year = if seen.yearless {
        "; its times have no year (--year says which)"
    } else {
        ""
    };
    format!("no call in the log{reason}{year}")
}
