//! The formats of logs.

use super::{
    call::{Reading, Statuses, TimeIs},
    csv::Csv,
    fields::{Field, Fields, Names},
    json,
    template::{COMBINED, ENVOY, Template},
    time::{Times, Unit},
};

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Told by the first line
    Auto,
    /// An object a line
    Json,
    /// With a header
    Csv,
    /// nginx's combined format, upstream fields may follow
    Nginx,
    /// The same of Apache, whose time is that of the start
    Apache,
    /// Envoy's default format
    Envoy,
    /// An object a line, with Envoy's usual names
    EnvoyJson,
}

/// What a user can say about a log. What is not said is the format's own.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "How to read the log")]
pub(crate) struct Options {
    /// The log's format
    #[arg(long, value_enum, default_value = "auto", value_name = "FORMAT")]
    pub(crate) input: Format,
    /// Lines of text after this template, in nginx's notation: '$msec $upstream_addr $status $request_time'. It has nginx's
    /// defaults; with `--input apache` or `envoy` theirs
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) log_format: Option<String>,
    /// The name of the time [default: time; in text the format's own]
    #[arg(long, value_name = "NAME")]
    time: Option<String>,
    /// The name of what has a circuit of its own [default: service; in text the upstream's address]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The name of the HTTP status [default: status; in text the upstream's, or the response's]
    #[arg(long, value_name = "NAME")]
    status: Option<String>,
    /// The name of a boolean that stands for the status [default: ok]
    #[arg(long, value_name = "NAME")]
    ok: Option<String>,
    /// The name of the duration [default: duration; in text the upstream's, or the response's]
    #[arg(long, value_name = "NAME")]
    duration: Option<String>,
    /// The unit of a duration that is a bare number [default: s; of Envoy ms]
    #[arg(long, value_enum, value_name = "UNIT")]
    duration_unit: Option<Unit>,
    /// What a line's time is [default: end; of Apache and Envoy start]
    #[arg(long, value_enum, value_name = "WHEN")]
    time_is: Option<TimeIs>,
    /// These statuses are failures, besides 5xx without 501 and 505 [499 is a client that gave up]
    #[arg(long, value_delimiter = ',', value_name = "STATUS")]
    failures: Vec<u16>,
}

/// Cuts lines into fields.
pub(crate) enum Cutter {
    Json(Names),
    Csv(Box<Csv>),
    Text(Template),
}

impl Cutter {
    /// The fields of a line.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(crate) fn fields<'a>(&'a mut self, line: &'a [u8]) -> Result<Fields<'a>, String> {
        match self {
            Self::Json(names) => json::fields(line, names).map_err(|error| {
                // It takes what it was given for a whole text, and this for its first line.
                let text = error
                    .to_string()
                    .replace(" at line 1 column ", ", at column ");
                format!("it is no JSON object: {text}")
            }),
            Self::Csv(csv) => csv
                .fields(line)
                .ok_or_else(|| "it has not as many columns as the header".to_owned()),
            Self::Text(template) => template
                .fields(line)
                .ok_or_else(|| "it does not begin as the format does".to_owned()),
        }
    }

    /// Whether the first line is no call.
    pub(crate) const fn has_header(&self) -> bool {
        matches!(self, Self::Csv(_))
    }
}

impl Options {
    /// How to read a log that begins with this line.
    ///
    /// # Errors
    ///
    /// Where the template is none, or the header lacks a column.
    pub(crate) fn reader(&self, first: &[u8]) -> Result<(Cutter, Reading), String> {
        let format = match self.input {
            Format::Auto if self.log_format.is_some() => Format::Nginx,
            Format::Auto => told_by(first),
            format => format,
        };
        let cutter = self.cutter(format, first)?;
        let is_envoy = matches!(format, Format::Envoy | Format::EnvoyJson);
        let (unit, time_is) = match format {
            Format::Envoy | Format::EnvoyJson => (Unit::Ms, TimeIs::Start),
            Format::Apache => (Unit::S, TimeIs::Start),
            _ => (Unit::S, TimeIs::End),
        };
        let has_service =
            !matches!(&cutter, Cutter::Text(template) if !template.has(Field::Service));
        let reading = Reading {
            times: Times::default(),
            time_is: self.time_is.unwrap_or(time_is),
            unit: self.duration_unit.unwrap_or(unit),
            statuses: Statuses::new(&self.failures),
            nameless: if has_service {
                "(no service)"
            } else {
                "all calls"
            },
            has_lists: matches!(cutter, Cutter::Text(_)) && !is_envoy,
        };
        Ok((cutter, reading))
    }

