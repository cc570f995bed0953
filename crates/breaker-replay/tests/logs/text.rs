//! Formats of text.

use super::{CLF, Durations, Made, RFC, Written, time};

pub(super) const PLAIN: Written = Written {
    about: "",
    has_services: false,
    has_given_up: true,
    durations: Durations::None,
    is_coarse: true,
    is_relative: false,
    head: "",
    line: combined,
};

fn common(made: &Made, at: u64) -> String {
    let (time, status) = (time(at, CLF), made.status);
    let bytes = if made.number.is_multiple_of(7) {
        "-"
    } else {
        "512"
    };
    format!("192.0.2.1 - frank [{time}] \"GET /a?b=\\\"c\\\" HTTP/1.1\" {status} {bytes}")
}

pub(super) fn agent(made: &Made, at: u64) -> String {
    format!(
        "{} \"https://example.com/\" \"Mozilla/5.0 (X11; Linux)\"",
        common(made, at)
    )
}

fn combined(made: &Made) -> String {
    agent(made, made.end) + "\n"
}

/// Of a log that says when calls began, to the second.
fn begun(made: &Made) -> String {
    agent(made, made.start())
}

pub(super) fn all() -> Vec<Written> {
    vec![
        Written {
            about: "nginx-proxy-manager",
            has_services: true,
            line: |made| {
                format!(
                    "[{}] - {} {} - GET https shop.example \"/a\" [Client 192.0.2.1] [Length 512] [Gzip -] [Sent-to {}] \"Mozilla/5.0 (X11)\" \"-\"\n",
                    time(made.end, CLF),
                    made.upstream(),
                    made.status,
                    made.host
                )
            },
            ..PLAIN
        },
        Written {
            about: "Apache, combined with %D in microseconds",
            durations: Durations::Within(1),
            line: |made| format!("{} {}\n", begun(made), made.took * 1000),
            ..PLAIN
        },
        Written {
            about: "Apache, combined with %T in whole seconds",
            durations: Durations::Within(1000),
            line: |made| format!("{} {}\n", begun(made), made.took / 1000),
            ..PLAIN
        },
        Written {
            about: "Apache, combined with %T/%D",
            durations: Durations::Within(1),
            line: |made| {
                format!(
                    "{} {}/{}\n",
                    begun(made),
                    made.took / 1000,
                    made.took * 1000
                )
            },
            ..PLAIN
        },
        Written {
            about: "Apache, combinedio",
            line: |made| format!("{} 312 4096\n", begun(made)),
            ..PLAIN
        },
        Written {
            about: "Apache, vhost_combined",
            has_services: true,
            line: |made| format!("{} {}\n", made.host, begun(made)),
            ..PLAIN
        },
        Written {
            about: "Apache, vhost_combined with %D in microseconds",
            has_services: true,
            durations: Durations::Within(1),
            line: |made| format!("{} {} {}\n", made.host, begun(made), made.took * 1000),
            ..PLAIN
        },
        Written {
            about: "Apache, vhost_combined with %T in whole seconds",
            has_services: true,
            durations: Durations::Within(1000),
            line: |made| format!("{} {} {}\n", made.host, begun(made), made.took / 1000),
            ..PLAIN
        },
        Written {
            about: "Apache, vhost_common",
            has_services: true,
            line: |made| format!("{} {}\n", made.host, common(made, made.start())),
            ..PLAIN
        },
        Written {
            about: "Apache, common with %D in microseconds",
            durations: Durations::Within(1),
            line: |made| format!("{} {}\n", common(made, made.start()), made.took * 1000),
            ..PLAIN
        },
        Written {
            about: "Apache, common with %T in whole seconds",
            durations: Durations::Within(1000),
            line: |made| format!("{} {}\n", common(made, made.start()), made.took / 1000),
            ..PLAIN
        },
        Written {
            about: "Apache, combined",
            line: |made| begun(made).replace(" - frank ", " ident frank ") + "\n",
            ..PLAIN
        },
        Written {
            about: "the common log format",
            line: |made| common(made, made.start()) + "\n",
            ..PLAIN
        },
        Written {
            about: "Traefik, common log format",
            has_services: true,
            durations: Durations::Within(1),
            line: |made| {
                format!(
                    "{} {} \"shop@docker\" \"{}\" {}ms\n",
                    begun(made),
                    made.number + 1,
                    made.host,
                    made.took
                )
            },
            ..PLAIN
        },
        Written {
            about: "HAProxy's HTTP log",
            has_services: true,
            durations: Durations::Within(1),
            is_coarse: false,
            line: haproxy,
            ..PLAIN
        },
        Written {
            about: "Envoy's default format",
            has_services: true,
            durations: Durations::Within(1),
            is_coarse: false,
            line: |made| {
                let (status, flags) = envoy(made);
                format!(
                    "[{}] \"GET /a HTTP/1.1\" {status} {flags} 0 512 {} {} \"-\" \"curl/8\" \"a-{}\" \"shop\" \"{}\"\n",
                    time(made.start(), RFC),
                    made.took,
                    if made.is_answered { "3" } else { "-" },
                    made.number,
                    made.host
                )
            },
            ..PLAIN
        },
        Written {
            about: "Istio's default format",
            has_services: true,
            durations: Durations::Within(1),
            is_coarse: false,
            line: |made| {
                let (status, flags) = envoy(made);
                format!(
                    "[{}] \"GET /a HTTP/1.1\" {status} {flags} via_upstream - \"delayed connect error: 111\" 0 152 {} - \"-\" \"curl/8\" \"a-2\" \"details:9080\" \"10.0.2.10:9080\" {} 10.0.0.1:5 10.0.2.10:9080 10.0.1.7:39697 - default\n",
                    time(made.start(), RFC),
                    made.took,
                    made.host
                )
            },
            ..PLAIN
        },
        Written {
            about: "an AWS application load balancer",
            has_services: true,
            durations: Durations::Within(1),
            is_coarse: false,
            line: |made| {
                let status = if made.status == 499 { 460 } else { made.status };
                let target = if made.status == 499 {
                    "-".to_owned()
                } else {
                    status.to_string()
                };
                format!(
                    "https {} app/lb/1 192.0.2.9:4000 {} 0.000 {} 0.000 {status} {target} 34 300 \"GET https://shop.example:443/ HTTP/1.1\" \"curl/8\" ECDHE TLSv1.3 arn:aws:x \"Root=1\" \"shop\" \"-\" 0\n",
                    time(made.end, "%Y-%m-%dT%H:%M:%S.%6fZ"),
                    made.host,
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "an AWS classic load balancer",
            has_services: true,
            durations: Durations::Within(1),
            is_coarse: false,
            line: |made| {
                format!(
                    "{} lb 192.0.2.9:4000 {} 0.000 {} 0.000 {} {} 34 300 \"GET http://shop.example:80/ HTTP/1.1\" \"curl/8\" - -\n",
                    time(made.start(), "%Y-%m-%dT%H:%M:%S.%6fZ"),
                    made.host,
                    made.seconds(),
                    made.status,
                    made.upstream()
                )
            },
            ..PLAIN
        },
    ]
}

/// Nothing answered, or the client has gone: the timers and the status are -1.
fn haproxy(made: &Made) -> String {
    let at = time(made.start(), "%d/%b/%Y:%H:%M:%S.%3f");
    let (status, answer, state) = match made.status {
        499 => ("-1".to_owned(), "-1".to_owned(), "CH--"),
        502 => ("503".to_owned(), "-1".to_owned(), "SC--"),
        status => (status.to_string(), made.took.to_string(), "----"),
    };
    format!(
        "192.0.2.1:38863 [{at}] fe~ {} 0/0/1/{answer}/{} {status} 213 - - {state} 6/6/0/0/3 0/0 \"GET / HTTP/1.1\"\n",
        made.host, made.took
    )
}

fn envoy(made: &Made) -> (u16, &'static str) {
    match made.status {
        499 => (0, "DC"),
        502 => (503, "UF,URX"),
        status => (status, "-"),
    }
}
