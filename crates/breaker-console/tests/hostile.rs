//! What users choose, names, keys, notes and paths, is inert in everything that the console writes.

mod support;

use breaker_console::Console;
use breaker_layer::{Circuit, Registry, keyed::KeyedCircuits};
use http::{Request, StatusCode};
use serde_json::Value;
use support::{ask, circuit, encoded, get, next, steered, text};

const HOSTILE: [&str; 11] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "pay\u{202e}stnem\u{2066}",
    "a\0b\r\nset-cookie: x",
    "../../etc/passwd",
    "javascript:alert(1)",
    "?circuit=x&amp;#34;",
    "x\n\nevent: all\ndata: <div id=live>forged</div>\n\n",
    "x\r\revent: all\rdata: forged\r\r",
    "</td></tr></table><script>\u{2028}\u{85}\u{b}\u{c}",
];

/// Circuits and keys that are called so and whose notes say so, in states that are told first.
fn all_hostile(registry: &Registry) -> (Vec<Circuit>, KeyedCircuits<String>) {
    let table = KeyedCircuits::<String>::builder("<script>\n\nevent: all")
        .name_by(|key| key.as_str().into())
        .build()
        .unwrap();
    registry.add_keyed(&table).unwrap();
    let long = "<b>\n".repeat(16_384);
    let names = HOSTILE.into_iter().chain([long.as_str()]);
    let circuits = names.map(|name| {
        let one = circuit(registry, name);
        one.because(name).isolate();
        table.circuit(name).unwrap().because(name).trip();
        one
    });
    (circuits.collect(), table)
}

#[tokio::test]
async fn nothing_in_a_name_a_key_a_note_or_a_path_runs() {
    let registry = Registry::new();
    let console = steered(&registry);
    let table = KeyedCircuits::<String>::builder("<script>table")
        .name_by(|key| key.as_str().into())
        .build()
        .unwrap();
    registry.add_keyed(&table).unwrap();
    let long = "<b>".repeat(22_000);
    let mut kept = Vec::new();
    let mut pages = Vec::new();
    for evil in HOSTILE.into_iter().chain([long.as_str()]) {
        let one = circuit(&registry, evil);
        one.because(evil).isolate();
        table.circuit(evil).unwrap().because(evil).trip();
        kept.push(one);
        let query = if evil.len() > 60_000 {
            "/?q=%3Cb%3E".to_owned()
        } else {
            format!("/?circuit={}", encoded(evil))
        };
        pages.push(get(&console, &query).await);
        let form = format!(
            "command=isolate&reason={}",
            encoded(&evil[..evil.len().min(1000)])
        );
        let answer = ask(&console, Request::post(query), &form).await;
        pages.push(text(answer).await);
    }
    pages.push(get(&console, "/").await);
    pages.push(get(&console, "/%3Cscript%3E/../../x?q=%3Cscript%3E&page=%22%3E").await);
    for page in &pages {
        let lower = page.to_lowercase();
        for bad in [
            "<script>",
            "<img",
            "<b>",
            "\u{202e}",
            "\u{2066}",
            "\0",
            "onerror=alert(1)>",
        ] {
            assert!(
                !lower.contains(bad),
                "{bad:?} in {}",
                &page[..page.len().min(3000)]
            );
        }
        assert_eq!(lower.matches("<script").count(), 1);
        assert!(!lower.contains("href=\"javascript"));
        assert!(page.len() < 100_000);
    }
    assert!(
        pages
            .iter()
            .any(|page| page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    );
}

#[tokio::test]
async fn json_says_a_name_a_key_and_a_note_as_they_are_and_is_taken_for_nothing_but_json() {
    let registry = Registry::new();
    let console = steered(&registry);
    let (circuits, table) = all_hostile(&registry);
    let whole = ask(&console, Request::get("/?json"), "").await;
    assert_eq!(whole.headers()["content-type"], "application/json");
    assert_eq!(whole.headers()["x-content-type-options"], "nosniff");
    let whole: Value = serde_json::from_str(&text(whole).await).unwrap();
    let rows = whole["circuits"].as_array().unwrap();
    for circuit in &circuits {
        let name = circuit.name();
        let is_single = |row: &&Value| row["circuit"] == *name && row["key"].is_null();
        assert_eq!(rows.iter().filter(is_single).count(), 1);
        let is_key = |row: &&Value| row["circuit"] == table.name() && row["key"] == *name;
        assert_eq!(rows.iter().filter(is_key).count(), 1);
    }
    for evil in HOSTILE {
        for query in [
            format!("/?json&circuit={}", encoded(evil)),
            format!(
                "/?json&circuit={}&key={}",
                encoded(table.name()),
                encoded(evil)
            ),
        ] {
            let one: Value = serde_json::from_str(&get(&console, &query).await).unwrap();
            assert_eq!(one["note"], evil, "{query}");
        }
        // What a script asked for in vain, and what it had done.
        let post = |query: String| Request::post(query).header("accept", "application/json");
        let form = format!("command=reset&reason={}&for={0}", encoded(evil));
        let query = format!("/?circuit={}", encoded(evil));
        let answer = ask(&console, post(query.clone()), &form).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let error: Value = serde_json::from_str(&text(answer).await).unwrap();
        assert!(error["error"].is_string());
        let form = format!("command=reset&reason={}.", encoded(evil));
        let answer = ask(&console, post(query), &form).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let done: Value = serde_json::from_str(&text(answer).await).unwrap();
        assert_eq!(done["circuit"], evil);
    }
}

/// An event is one line of each field and a blank line; a line that a name began would be one of its own.
fn is_one_event(event: &str) -> bool {
    let lines: Vec<_> = event.split('\n').collect();
    let [kind, data, "", ""] = lines[..] else {
        return false;
    };
    let is_kind = ["event: all", "event: rows"].contains(&kind);
    is_kind && data.starts_with("data: <div id=\"live\"") && !event.contains(['\r', '\0'])
}

#[tokio::test(start_paused = true)]
async fn no_name_forges_an_event() {
    let registry = Registry::new();
    let console = Console::new(&registry);
    let mut stream = ask(&console, Request::get("/?events"), "")
        .await
        .into_body();
    let empty = next(&mut stream).await;
    assert!(is_one_event(&empty), "{empty}");
    let (circuits, _table) = all_hostile(&registry);
    let whole = next(&mut stream).await;
    assert!(is_one_event(&whole), "{}", &whole[..2000]);
    // The same names in rows of their own.
    for one in &circuits {
        assert!(one.try_acquire().is_err());
        one.because(one.name()).isolate();
    }
    let rows = next(&mut stream).await;
    assert!(rows.starts_with("event: rows\n") && is_one_event(&rows));
    let lower = (whole + &rows).to_lowercase();
    for bad in [
        "<script", "<img", "<b>", "\u{202e}", "\u{2066}", "\u{2028}", "\u{85}",
    ] {
        assert!(!lower.contains(bad), "{bad:?}");
    }
}

#[tokio::test]
async fn a_place_that_a_command_leads_to_is_a_query_of_the_console() {
    let registry = Registry::new();
    let console = steered(&registry);
    let _circuits = all_hostile(&registry);
    for evil in HOSTILE {
        let query = format!("/?circuit={}", encoded(evil));
        let answer = ask(&console, Request::post(query), "command=reset&reason=x").await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let location = answer.headers()["location"].to_str().unwrap();
        let (start, name) = location.split_at("?circuit=".len());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"%-_.".contains(&byte);
        assert!(
            start == "?circuit=" && name.bytes().all(is_plain),
            "{location}"
        );
    }
}
