//! Writes an access log to standard output: some services, each of which fails for a while now and then.
//!
//! `cargo run -p breaker-replay --example generate -- --calls 1000000 > calls.jsonl`
//!
//! The picture in the README is of `--calls 720000 --services 1 --rate 100 --every 900 --lasts 240 --uneven`.

use std::{
    error::Error,
    io::{self, BufWriter, Write},
};

use clap::{Parser, ValueEnum};
use jiff::Timestamp;

#[derive(Parser)]
struct Arguments {
    /// The format of its lines
    #[arg(long, value_enum, default_value_t = Form::Json)]
    form: Form,
    /// So many calls
    #[arg(long, default_value_t = 20)]
    calls: u64,
    /// To so many services
    #[arg(long, default_value_t = 3)]
    services: u64,
    /// So many calls a second, of all services together
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// An outage comes so often, in seconds of the log
    #[arg(long, default_value_t = 600)]
    every: u64,
    /// And lasts so long
    #[arg(long, default_value_t = 60)]
    lasts: u64,
    /// Or less, by halves, down to a sixty-fourth of it
    #[arg(long)]
    uneven: bool,
    /// Of 1000 calls outside of an outage so many fail
    #[arg(long, default_value_t = 5)]
    noise: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the lines look like.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// JSON with our own names
    Json,
    /// nginx, combined and the usual upstream fields
    Nginx,
    /// nginx's log in JSON
    NginxJson,
    /// Envoy's log in JSON, as Istio has it
    EnvoyJson,
    /// AWS' Application Load Balancer
    Alb,
}

const NAMES: [&str; 8] = [
    "payments", "search", "users", "mail", "stock", "prices", "images", "audit",
];
/// The first call begins at 2026-11-02T08:00:00Z.
const BEGIN: u64 = 1_793_606_400_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut random = Random(arguments.seed);
    let gap = 1_000_000 / arguments.rate.max(1);
    for call in 0..arguments.calls {
        let micros = call * gap + random.below(gap.max(1));
        let service = random.below(arguments.services.max(1));
        let (status, millis) = answer(&arguments, &mut random, service, micros);
        let name = NAMES[(service % NAMES.len() as u64) as usize];
        let number = service / NAMES.len() as u64;
        let number = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        let made = Made {
            begun: BEGIN + micros,
            millis,
            service: format!("{name}{number}"),
            status,
            number: call,
        };
        writeln!(out, "{}", made.line(arguments.form)?)?;
    }
    out.flush()?;
    Ok(())
}

/// A call that is written down.
struct Made {
    /// In microseconds since 1970.
    begun: u64,
    millis: u64,
    service: String,
    status: u16,
    number: u64,
}

impl Made {
    fn line(&self, form: Form) -> Result<String, Box<dyn Error>> {
        let begun = Timestamp::from_microsecond(self.begun.try_into()?)?;
        // Most lines are written when the call is over.
        let ended = Timestamp::from_microsecond((self.begun + self.millis * 1000).try_into()?)?;
        let (service, status, number) = (&self.service, self.status, self.number);
        let took = format!("{}.{:03}", self.millis / 1000, self.millis % 1000);
        let client = format!("192.0.2.{}", number % 250);
        Ok(match form {
            Form::Json => format!(
                r#"{{"time":"{ended:.3}","service":"{service}","status":{status},"duration":{took}}}"#
            ),
            Form::Nginx => {
                let ended = ended.strftime("%d/%b/%Y:%H:%M:%S +0000");
                format!(
                    r#"{client} - - [{ended}] "GET /v1/items/{number} HTTP/1.1" {status} {} "-" "curl/8.5.0" {took} {service}:8080 {status} {took}"#,
                    number % 9000
                )
            }
            Form::NginxJson => {
                let ended = ended.strftime("%Y-%m-%dT%H:%M:%S+00:00");
                format!(
                    r#"{{"time":"{ended}","remote_addr":"{client}","request_method":"GET","request_uri":"/v1/items/{number}","status":"{status}","body_bytes_sent":"{}","request_time":"{took}","upstream_addr":"{service}:8080","upstream_status":"{status}","upstream_response_time":"{took}","http_user_agent":"curl/8.5.0"}}"#,
                    number % 9000
                )
            }
            Form::EnvoyJson => format!(
                r#"{{"authority":"{service}.shop.svc.cluster.local:8080","bytes_received":0,"bytes_sent":{},"connection_termination_details":null,"downstream_local_address":"10.12.0.17:8080","downstream_remote_address":"{client}:40210","duration":{},"method":"GET","path":"/v1/items/{number}","protocol":"HTTP/1.1","request_id":"6f1d0c55-1a2b-4c3d-9e8f-{number:012}","requested_server_name":null,"response_code":{status},"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"{begun:.3}","upstream_cluster":"outbound|8080||{service}.shop.svc.cluster.local","upstream_host":"{service}:8080","upstream_local_address":"10.12.0.17:53044","upstream_service_time":"{}","upstream_transport_failure_reason":null,"user_agent":"curl/8.5.0","x_forwarded_for":null}}"#,
                number % 9000,
                self.millis,
                self.millis
            ),
            Form::Alb => format!(
                r#"https {ended:.6} app/shop/50dc6c495c0c9188 {client}:40210 {service}:80 0.000 {took} 0.000 {status} {status} 34 366 "GET https://shop.example:443/v1/items/{number} HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "shop.example" "-" 1 {begun:.6} "forward" "-" "-" "{service}:80" "{status}" "-" "-""#
            ),
        })
    }
}

/// The status, and after how many milliseconds it came.
fn answer(arguments: &Arguments, random: &mut Random, service: u64, micros: u64) -> (u16, u64) {
    let every = arguments.every.max(1) * 1_000_000;
    // Each service has its outages at a time of its own.
    let since = micros + every - every * (service + 1) / (arguments.services.max(1) + 1);
    let lasts = (arguments.lasts * 1_000_000) >> halved(arguments, service, since / every);
    let is_out = micros > every / 8 && since % every < lasts;
    let millis = 5 + random.below(20) + random.below(20);
    match random.below(1000) {
        luck if is_out && luck < 300 => (504, 1000),
        luck if is_out && luck < 950 => (503, millis),
        luck if !is_out && luck < arguments.noise => (500, millis),
        luck if luck % 50 == 7 => (404, millis),
        _ => (200, millis),
    }
}

/// How often an outage is halved; each of the lengths comes once in seven.
fn halved(arguments: &Arguments, service: u64, outage: u64) -> u32 {
    // Coprime to 7, so that long and short ones follow one another.
    let place = (outage * 3 + service) % 7;
    if arguments.uneven { place as u32 } else { 0 }
}

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014): the same log for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        let number = breaker_core::mix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        number % bound
    }
}