    fn cutter(&self, format: Format, first: &[u8]) -> Result<Cutter, String> {
        let template = |usual| self.log_format.as_deref().unwrap_or(usual);
        let is_text = matches!(format, Format::Nginx | Format::Apache | Format::Envoy);
        if self.log_format.is_some() && !is_text {
            return Err("--log-format is for text: with --input nginx, apache or envoy".to_owned());
        }
        Ok(match format {
            Format::Csv => Cutter::Csv(Box::new(Csv::new(first, &self.names(PLAIN))?)),
            Format::EnvoyJson => Cutter::Json(self.names(OF_ENVOY)),
            Format::Envoy => Cutter::Text(self.template(template(ENVOY), envoy_variable)?),
            Format::Nginx | Format::Apache => {
                Cutter::Text(self.template(template(COMBINED), nginx_variable)?)
            }
            Format::Json | Format::Auto => Cutter::Json(self.names(PLAIN)),
        })
    }

    fn names(&self, usual: [&str; 6]) -> Names {
        let said = [
            &self.time,
            &self.service,
            &self.status,
            &self.ok,
            &self.duration,
            &None,
        ];
        let mut names = usual
            .into_iter()
            .zip(said)
            .map(|(usual, said)| said.clone().unwrap_or_else(|| usual.to_owned()));
        Names::new(NAMED.map(|field| (field, names.next().unwrap_or_default())))
    }

    fn template(
        &self,
        template: &str,
        usual: fn(&str) -> Option<Field>,
    ) -> Result<Template, String> {
        let said = [
            &self.time,
            &self.service,
            &self.status,
            &self.ok,
            &self.duration,
        ];
        let field = |name: &str| {
            let mut said = NAMED.into_iter().zip(said);
            let is_said = |field: Field| {
                NAMED
                    .into_iter()
                    .zip(self.said())
                    .any(|(of, said)| of == field && said)
            };
            said.find(|(_, said)| said.as_deref() == Some(name))
                .map(|(field, _)| field)
                .or_else(|| usual(name).filter(|field| !is_said(alike(*field))))
        };
        let made = Template::new(template, field)?;
        if !made.has(Field::Time) {
            return Err("the template has no time; name its variable with --time".to_owned());
        }
        Ok(made)
    }

    fn said(&self) -> [bool; 5] {
        [
            &self.time,
            &self.service,
            &self.status,
            &self.ok,
            &self.duration,
        ]
        .map(Option::is_some)
    }
}

/// The fields that have a name of the user's choice, and Envoy's flags.
const NAMED: [Field; 6] = [
    Field::Time,
    Field::Service,
    Field::Status,
    Field::Ok,
    Field::Duration,
    Field::Flags,
];
/// Their usual names; flags are Envoy's alone.
const PLAIN: [&str; 6] = [
    "time",
    "service",
    "status",
    "ok",
    "duration",
    "response_flags",
];
const OF_ENVOY: [&str; 6] = [
    "start_time",
    "upstream_cluster",
    "response_code",
    "ok",
    "duration",
    "response_flags",
];

/// Where the user names the one, the other falls away too.
const fn alike(field: Field) -> Field {
    match field {
        Field::OtherStatus => Field::Status,
        Field::OtherDuration => Field::Duration,
        field => field,
    }
}

fn nginx_variable(name: &str) -> Option<Field> {
    Some(match name {
        "time_local" | "time_iso8601" | "msec" => Field::Time,
        "upstream_addr" => Field::Service,
        "upstream_status" => Field::Status,
        "status" => Field::OtherStatus,
        "upstream_response_time" => Field::Duration,
        "request_time" => Field::OtherDuration,
        _ => return None,
    })
}

fn envoy_variable(name: &str) -> Option<Field> {
    Some(match name {
        "start_time" => Field::Time,
        "upstream_host" => Field::Service,
        "response_code" => Field::Status,
        "response_flags" => Field::Flags,
        "duration" => Field::Duration,
        _ => return None,
    })
}

/// The format of a log that begins so.
fn told_by(first: &[u8]) -> Format {
    let has = |text: &str| memchr::memmem::find(first, text.as_bytes()).is_some();
    match first.trim_ascii_start() {
        [b'{', ..] if has("\"start_time\"") && has("\"response_code\"") => Format::EnvoyJson,
        [b'{', ..] => Format::Json,
        [b'[', ..] => Format::Envoy,
        _ if has(" [") && has("] \"") => Format::Nginx,
        line if line.contains(&b',') => Format::Csv,
        _ => Format::Json,
    }
}
