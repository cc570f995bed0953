//! What is asked next: a part of the time, one service, other circuits, a fleet, an exit status.

mod support;

use support::{ended, json, refused, replay, services};

/// 2026-10-10T13:00:00Z.
const BEGIN: u64 = 1_791_637_200;

/// Ten calls a second to two services; one fails from the 100th to the 160th second.
fn log() -> String {
    (0..3000)
        .map(|at| {
            let (second, host) = (at / 10, ["pay", "mail"][(at % 2) as usize]);
            let status = if host == "pay" && (100..160).contains(&second) { 503 } else { 200 };
            format!(
                "{{\"time\":{}.{},\"service\":\"{host}\",\"method\":\"GET\",\"path\":\"/v1/users/{at}?x\",\"pod\":\"p-{}\",\"status\":{status}}}\n",
                BEGIN + second,
                at % 10,
                at % 3
            )
        })
        .collect()
}

#[test]
fn calls_may_be_taken_from_a_time_and_to_another() {
    let told = json(
        &[
            "--from",
            "2026-10-10T13:01:40Z",
            "--to",
            "2026-10-10T13:02:40Z",
        ],
        &log(),
    );
    assert_eq!(
        services(&told),
        [("mail".to_owned(), 300, 0), ("pay".to_owned(), 300, 300)]
    );
    assert_eq!(told["log"]["outside"], 2400);
    assert_eq!(
        json(&["--from", &(BEGIN + 100).to_string()], &log())["log"]["calls"],
        2000
    );
    assert_eq!(
        json(&["--from", "2026-10-10"], &log())["log"]["calls"],
        3000
    );
    let error = refused(&["--from", "2026-10-11"], &log());
    assert!(error.contains("outside of --from and --to"), "{error}");
    let error = refused(&["--from", "noon"], &log());
    assert!(error.contains("2026-10-10T13:55:36Z"), "{error}");
}

#[test]
fn one_service_may_be_looked_at() {
    let told = json(&["--only", "pay"], &log());
    assert_eq!(services(&told), [("pay".to_owned(), 1500, 300)]);
    let whole = json(&[], &log());
    assert_eq!(
        told["services"][0]["circuits"],
        whole["services"][0]["circuits"]
    );
}

#[test]
fn circuits_may_be_told_apart_by_the_path_s_template_and_by_several_names() {
    let log = log();
    assert_eq!(
        services(&json(&["--key", "path:template"], &log)),
        [("/v1/users/*".to_owned(), 3000, 300)]
    );
    let two = services(&json(&["--key", "service,path:template"], &log));
    assert_eq!(
        two,
        [
            ("mail /v1/users/*".to_owned(), 1500, 0),
            ("pay /v1/users/*".to_owned(), 1500, 300)
        ]
    );
    let three = services(&json(&["--key", "method,service,pod"], &log));
    assert_eq!((three.len(), three[0].0.as_str()), (6, "GET mail p-0"));
    let combined =
        "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"POST /a/7?b HTTP/1.1\" 200 5 \"-\" \"c\"\n";
    assert_eq!(
        services(&json(
            &["--key", "request:method,request:template"],
            combined
        ))[0]
            .0,
        "POST /a/*"
    );
    let error = refused(&["--key", "a,b,c,d"], &log);
    assert!(error.contains("three names"), "{error}");
}

#[test]
fn a_fleet_s_clients_have_a_circuit_each_and_each_sees_its_part() {
    let log = log();
    let trip = |arguments: &[&str]| {
        let told = json(&[arguments, &["--only", "pay"]].concat(), &log);
        let circuit = &told["services"][0]["circuits"][0];
        let mut clients: Vec<_> = circuit["episodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|episode| episode["client"].as_u64().unwrap())
            .collect();
        clients.sort_unstable();
        clients.dedup();
        (
            circuit["trips"].as_u64().unwrap(),
            circuit["answers"][0]["onset_to_trip_seconds"]
                .as_f64()
                .unwrap(),
            clients,
        )
    };
    let (one, first, _) = trip(&[]);
    let (three, later, clients) = trip(&["--client", "pod"]);
    assert_eq!((one, three, clients.len()), (1, 3, 3));
    // A third of the evidence takes three times as long to come together.
    assert!(later > 2.0 * first, "{first} {later}");
    let (dealt, later, clients) = trip(&["--clients", "3"]);
    assert!(
        dealt >= 3 && clients.len() == 3 && later > 2.0 * first,
        "{dealt} {later}"
    );
    assert_eq!(trip(&["--clients", "1"]), trip(&[]));
    let text = replay(&["--client", "pod", "--clients", "2"], &log);
    assert!(
        text.contains("calls are of clients beyond the limit"),
        "{text}"
    );
    let text = replay(&["--client", "pods"], &log);
    assert!(text.contains("--client pods: no line has `pods`"), "{text}");
}

#[test]
fn a_condition_that_holds_makes_the_exit_status_1_and_the_report_is_there_all_the_same() {
    let log = log();
    for (condition, holds) in [
        ("harm>100000", false),
        ("saved>=1", true),
        ("trips<1", false),
        ("missed>0", false),
        ("waste<=300", true),
    ] {
        let (status, out, error) = ended(&["--fail-if", condition], &log);
        assert_eq!(status, i32::from(holds), "{condition}: {error}");
        assert!(out.contains("3,000 calls"), "{out}");
        assert_eq!(error.contains("holds of default"), holds, "{error}");
    }
    let error = refused(&["--fail-if", "harm"], &log);
    assert!(error.contains("harm>0"), "{error}");
}

#[test]
fn the_json_has_a_version_and_its_columns_are_the_traffic() {
    let told = json(&[], &log());
    assert_eq!(told["version"], 1);
    let traffic = &told["services"][0]["traffic"];
    let sum = |name: &str| {
        traffic[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|count| count.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("calls"), sum("failures")), (1500, 300));
    assert_eq!(traffic["from"], "2026-10-10T13:00:00.000Z");
    let described = include_str!("../JSON.md");
    // Every name is described.
    fn names(value: &serde_json::Value, all: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(object) => {
                for (name, value) in object {
                    all.push(name.clone());
                    names(value, all);
                }
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| names(value, all)),
            _ => {}
        }
    }
    let mut all = vec![];
    let path = support::file("asked.jsonl", log().as_bytes());
    names(
        &json(&["--suggest", "--suggest-key", "pod", &path], ""),
        &mut all,
    );
    names(&json(&[], "x\n{\"time\":1,\"status\":200}\n"), &mut all);
    for name in all {
        assert!(described.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn many_services_make_no_large_json() {
    let log: String = (0..40_000)
        .map(|at| {
            format!(
                "{{\"time\":{},\"service\":\"s{}\",\"status\":200}}\n",
                BEGIN + at,
                at % 200
            )
        })
        .collect();
    let text = replay(
        &[
            "--format", "json", "--preset", "default", "--preset", "polly",
        ],
        &log,
    );
    assert!(text.len() < 1 << 20, "{}", text.len());
}
