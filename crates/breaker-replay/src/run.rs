//! One run: reads, replays, and says what came out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use breaker_core::Checked;

use crate::{
    cli::{Arguments, Output},
    configs,
    input::{
        Call, How, Logs, OURS, Opening, Options, Present, Row, Seen, Services, formats, plain_json,
        plain_lines,
    },
    interrupt::Interrupt,
    keys::Scope,
    outputs,
    replay::{Lane, Replay, Replayed, Split},
    report::{self, Doubtful, Found, Report},
    suggest::{self, Prices, Suggestion},
};

/// Of the calls that come too late so many are borne, in percent.
const LATE: u64 = 1;

/// What is to be printed, and which `--fail-if` holds.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) failed: Option<String>,
}

/// Replays, writes the files that were asked for, and gives what to print.
///
/// # Errors
///
/// Why nothing could be replayed, or written.
pub(crate) fn run(arguments: &Arguments, interrupt: &Interrupt) -> Result<Said, String> {
    if arguments
        .input
        .formats
        .iter()
        .any(|path| path.as_os_str() == "help")
    {
        return Ok(Said {
            text: OURS.to_owned(),
            failed: None,
        });
    }
    outputs::check(arguments)?;
    let report = replayed(arguments, interrupt)?;
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, text()).map_err(|error| at(path, &error)),
        None => Ok(()),
    };
    write(&arguments.report, &|| report::html(&report, arguments.top))?;
    write(&arguments.svg, &|| report::svg(&report, arguments.top))?;
    let text = match arguments.format {
        Output::Table => plain_lines(&report::table(&report, arguments.top)),
        Output::Json => {
            let text = serde_json::to_string(&report).map_err(|error| error.to_string())?;
            plain_json(&text) + "\n"
        }
    };
    let failed = arguments
        .fail_if
        .iter()
        .find_map(|condition| condition.holds(&report));
    Ok(Said { text, failed })
}

fn replayed(arguments: &Arguments, interrupt: &Interrupt) -> Result<Report, String> {
    let configs = configs::all(arguments)?;
    let rows = formats(&own_formats(&arguments.input)?)?;
    let pass = Pass {
        arguments,
        options: &arguments.input,
        rows: &rows,
        interrupt,
    };
    if !arguments.suggest_key.is_empty() && !pass.can_be_read_again() {
        return Err(AGAIN.to_owned());
    }
    let (candidates, mark) = if arguments.suggest {
        (suggest::candidates()?, pass.mark()?)
    } else {
        (vec![], None)
    };
    let clients = arguments.clients();
    let lanes = configs
        .iter()
        .map(|named| Lane::detailed(named.config.clone(), clients));
    let split = Split::new(mark);
    let priced = candidates.iter();
    let priced = priced.map(|(_, config)| Lane::priced(config.clone(), clients, split.clone()));
    let (mut replayed, read) = pass.replay(lanes.chain(priced).collect())?;
    let prices = Prices {
        harm: arguments.harm_price,
        waste: arguments.waste_price,
    };
    let suggestion = if arguments.suggest {
        Suggestion::new(candidates, prices, &mut replayed, mark)
    } else {
        None
    };
    let names = configs.iter().map(|named| named.name.clone()).collect();
    let mut report = read.report(names, prices, replayed, suggestion)?;
    if let (Some(first), [_, ..]) = (configs.first(), &arguments.suggest_key[..]) {
        report.scopes = pass.scopes(&first.config, prices)?;
    }
    Ok(report)
}

const AGAIN: &str =
    "--suggest-key reads the logs several times, and needs files that are not followed";

/// One way through all logs.
struct Pass<'a> {
    arguments: &'a Arguments,
    options: &'a Options,
    rows: &'a [Row],
    interrupt: &'a Interrupt,
}

impl<'a> Pass<'a> {
    fn replay(&self, lanes: Vec<Lane>) -> Result<(Replayed, Reading<'a>), String> {
        let mut replay = Replay::new(lanes, self.arguments.window as usize);
        let mut read = Reading::new(self)?;
        read.all(|call| replay.push(call))?;
        let replayed = replay.finish();
        let late = replayed.disorder.late;
        let calls = late + replayed.facts.iter().map(|facts| facts.calls).sum::<u64>();
        if late * 100 > calls * LATE {
            return Err(format!(
                "{late} of {calls} calls came too late to be put in order: sort the log by time, or let more lines be held (--window)"
            ));
        }
        Ok((replayed, read))
    }

    /// Where the first part of the log ends, if it can be read twice.
    fn mark(&self) -> Result<Option<u64>, String> {
        if !self.can_be_read_again() {
            return Ok(None);
        }
        let (replayed, _) = self.replay(vec![])?;
        Ok(replayed.span.map(|(from, to)| suggest::mark(from, to)))
    }

    fn can_be_read_again(&self) -> bool {
        let files = &self.arguments.files;
        !self.arguments.follow && !files.is_empty() && files.iter().all(|path| path.is_file())
    }

    /// The same calls with circuits of other scopes.
    fn scopes(&self, config: &Checked, prices: Prices) -> Result<Vec<Scope>, String> {
        let own = match &self.options.service[..] {
            [] => "service".to_owned(),
            names => names.join(","),
        };
        let keys = self.arguments.suggest_key.iter();
        let keys = [(own, self.options.service.clone())]
            .into_iter()
            .chain(keys.map(|key| (key.clone(), key.split(',').map(str::to_owned).collect())));
        keys.map(|(key, service)| {
            let options = Options {
                service,
                ..self.options.clone()
            };
            let pass = Pass {
                options: &options,
                ..*self
            };
            let (replayed, read) = pass.replay(vec![Lane::detailed(
                config.clone(),
                self.arguments.clients(),
            )])?;
            match read.seen.doubts.first() {
                Some(doubt) if !key.is_empty() => Err(format!("--suggest-key {key}: {doubt}")),
                _ => Ok(Scope::new(&key, replayed, prices)),
            }
        })
        .collect()
    }
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
    fn new(pass: &Pass<'a>) -> Result<Self, String> {
        let arguments = pass.arguments;
        let how = How {
            options: pass.options,
            rows: pass.rows,
        };
        let opening = Opening {
            interrupt: pass.interrupt.clone(),
            is_followed: arguments.follow,
        };
        let stdin = [PathBuf::from("-")];
        let files = if arguments.files.is_empty() {
            &stdin[..]
        } else {
            &arguments.files[..]
        };
        Ok(Self {
            arguments,
            logs: Logs::new(files, how, opening)?,
            services: Services::new(
                arguments.max_services as usize,
                &pass.options.only,
                arguments.clients(),
            ),
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
            match call {
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

impl Reading<'_> {
    /// What is said of it.
    fn report(
        self,
        names: Vec<String>,
        prices: Prices,
        replayed: Replayed,
        suggestion: Option<Suggestion>,
    ) -> Result<Report, String> {
        let Self {
            arguments,
            services,
            mut seen,
            doubtful,
            ..
        } = self;
        let is_timed = replayed.facts.iter().any(|facts| facts.timed > 0);
        seen.doubt_options(&arguments.input, is_timed);
        seen.doubt_clients(services.clients.shared);
        let nothing = nothing(&seen, &services, &arguments.input);
        let found = Found {
            seen,
            doubtful,
            services,
            names,
            prices,
            clients: arguments.clients(),
        };
        Report::new(found, replayed, suggestion).ok_or(nothing)
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
