//! What a user can say about a log.

use jiff::tz::{Offset, TimeZone};

use super::{
    call::TimeIs,
    derive::Derive,
    formats::{Kind, Row},
    statuses::Range,
    time::{Missing, Times},
    unit::Unit,
};

/// What a user can say about a log. What is not said is the format's own.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "How to read the log")]
pub(crate) struct Options {
    /// The log's format [default: auto, told by its first lines]. Text: nginx, ingress-nginx, nginx-proxy-manager, apache,
    /// traefik, haproxy, envoy, istio, alb, elb, cloudfront, iis, w3c. JSON: json, nginx-json, traefik-json, envoy-json, caddy,
    /// gcp, azure, cloudflare, ecs, otlp. Others: csv, k6, vegeta, oha, hey. What Docker, Kubernetes or syslog put around the
    /// lines is taken off
    #[arg(
        long,
        default_value = "auto",
        value_name = "FORMAT",
        hide_default_value = true
    )]
    pub(crate) input: String,
    /// More formats, as rows of TOML; may be given several times. `--formats help` shows our own
    #[arg(long, value_name = "FILE")]
    pub(crate) formats: Vec<std::path::PathBuf>,
    /// Lines of text after this template, in nginx's notation: '$msec $upstream_addr $status $request_time'. It has nginx's
    /// defaults; with `--input apache` or `envoy` theirs
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) log_format: Option<String>,
    /// The name of the time [default: the format's own; in JSON and CSV time, timestamp or ts]
    #[arg(long, value_name = "NAME")]
    pub(crate) time: Option<String>,
    /// What has a circuit of its own: a name, or up to three with commas between [default: the format's own; in JSON and CSV
    /// service; of nginx and Envoy the upstream]. Of a request or URL `:host`, `:path`, `:method` or `:template` (the path with
    /// its numbers left out) takes a part: `host,request:template`
    #[arg(
        long,
        visible_alias = "key",
        value_name = "NAMES",
        value_delimiter = ','
    )]
    pub(crate) service: Vec<String>,
    /// The name of the HTTP status [default: the format's own; in JSON and CSV status; of nginx the upstream's]
    #[arg(long, value_name = "NAME")]
    pub(crate) status: Option<String>,
    /// The name of a gRPC status, a number or a name; it goes before the HTTP status
    #[arg(long, value_name = "NAME")]
    pub(crate) grpc_status: Option<String>,
    /// The name of a boolean that stands for the status [default: ok]
    #[arg(long, value_name = "NAME")]
    pub(crate) ok: Option<String>,
    /// The name of the duration [default: the format's own; in JSON and CSV duration]
    #[arg(long, value_name = "NAME")]
    pub(crate) duration: Option<String>,
    /// The name of the client that made a call: each has circuits of its own (--clients says how many at the most, 1000 if it
    /// does not)
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,
    /// The unit of a duration that is a bare number [default: the format's own, or s]
    #[arg(long, value_enum, value_name = "UNIT")]
    pub(crate) duration_unit: Option<Unit>,
    /// What a line's time is [default: the format's own, or end]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) time_is: Option<TimeIs>,
    /// The zone of times that name none: `+02:00`, or a name such as Europe/Zurich [default: UTC, and said so]
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub(crate) time_zone: Option<TimeZone>,
    /// The year of times that have none
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1970..=9998))]
    pub(crate) year: Option<i16>,
    /// These statuses are failures, besides 5xx without 501 and 505: `429`, `5xx` or `500-504`. 499 is a client that gave up,
    /// and counts as a failure only if it is given here
    #[arg(long, value_delimiter = ',', value_name = "STATUS")]
    pub(crate) failures: Vec<Range>,
    /// These statuses are successes, whatever is usual
    #[arg(long, value_delimiter = ',', value_name = "STATUS")]
    pub(crate) successes: Vec<Range>,
    /// Only calls that began at this time or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) from: Option<u64>,
    /// Only calls that began before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) to: Option<u64>,
    /// Only calls to this service; may be given several times
    #[arg(long, value_name = "SERVICE")]
    pub(crate) only: Vec<String>,
}

impl Options {
    /// The rows that may be this log's, with what the user said put in.
    ///
    /// # Errors
    ///
    /// Where what was said cannot be.
    pub(crate) fn rows(&self, all: &[Row]) -> Result<Vec<Row>, String> {
        if let Some(name) = self.status.as_deref()
            && name.to_ascii_lowercase().contains("grpc")
        {
            return Err(format!(
                "--status {name}: of gRPC 0 is a success; --grpc-status {name} reads it so"
            ));
        }
        if self.service.len() > 3 {
            return Err("--service takes three names at the most".to_owned());
        }
        let is_auto = self.input == "auto";
        let known = || all.iter().filter(|row| row.name == self.input);
        if !is_auto && known().next().is_none() {
            let mut names: Vec<_> = all.iter().map(|row| row.name.as_str()).collect();
            names.dedup();
            return Err(format!(
                "--input {}: there is no such format; there are auto, {}",
                self.input,
                names.join(", ")
            ));
        }
        let Some(template) = &self.log_format else {
            let rows: Vec<_> = all
                .iter()
                .filter(|row| is_auto || row.name == self.input)
                .map(|row| self.said(row.clone()))
                .collect();
            return Ok(rows);
        };
        let row = self.of_template(template, all)?;
        Ok(vec![self.said(row)])
    }

