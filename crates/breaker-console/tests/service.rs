//! The console through its service, as a server calls it.

mod support;

use std::time::Duration;

use breaker_console::Console;
use breaker_layer::{
    Circuit, Outcome, Percent, Registry, State, Trip, Window, clock::ManualClock,
    keyed::KeyedCircuits,
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use support::{ask, circuit, fail, get, next, steered, text};
use tower::ServiceExt;

#[tokio::test]
async fn open_circuits_come_first_and_say_why() {
    let registry = Registry::new();
    let (_calm, bad) = (
        circuit(&registry, "a-calm-one"),
        circuit(&registry, "payments"),
    );
    fail(&bad, 3);
    assert!(bad.try_acquire().is_err());
    let page = get(&Console::new(&registry), "/").await;
    assert!(page.contains("probe in <time"));
    let (bad, calm) = (
        page.find(">payments<").unwrap(),
        page.find(">a-calm-one<").unwrap(),
    );
    assert!(bad < calm);
    assert!(page.contains("3 failures in a row"));
    assert!(page.contains("<title>1 open, 1 closed – circuits</title>"));
    assert!(page.contains(r#"href="?icon=open""#));
    assert!(page.contains(r#"data-of="rejected">1<"#));
}

/// With the default open time calls are drawn as probes long before the next one is certain to be one.
#[tokio::test]
async fn an_open_circuit_whose_calls_are_drawn_does_not_count_down_to_nothing() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let one = Circuit::builder("payments").clock(clock.clock());
    let one = one.build().unwrap();
    registry.add(&one).unwrap();
    one.trip();
    clock.advance(Duration::from_secs(2));
    assert_eq!(one.state(), State::Open);
    let page = get(&Console::new(&registry), "/").await;
    assert!(page.contains("some calls may be probes now") && !page.contains("probe in"));
}

#[tokio::test]
async fn the_meter_says_how_near_a_trip_is_and_nothing_where_a_window_decides() {
    let registry = Registry::new();
    let in_a_row = circuit(&registry, "in-a-row");
    let rate = Trip::failure_rate(Percent(50.0), Window::calls(10));
    let windowed = Circuit::builder("windowed").trip(rate).build().unwrap();
    let believing = Circuit::builder("believing").build().unwrap();
    for one in [&windowed, &believing] {
        registry.add(one).unwrap();
    }
    for one in [&in_a_row, &windowed, &believing] {
        fail(one, 1);
    }
    let console = Console::new(&registry);
    for (name, meter) in [
        ("in-a-row", "</svg> 33 %"),
        ("windowed", ">–</span>"),
        ("believing", "</svg> 7 %"),
    ] {
        let page = get(&console, &format!("/?circuit={name}")).await;
        let evidence = page.split("<dt>Evidence</dt><dd>").nth(1).unwrap();
        let evidence = &evidence[..evidence.find("</dd>").unwrap()];
        assert!(evidence.contains(meter), "{name}: {evidence}");
    }
}

#[tokio::test]
async fn every_link_holds_wherever_the_console_is_mounted() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    fail(&one, 3);
    let console = steered(&registry);
    for query in ["/", "/?circuit=payments", "/?q=pay&page=2"] {
        let page = get(&console, query).await;
        for kind in ["href=\"", "src=\"", "action=\""] {
            for link in page.split(kind).skip(1) {
                assert!(link.starts_with('?'), "{query}: {}", &link[..30]);
            }
        }
    }
}

#[tokio::test]
async fn it_is_mounted_in_axum_with_and_without_a_slash() {
    let registry = Registry::new();
    let _one = circuit(&registry, "payments");
    let app: axum::Router = axum::Router::new().nest_service("/breakers", Console::new(&registry));
    for path in [
        "/breakers",
        "/breakers/",
        "/breakers?circuit=payments",
        "/breakers/?events",
    ] {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_detail_page_has_the_transitions_and_the_settings() {
    let registry = Registry::new();
    let console = Console::new(&registry);
    let one = circuit(&registry, "payments");
    fail(&one, 3);
    one.because("they move").isolate();
    let page = get(&console, "/?circuit=payments").await;
    assert!(page.contains("3 failures in a row, for 60s"));
    assert!(page.contains("<q><bdi>they move</bdi></q>"));
    assert!(page.contains("trip[0].consecutive_failures</th><td>3"));
    assert_eq!(page.matches("<li>").count(), 2);
    for _ in 0..40 {
        one.trip();
    }
    let page = get(&console, "/?circuit=payments").await;
    assert_eq!(page.matches("<li>").count(), 32);
}

#[tokio::test]
async fn without_a_gate_everything_but_reading_is_refused_and_nothing_moves() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let console = Console::new(&registry);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        for query in ["/?circuit=payments", "/nowhere", "/?events"] {
            let request = Request::builder().method(method).uri(query);
            let answer = ask(&console, request, "command=isolate&reason=x&confirmed=yes").await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(answer.headers()["allow"], "GET, HEAD");
        }
    }
    assert_eq!((one.state(), one.snapshot().generation), (State::Closed, 0));
    assert!(
        !get(&console, "/?circuit=payments")
            .await
            .contains("<button name")
    );
}

#[tokio::test]
async fn a_gate_that_says_no_is_obeyed_and_nothing_moves() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let console = Console::new(&registry).commands(|_| None);
    let form = "command=isolate&reason=x&confirmed=yes";
    for accept in ["text/html", "application/json"] {
        let request = Request::post("/?circuit=payments").header("accept", accept);
        let answer = ask(&console, request, form).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(one.snapshot().generation, 0);
    assert!(
        !get(&console, "/?circuit=payments")
            .await
            .contains("<button name")
    );
}

#[tokio::test]
async fn a_command_from_another_origin_is_refused_and_nothing_moves() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let console = steered(&registry);
    let form = "command=reset&reason=x";
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request = Request::post("/?circuit=payments")
            .header("host", "here:80")
            .header(name, value);
        assert_eq!(
            ask(&console, request, form).await.status(),
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(one.snapshot().generation, 0);
    let request = Request::post("/?circuit=payments")
        .header("host", "here:80")
        .header("origin", "http://here:80");
    assert_eq!(
        ask(&console, request, form).await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn no_get_changes_anything() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let console = steered(&registry);
    for method in ["GET", "HEAD"] {
        let request = Request::builder()
            .method(method)
            .uri("/?circuit=payments&command=isolate&reason=x&confirmed=yes");
        let answer = ask(&console, request, "command=isolate&reason=x&confirmed=yes").await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(one.snapshot().generation, 0);
}

#[tokio::test]
async fn isolating_needs_a_reason_and_is_asked_once_more() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let console = steered(&registry);
    let post = || Request::post("/?circuit=payments");
    let answer = ask(&console, post(), "command=isolate&reason=+&confirmed=yes").await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let asked = ask(&console, post(), "command=isolate&reason=they+move").await;
    assert_eq!(asked.status(), StatusCode::OK);
    assert!(
        text(asked)
            .await
            .contains("Rejects every call until another command says otherwise.")
    );
    assert_eq!(one.snapshot().generation, 0);
    let done = ask(
        &console,
        post(),
        "command=isolate&reason=they+move&confirmed=yes",
    )
    .await;
    assert_eq!(
        (done.status(), &done.headers()["location"]),
        (StatusCode::SEE_OTHER, &"?circuit=payments".parse().unwrap())
    );
    assert_eq!(
        (one.state(), one.snapshot().note.as_deref()),
        (State::Isolated, Some("alice: they move"))
    );
    let done = ask(&console, post(), "command=reset&reason=done").await;
    assert_eq!(
        (done.status(), one.state()),
        (StatusCode::SEE_OTHER, State::Closed)
    );
    ask(
        &console,
        post(),
        "command=trip&reason=later&trip_for=600&isolate_for=60",
    )
    .await;
    assert!(one.snapshot().retry_after.unwrap() > Duration::from_secs(500));
}

#[tokio::test]
async fn an_isolation_has_the_end_that_was_confirmed() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
    registry.add_keyed(&hosts).unwrap();
    let console = steered(&registry);
    let form = "command=isolate&reason=they+move&isolate_for=600&trip_for=60";
    let asked = text(ask(&console, Request::post("/?circuit=payments"), form).await).await;
    assert!(asked.contains("Rejects every call for 10m 0s, unless another command comes first."));
    assert!(asked.contains(r#"name="for" value="600""#));
    assert_eq!(one.state(), State::Closed);
    let form = "command=isolate&reason=they+move&for=600&confirmed=yes";
    ask(&console, Request::post("/?circuit=payments"), form).await;
    ask(&console, Request::post("/?table=hosts"), form).await;
    let left = |circuit: &Circuit| circuit.snapshot().retry_after.unwrap();
    let table = registry.circuits().pop().unwrap();
    for circuit in [&one, table.circuit()] {
        assert_eq!(circuit.state(), State::Isolated);
        assert!(left(circuit) > Duration::from_secs(590));
        assert!(left(circuit) <= Duration::from_secs(601));
    }
    assert!(
        get(&console, "/?circuit=payments")
            .await
            .contains("ends in <time data-left=")
    );
    let json: serde_json::Value =
        serde_json::from_str(&get(&console, "/?circuit=payments&json").await).unwrap();
    assert!(
        json["retry_after"].as_str().unwrap().starts_with("9m 5"),
        "{json}"
    );
    // Without an end nothing is said of one.
    one.isolate();
    assert!(
        !get(&console, "/?circuit=payments")
            .await
            .contains("ends in")
    );
}

#[tokio::test]
async fn a_script_commands_with_json_and_is_told_what_is_wrong() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    let console = steered(&registry);
    let post = |query| Request::post(query).header("accept", "application/json");
    let told = text(
        ask(
            &console,
            post("/?circuit=payments"),
            "command=isolate&reason=x",
        )
        .await,
    )
    .await;
    assert_eq!(
        told,
        r#"{"by":"alice","circuit":"payments","done":"isolate","for":null,"key":null}"#
    );
    assert_eq!(one.state(), State::Isolated);
    for (query, form, status) in [
        ("/?circuit=payments", "command=explode&reason=x", 400),
        ("/?circuit=payments", "command=trip&reason=x&for=soon", 400),
        ("/?circuit=payments", "command=isolate&reason=x&for=0", 400),
        ("/?circuit=payments", "command=isolate&reason=x&for=-1", 400),
        ("/?circuit=payments", "command=reset&reason=x&for=60", 400),
        ("/?circuit=nobody", "command=reset&reason=x", 404),
    ] {
        assert_eq!(ask(&console, post(query), form).await.status(), status);
    }
    let long = "x".repeat(20_000);
    assert_eq!(
        ask(&console, post("/?circuit=payments"), &long)
            .await
            .status(),
        413
    );
    let listed: serde_json::Value = serde_json::from_str(&get(&console, "/?json").await).unwrap();
    assert_eq!(
        (&listed["worst"], &listed["circuits"][0]["note"]),
        (&"isolated".into(), &"alice: x".into())
    );
}

#[tokio::test]
async fn a_whole_table_is_shown_and_commanded() {
    let registry = Registry::new();
    let hosts = KeyedCircuits::<String>::builder("hosts")
        .name_by(|key| key.as_str().into())
        .build()
        .unwrap();
    registry.add_keyed(&hosts).unwrap();
    let console = steered(&registry);
    assert!(get(&console, "/").await.contains("0 keys have a circuit"));
    hosts.circuit("shop.example").unwrap().trip();
    let page = get(&console, "/").await;
    assert!(page.contains("?circuit=hosts&amp;key=shop.example"));
    assert!(get(&console, "/?q=shop").await.contains("shop.example"));
    assert!(!get(&console, "/?q=other").await.contains("shop.example"));
    assert!(
        get(&console, "/?circuit=hosts&key=shop.example")
            .await
            .contains("Last transitions</h2><svg")
    );
    let done = ask(
        &console,
        Request::post("/?table=hosts"),
        "command=isolate&reason=x&confirmed=yes",
    )
    .await;
    assert_eq!(
        (done.status(), hosts.state("any")),
        (StatusCode::SEE_OTHER, State::Isolated)
    );
    let page = get(&console, "/?table=hosts").await;
    assert!(page.contains("every key is under a command: isolated"));
    assert!(page.contains("<q><bdi>alice: x</bdi></q>"));
    let json: serde_json::Value =
        serde_json::from_str(&get(&console, "/?table=hosts&json").await).unwrap();
    assert_eq!(json["command"]["state"], "isolated");
    hosts.all().reset();
    let page = get(&console, "/?table=hosts").await;
    assert!(!page.contains("under a command:"));
    let answer = ask(
        &console,
        Request::post("/?table=hosts"),
        "command=trip&reason=x",
    )
    .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let registry = Registry::new();
    let _one = circuit(&registry, "payments");
    let console = steered(&registry);
    for (method, query) in [
        ("GET", "/"),
        ("GET", "/?style=x"),
        ("GET", "/?icon=open"),
        ("GET", "/?events"),
        ("GET", "/?json"),
        ("GET", "/?circuit=none"),
        ("POST", "/?circuit=payments"),
        ("PUT", "/"),
    ] {
        let answer = ask(&console, Request::builder().method(method).uri(query), "").await;
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn the_page_its_style_and_its_script_have_30_kb_at_the_most() {
    let registry = Registry::new();
    let kept: Vec<_> = (0..10)
        .map(|number| circuit(&registry, &format!("service-{number}")))
        .collect();
    kept.iter().take(3).for_each(|one| fail(one, 3));
    let console = Console::new(&registry);
    let page = get(&console, "/").await;
    let name = |kind: &str| page.split(kind).nth(1).unwrap()[..16].to_owned();
    let (style, script) = (
        format!("/?style={}", name("?style=")),
        format!("/?script={}", name("?script=")),
    );
    let answer = ask(&console, Request::get(&style), "").await;
    assert!(
        answer.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let stale = ask(&console, Request::get("/?style=0000000000000000"), "").await;
    assert_eq!(stale.headers()["cache-control"], "no-store");
    let sizes = [
        page.len(),
        get(&console, &style).await.len(),
        get(&console, &script).await.len(),
    ];
    assert!(sizes.iter().sum::<usize>() <= 30_000, "{sizes:?}");
}

/// Whatever a browser may fetch because of the page: each once, and nothing because of what it fetched.
#[tokio::test]
async fn a_page_asks_for_one_style_one_script_and_one_icon() {
    let registry = Registry::new();
    let one = circuit(&registry, "payments");
    fail(&one, 3);
    let console = steered(&registry);
    for query in ["/", "/?circuit=payments", "/?table=none"] {
        let page = text(ask(&console, Request::get(query), "").await).await;
        for (what, times) in [
            ("<link", 2),
            ("rel=\"stylesheet\"", 1),
            ("rel=\"icon\"", 1),
            ("<script", 1),
            (" src=", 1),
            ("style=\"", 0),
            ("<style", 0),
            ("<img", 0),
            ("<iframe", 0),
            ("url(", 0),
        ] {
            assert_eq!(page.matches(what).count(), times, "{what} in {query}");
        }
        for asset in page.split("href=\"").chain(page.split("src=\"")).skip(1) {
            let link = &asset[..asset.find('"').unwrap()];
            if !link.starts_with("?style=") && !link.starts_with("?script=") {
                continue;
            }
            let answer = ask(&console, Request::get(format!("/{link}")), "").await;
            let kept = answer.headers()["cache-control"].to_str().unwrap();
            assert_eq!(kept, "public, max-age=31536000, immutable");
            let content = text(answer).await;
            for fetches in ["url(", "@import", "import(", "importScripts"] {
                assert!(!content.contains(fetches), "{fetches} in {link}");
            }
        }
    }
}

#[tokio::test]
async fn a_picture_without_good_calls_says_so_and_one_with_them_has_their_number() {
    let registry = Registry::new();
    let plain = circuit(&registry, "plain");
    let counted = Circuit::builder("counted")
        .count_calls(true)
        .build()
        .unwrap();
    registry.add(&counted).unwrap();
    let console = Console::new(&registry);
    let page = get(&console, "/").await;
    assert!(page.contains(">no calls<") && page.contains(">no failures<"));
    for one in [&plain, &counted] {
        fail(one, 1);
        one.try_acquire().unwrap().record(Outcome::Success);
    }
    let page = get(&console, "/").await;
    assert!(page.contains("aria-label=\"1 failed, 0 rejected"));
    assert!(page.contains("aria-label=\"2 calls, 1 failed, 0 rejected"));
    assert_eq!(page.matches("good calls not counted").count(), 1);
    let detail = get(&console, "/?circuit=plain").await;
    assert!(detail.contains("<code>count_calls</code>"));
    assert!(
        !get(&console, "/?circuit=counted")
            .await
            .contains("<code>count_calls")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_everything_and_goes_on_with_what_changes() {
    let registry = Registry::new();
    let (one, _other) = (circuit(&registry, "payments"), circuit(&registry, "orders"));
    let console = Console::new(&registry);
    let mut first = ask(&console, Request::get("/?events"), "")
        .await
        .into_body();
    let mut second = ask(&console, Request::get("/?events"), "")
        .await
        .into_body();
    let whole = next(&mut first).await;
    assert!(
        whole.starts_with("event: all\ndata: <div id=\"live\"") && whole.ends_with("</div>\n\n")
    );
    assert!(whole.contains("payments") && whole.contains("orders"));
    assert_eq!(next(&mut second).await, whole);
    fail(&one, 1);
    let row = next(&mut first).await;
    assert!(
        row.starts_with("event: rows\n") && row.contains("payments") && !row.contains("orders")
    );
    assert_eq!(next(&mut second).await, row);
    let begun = tokio::time::Instant::now();
    fail(&one, 2);
    let moved = next(&mut first).await;
    assert!(moved.starts_with("event: all\n") && moved.contains("3 failures in a row"));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn there_are_32_streams_and_the_next_is_told_to_ask_again() {
    let registry = Registry::new();
    let console = Console::new(&registry);
    let mut open = Vec::new();
    for _ in 0..32 {
        let answer = ask(&console, Request::get("/?events"), "").await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        open.push(answer);
    }
    let refused = ask(&console, Request::get("/?events"), "").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ask(&console, Request::get("/"), "").await.status(),
        StatusCode::OK
    );
    open.pop();
    assert_eq!(
        ask(&console, Request::get("/?events"), "").await.status(),
        StatusCode::OK
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_that_it_lives_and_ends_by_itself() {
    let registry = Registry::new();
    let console = Console::new(&registry);
    let mut stream = ask(&console, Request::get("/?events"), "")
        .await
        .into_body();
    next(&mut stream).await;
    let begun = tokio::time::Instant::now();
    while let Some(frame) = stream.frame().await {
        assert_eq!(frame.unwrap().into_data().unwrap(), ":\n\n");
    }
    assert!(
        begun.elapsed() >= Duration::from_secs(299) && begun.elapsed() < Duration::from_secs(310)
    );
}

#[tokio::test]
async fn very_many_circuits_and_keys_make_no_larger_page() {
    let registry = Registry::with_capacity(20_000);
    let kept: Vec<_> = (0..10_000)
        .map(|number| circuit(&registry, &format!("service-{number}")))
        .collect();
    kept.iter().take(3_000).for_each(|one| fail(one, 3));
    let hosts = KeyedCircuits::<u32>::builder("hosts")
        .max_circuits(100_000)
        .name_by(|key| key.to_string().into())
        .build()
        .unwrap();
    registry.add_keyed(&hosts).unwrap();
    for key in 0..50_000 {
        hosts.try_acquire(key).unwrap().record(Outcome::Failure);
    }
    let console = Console::new(&registry);
    // It is far behind those that are looked at, and found because it changed.
    hosts.circuit(&49_999).unwrap().trip();
    let page = get(&console, "/").await;
    assert!(page.len() < 700_000, "{}", page.len());
    assert!(page.contains("2801 more are not shown"));
    assert!(page.contains("50000 keys have a circuit"));
    assert!(page.contains("Page 1 of 35"));
    assert!(get(&console, "/?page=35").await.contains("Page 35 of 35"));
    assert!(
        get(&console, "/?q=service-9999")
            .await
            .contains("service-9999")
    );
    assert!(get(&console, "/?q=49999").await.contains(">49999<"));
    assert!(get(&console, "/?q=47123").await.contains(">47123<"));
}

#[tokio::test]
async fn keys_without_names_are_said_to_be_without() {
    let registry = Registry::new();
    let hosts = KeyedCircuits::<(u8, u8)>::builder_unnamed("hosts")
        .build()
        .unwrap();
    registry.add_keyed(&hosts).unwrap();
    (0..5).for_each(|key| hosts.circuit(&(key, 0)).unwrap().trip());
    let page = get(&Console::new(&registry), "/").await;
    assert!(page.contains("5 keys have a circuit"));
    assert!(page.contains("name_by"));
    assert!(page.contains("<title>5 open"));
}

#[tokio::test]
async fn a_name_given_twice_is_shown_once_and_it_is_the_one_that_is_commanded() {
    let registry = Registry::new();
    let (first, second) = (circuit(&registry, "same"), circuit(&registry, "same"));
    let console = steered(&registry);
    first.trip();
    second.trip();
    let page = get(&console, "/").await;
    assert_eq!(page.matches("<tr id=").count(), 1);
    ask(
        &console,
        Request::post("/?circuit=same"),
        "command=reset&reason=x",
    )
    .await;
    assert_eq!(
        (first.state(), second.state()),
        (State::Open, State::Closed)
    );
}
