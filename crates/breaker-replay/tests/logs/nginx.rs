//! Formats of nginx: combined, or main, with the usual tails.

use super::{
    Durations, Written,
    text::{PLAIN, agent},
};

pub(super) fn all() -> Vec<Written> {
    vec![
        Written {
            about: "nginx, combined",
            line: |made| agent(made, made.end).replace(" frank ", " - ") + "\n",
            ..PLAIN
        },
        Written {
            about: "nginx's packaged format, main",
            line: |made| format!("{} \"-\"\n", agent(made, made.end)),
            ..PLAIN
        },
        Written {
            about: "nginx, combined with $request_time",
            durations: Durations::Within(1),
            line: |made| format!("{} {}\n", agent(made, made.end), made.seconds()),
            ..PLAIN
        },
        Written {
            about: "nginx, combined with $request_time and $upstream_response_time",
            durations: Durations::Within(1),
            line: |made| {
                format!(
                    "{} {} {}\n",
                    agent(made, made.end),
                    made.seconds(),
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "nginx, combined and the usual upstream fields",
            has_services: true,
            durations: Durations::Within(1),
            line: |made| {
                let (line, took, upstream) =
                    (agent(made, made.end), made.seconds(), made.upstream());
                format!("{line} {took} {} {upstream} {took}\n", made.host)
            },
            ..PLAIN
        },
        Written {
            about: "nginx, main with $request_time",
            durations: Durations::Within(1),
            line: |made| format!("{} \"-\" {}\n", agent(made, made.end), made.seconds()),
            ..PLAIN
        },
        Written {
            about: "nginx, main with $request_time and $upstream_response_time",
            durations: Durations::Within(1),
            line: |made| {
                format!(
                    "{} \"-\" {} {}\n",
                    agent(made, made.end),
                    made.seconds(),
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "nginx, main with $request_time and the usual upstream fields",
            has_services: true,
            durations: Durations::Within(1),
            line: |made| {
                let (line, took, upstream) =
                    (agent(made, made.end), made.seconds(), made.upstream());
                format!("{line} \"-\" {took} {} {upstream} {took}\n", made.host)
            },
            ..PLAIN
        },
        Written {
            about: "nginx, combined with rt, uct, uht and urt",
            durations: Durations::Within(1),
            line: |made| {
                let took = made.seconds();
                format!(
                    "{} rt={took} uct=\"0.001\" uht=\"{took}\" urt=\"{took}\"\n",
                    agent(made, made.end)
                )
            },
            ..PLAIN
        },
        Written {
            about: "nginx, main with rt, uct, uht and urt",
            durations: Durations::Within(1),
            line: |made| {
                let took = made.seconds();
                format!(
                    "{} \"-\" rt={took} uct=\"-\" uht=\"{took}\" urt=\"{took}\"\n",
                    agent(made, made.end)
                )
            },
            ..PLAIN
        },
        Written {
            about: "nginx, combined with rt, uct and urt",
            durations: Durations::Within(1),
            line: |made| {
                let (line, took) = (agent(made, made.end), made.seconds());
                format!("{line} rt={took} uct=\"0.001\" urt=\"{took}\"\n")
            },
            ..PLAIN
        },
        Written {
            about: "nginx, combined with rt, uct, uht and urt without quotes",
            durations: Durations::Within(1),
            line: |made| {
                let (line, took) = (agent(made, made.end), made.seconds());
                format!("{line} rt={took} uct=0.001 uht={took} urt={took}\n")
            },
            ..PLAIN
        },
        Written {
            about: "nginx, main with rt, uct and urt",
            durations: Durations::Within(1),
            line: |made| {
                let (line, took) = (agent(made, made.end), made.seconds());
                format!("{line} \"-\" rt={took} uct=\"0.001\" urt=\"{took}\"\n")
            },
            ..PLAIN
        },
        Written {
            about: "nginx, main with rt, uct, uht and urt without quotes",
            durations: Durations::Within(1),
            line: |made| {
                let (line, took) = (agent(made, made.end), made.seconds());
                format!("{line} \"-\" rt={took} uct=0.001 uht={took} urt={took}\n")
            },
            ..PLAIN
        },
        Written {
            about: "nginx, main with the fields of NGINX Amplify",
            has_services: true,
            durations: Durations::Within(1),
            line: |made| {
                let (line, took, host) = (agent(made, made.end), made.seconds(), made.host);
                let fields = format!("ua=\"{host}\" us=\"{}\" ut=\"{took}\"", made.upstream());
                format!(
                    "{line} \"-\" \"shop.example\" sn=\"shop\" rt={took} {fields} ul=\"512\" cs=-\n"
                )
            },
            ..PLAIN
        },
        Written {
            about: "ingress-nginx",
            has_services: true,
            durations: Durations::Within(1),
            line: |made| {
                let (line, took, upstream) =
                    (agent(made, made.end), made.seconds(), made.upstream());
                format!(
                    "{line} 430 {took} [shop-web-80] [] {} 512 {took} {upstream} 7d1e\n",
                    made.host
                )
            },
            ..PLAIN
        },
    ]
}