    /// The row of a template, which is as that of its format in everything else.
    fn of_template(&self, template: &str, all: &[Row]) -> Result<Row, String> {
        let is_auto = self.input == "auto";
        let base = if is_auto { "nginx" } else { &self.input };
        let base = all.iter().find(|row| row.name == base);
        let base = base.filter(|row| row.kind == Kind::Text).ok_or(
            "--log-format is for text: with --input nginx, apache, envoy or another format of text",
        )?;
        Ok(Row {
            name: "--log-format".to_owned(),
            about: "text after --log-format".to_owned(),
            template: Some(template.to_owned()),
            shapes: std::collections::BTreeMap::new(),
            vague: false,
            ..base.clone()
        })
    }

    /// A row with the names that the user gave in the place of its own.
    fn said(&self, mut row: Row) -> Row {
        let one = |name: &String| vec![name.clone()];
        if let Some(name) = &self.time {
            row.time = one(name);
            row.clock.clear();
        }
        if let Some(name) = &self.status {
            row.status = one(name);
            row.front.clear();
        }
        if let Some(name) = &self.grpc_status {
            row.grpc = one(name);
        }
        if let Some(name) = &self.client {
            row.client = one(name);
        }
        if let Some(name) = &self.ok {
            row.ok = one(name);
        }
        if let Some(name) = &self.duration {
            // A unit is one of the format's own names.
            let is_own = row
                .duration
                .iter()
                .any(|own| own.split(' ').next() == Some(name));
            if !is_own && self.input == "auto" && self.log_format.is_none() {
                row.unit = None;
            }
            row.duration = one(name);
        }
        let bare = |name: &String| vec![Derive::of(name).0.to_owned()];
        if let Some(name) = self.service.first() {
            row.service = bare(name);
            row.service2 = self.service.get(1).map(bare).unwrap_or_default();
            row.service3 = self.service.get(2).map(bare).unwrap_or_default();
        }
        row.unit = self.duration_unit.or(row.unit);
        row.time_is = self.time_is.or(row.time_is);
        row
    }

    /// The names that the user gave, each with its flag.
    pub(crate) fn given(&self) -> Vec<(&'static str, &str)> {
        let named = [
            ("--time", &self.time),
            ("--status", &self.status),
            ("--grpc-status", &self.grpc_status),
            ("--ok", &self.ok),
            ("--duration", &self.duration),
            ("--client", &self.client),
        ];
        let named = named
            .into_iter()
            .filter_map(|(flag, name)| Some((flag, name.as_deref()?)));
        let services = self
            .service
            .iter()
            .map(|name| ("--service", Derive::of(name).0));
        named.chain(services).collect()
    }

    /// When calls must have begun.
    pub(crate) fn period(&self) -> std::ops::Range<u64> {
        self.from.unwrap_or(0)..self.to.unwrap_or(u64::MAX)
    }

    pub(crate) fn derives(&self) -> [Derive; 3] {
        let derive = |place| {
            self.service
                .get(place)
                .map(|name: &String| Derive::of(name).1)
        };
        std::array::from_fn(|place| derive(place).unwrap_or_default())
    }

    pub(crate) fn times(&self, row: &Row) -> Times {
        let utc = row.utc.then_some(TimeZone::UTC);
        Times::new(Missing {
            zone: self.time_zone.clone().or(utc),
            year: self.year,
        })
    }
}

/// A time that the user gives: UTC, where it has no zone.
fn moment(text: &str) -> Result<u64, String> {
    let day = format!("{text}T00:00:00Z");
    let times = &mut Times::default();
    let found = times
        .parse(text.as_bytes())
        .or_else(|| times.parse(day.as_bytes()));
    found.ok_or_else(|| {
        "a time is 2026-10-10T13:55:36Z, 2026-10-10 or seconds since 1970".to_owned()
    })
}

fn zone(text: &str) -> Result<TimeZone, String> {
    if let Some(rest) = text.strip_prefix('+').or_else(|| text.strip_prefix('-')) {
        let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
        let seconds = match (hours.parse::<i32>(), minutes.parse::<i32>()) {
            (Ok(hours @ 0..=14), Ok(minutes @ 0..=59)) => hours * 3600 + minutes * 60,
            _ => return Err("an offset is +02:00".to_owned()),
        };
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let offset = Offset::from_seconds(sign * seconds).map_err(|error| error.to_string())?;
        return Ok(TimeZone::fixed(offset));
    }
    if matches!(text, "UTC" | "Z" | "GMT") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(text).map_err(|error| error.to_string())
}
