//! What users write and read: names in glob imports, how many there are, and words of the documentation.

use std::fs;
use std::path::{Path, PathBuf};

const LIB: &str = include_str!("../../crates/breaker-layer/src/lib.rs");
const PRELUDE: &str = include_str!("../../crates/breaker-layer/src/prelude.rs");
const GUIDE: &str = include_str!("../../crates/breaker-layer/src/guide/mod.rs");
const THIS: &str = include_str!("compile_surface.rs");

/// A name that two globs have is an error where it is used, so each name of the prelude is used here.
#[allow(
    dead_code,
    unused_imports,
    reason = "that it compiles is what is tested"
)]
mod globs {
    use axum::body::*;
    use axum::extract::*;
    use axum::middleware::*;
    use axum::response::*;
    use axum::routing::*;
    use axum::*;
    use breaker_layer::prelude::*;
    use http::header::*;
    use http::*;

    pub(crate) type Types = (Breaker<()>, BreakerLayer, Circuit, CircuitBuilder, Config);
    pub(crate) type Values = (OpenTime, Outcome, Percent, Permit, Probes, Trip, Window);
    pub(crate) type Told<'a> = (ConfigError, Rejected, TransitionEvent<'a>);
    pub(crate) type Theirs = (StatusCode, Router, Uri, Next, State<()>);

    pub(crate) fn bounds<C: Classify<(), ConfigError>, O: Observe>(_: C, _: O) {}

    pub(crate) fn route() -> Router {
        let header = (RETRY_AFTER, HeaderValue::from_static("5"));
        Router::new().route("/", get(async || ([header], Html("later"))))
    }
}

/// The names that the `pub use` of a source have.
fn used_names(source: &str) -> Vec<String> {
    let statements = source.split("pub use ").skip(1);
    let statements = statements.filter_map(|rest| rest.split_once(';'));
    statements
        .flat_map(|(names, _)| {
            let names = names.rsplit_once("::").map_or(names, |(_, last)| last);
            let names = names.trim_matches(|c: char| "{}".contains(c) || c.is_whitespace());
            names.split(',').map(|name| name.trim().to_owned())
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn no_name_of_the_prelude_is_one_of_axum_s_or_http_s() {
    let (_, rest) = THIS.split_once("mod globs {").expect("it is above");
    let (used, _) = rest.split_once("\n}\n").expect("it ends");
    let names = used_names(PRELUDE);
    assert!(names.len() > 10, "{names:?}");
    let words = |name: &String| {
        used.split(|c: char| !c.is_alphanumeric())
            .any(|word| word == name)
    };
    let untried: Vec<_> = names.iter().filter(|name| !words(name)).collect();
    assert!(untried.is_empty(), "use them in `globs`: {untried:?}");
}

#[test]
fn the_root_has_at_most_thirty_names() {
    let names = used_names(LIB);
    assert!(names.contains(&"Circuit".to_owned()));
    assert!(names.len() <= 30, "{} names: {names:?}", names.len());
}

/// A reader of breaker-layer's documentation does not have that crate.
#[test]
fn no_example_says_breaker_core() {
    let mut told = Vec::new();
    for package in ["breaker-core", "breaker-layer"] {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        for file in files(&sources.join(package).join("src")) {
            let text = fs::read_to_string(&file).expect("a source");
            let is_markdown = file.extension().is_some_and(|extension| extension == "md");
            let docs = text.lines().filter_map(|line| {
                let line = line.trim_start();
                let doc = line.strip_prefix("///").or(line.strip_prefix("//!"));
                doc.or(is_markdown.then_some(line))
            });
            let shown = docs.filter(|line| !line.trim_start().starts_with("# "));
            told.extend(
                shown
                    .filter(|line| line.contains("breaker_core"))
                    .map(|line| format!("{}: {line}", file.display())),
            );
        }
    }
    // breaker-core's own front page may.
    told.retain(|line| !line.contains("breaker-core/src/lib.rs"));
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn the_guide_names_each_of_its_chapters() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/breaker-layer/src/guide");
    for file in files(&folder) {
        let Some(chapter) = file.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if let Some(name) = chapter.strip_suffix(".md") {
            let links = [format!("]({name})"), format!("[{name}]")];
            let is_listed = links.iter().any(|link| GUIDE.contains(link));
            assert!(is_listed, "{name} is in no list");
            let page = format!("include_str!(\"{chapter}\")");
            assert!(GUIDE.contains(&page), "{name} is no page");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
