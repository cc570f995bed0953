//! Prints the public items of a crate, one a line, from its rustdoc JSON.
use std::{env, process::ExitCode};

/// The compiler's own traits: what they are called is no promise of ours.
const INTERNAL: [&str; 3] = [
    "impl core::marker::Freeze ",
    "impl core::marker::StructuralPartialEq ",
    "impl core::marker::UnsafeUnpin ",
];

fn main() -> ExitCode {
    let Some(json) = env::args_os().nth(1) else {
        eprintln!("usage: breaker-public-api FILE.json");
        return ExitCode::FAILURE;
    };
    let read = public_api::Builder::from_rustdoc_json(json)
        // They follow from the trait and are the same for every type.
        .omit_blanket_impls(true)
        .build();
    match read {
        Ok(api) => {
            for item in api.items().map(ToString::to_string) {
                // With or without parameters behind the `impl`.
                let unbound = match item
                    .strip_prefix("impl<")
                    .and_then(|rest| rest.split_once("> core::"))
                {
                    Some((_, rest)) => format!("impl core::{rest}"),
                    None => item.clone(),
                };
                if !INTERNAL.iter().any(|name| unbound.starts_with(name)) {
                    println!("{item}");
                }
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
