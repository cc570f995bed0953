//! Formats with columns.

use super::{BEGIN, Durations, Made, RFC, Written, time};

const PLAIN: Written = Written {
    about: "",
    has_services: false,
    has_given_up: false,
    durations: Durations::Within(1),
    is_coarse: false,
    is_relative: false,
    head: "",
    line: csv,
};

fn csv(made: &Made) -> String {
    format!(
        "{},{},{},{}\n",
        time(made.end, RFC),
        made.host,
        made.status,
        made.seconds()
    )
}

/// Seconds since the first call.
fn since(millis: u64) -> String {
    let millis = millis - BEGIN;
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

pub(super) fn all() -> Vec<Written> {
    vec![
        Written {
            about: "CSV with a header",
            has_services: true,
            has_given_up: true,
            head: "time,service,status,duration\n",
            ..PLAIN
        },
        Written {
            about: "IIS, W3C extended",
            has_given_up: false,
            has_services: true,
            is_coarse: true,
            head: "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-10-10 13:00:00\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-host c-ip sc-status sc-substatus sc-win32-status time-taken\n",
            line: |made| {
                let (at, status, took) = (
                    time(made.end, "%Y-%m-%d %H:%M:%S"),
                    made.plain_status(),
                    made.took,
                );
                // The fields change in the middle of the outage, as they do when somebody ticks another box.
                let change = if made.number == 200 {
                    "#Fields: date time cs-host cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken s-ip\n"
                } else {
                    ""
                };
                if made.number < 200 {
                    format!(
                        "{at} 10.0.0.1 GET / - 443 {} 192.0.2.1 {status} 0 0 {took}\n",
                        made.host
                    )
                } else {
                    format!(
                        "{change}{at} {} Mozilla/5.0+(X11) {status} 0 64 {took} 10.0.0.1\n",
                        made.host
                    )
                }
            },
            ..PLAIN
        },
        Written {
            about: "AWS CloudFront",
            has_services: true,
            has_given_up: true,
            is_coarse: true,
            head: "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) x-edge-result-type x-host-header time-taken\n",
            line: |made| {
                let status = if made.status == 499 {
                    "000".to_owned()
                } else {
                    made.status.to_string()
                };
                format!(
                    "{}\tFRA2\t512\t192.0.2.1\tGET\td1.cloudfront.net\t/\t{status}\t-\tMiss\t{}\t{}\n",
                    time(made.end, "%Y-%m-%d\t%H:%M:%S"),
                    made.host,
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "W3C extended",
            has_services: true,
            has_given_up: true,
            is_coarse: true,
            head: "#Version: 1.0\n#Fields: date time c-ip cs-host cs-method sc-status time-taken\n",
            line: |made| {
                format!(
                    "{} 192.0.2.1 {} GET {} {}\n",
                    time(made.end, "%Y-%m-%d %H:%M:%S"),
                    made.host,
                    made.status,
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "k6's results, CSV",
            has_services: true,
            is_coarse: true,
            head: "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n",
            line: |made| {
                let row = |metric: &str, value: &str| {
                    format!(
                        "{metric},{},{value},,,,true,,GET,{},HTTP/1.1,default,,{},,,http://shop/,,\n",
                        made.end / 1000,
                        made.host,
                        if made.status == 502 {
                            0
                        } else {
                            made.plain_status()
                        }
                    )
                };
                row("http_reqs", "1.000000")
                    + &row("http_req_duration", &format!("{}.000000", made.took))
            },
            ..PLAIN
        },
        Written {
            about: "oha's results, CSV",
            is_relative: true,
            head: "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status\n",
            line: |made| {
                format!(
                    "{},0.001,0.002,{},{},512,{}\n",
                    since(made.start()),
                    made.seconds(),
                    made.seconds(),
                    made.plain_status()
                )
            },
            ..PLAIN
        },
        Written {
            about: "hey's results, CSV",
            is_relative: true,
            head: "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n",
            line: |made| {
                format!(
                    "{},0.001,0.000,0.0000,{},0.0001,{},{}\n",
                    made.seconds(),
                    made.seconds(),
                    made.plain_status(),
                    since(made.start())
                )
            },
            ..PLAIN
        },
        Written {
            about: "vegeta's results, CSV",
            line: |made| {
                format!(
                    "{}000000,{},{},0,5,,aGVyZQo=,,{},GET,http://shop/,\n",
                    made.start(),
                    if made.status == 502 {
                        0
                    } else {
                        made.plain_status()
                    },
                    made.took * 1_000_000,
                    made.number
                )
            },
            ..PLAIN
        },
    ]
}
