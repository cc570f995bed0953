//! Settings from a file: two circuits are built of it, it is edited and read again while they are in use, and a faulty edit changes nothing.

use breaker_layer::settings::Table;
use breaker_layer::{BoxError, Circuit, Outcome, Registry, State, TransitionEvent};

const FILE: &str = r#"{
    "payments": { "trip": [{ "consecutive_failures": 5 }], "open_time": { "kind": "fixed", "wait": "5s" } },
    "search": { "preset": "resilience4j", "mode": "observe_only" }
}"#;
const EDITED: &str = r#"{
    "payments": { "trip": [{ "consecutive_failures": 2 }], "open_time": { "kind": "fixed", "wait": "5s" } }
}"#;
const FAULTY: &str =
    r#"{ "payments": { "trip": [{ "consecutive_failures": 0 }], "slow_after": "2" } }"#;

fn main() -> Result<(), BoxError> {
    let registry = Registry::new();
    let table: Table = serde_json::from_str(FILE)?;
    let mut circuits = Vec::new();
    for (name, settings) in &table {
        let circuit = Circuit::builder(name)
            .config(settings)
            .observe(|event: &TransitionEvent<'_>| println!("  {event}"))
            .build()?;
        registry.add(&circuit)?;
        println!("{name}: {}", circuit.config());
        circuits.push(circuit);
    }
    let payments = registry.find("payments", None).ok_or("no payments")?;
    let fail = || {
        payments
            .try_acquire()
            .map(|permit| permit.record(Outcome::Failure))
    };

    println!("four failures are not enough");
    for _ in 0..4 {
        fail()?;
    }
    assert_eq!(payments.state(), State::Closed);

    println!("the file is edited: two are");
    reload(&registry, EDITED)?;
    let _ = fail();
    assert_eq!(payments.state(), State::Open);

    println!("a faulty edit changes nothing");
    let before = payments.config();
    let error = reload(&registry, FAULTY).err().ok_or("it was taken")?;
    println!("{error}");
    assert_eq!(payments.config(), before);
    assert!(error.to_string().contains("payments.slow_after"));
    Ok(())
}

/// All of the file or nothing; what is as it was is left alone.
fn reload(registry: &Registry, text: &str) -> Result<(), BoxError> {
    let table: Table = serde_json::from_str(text)?;
    for (name, settings) in &table {
        let Some(circuit) = registry.find(name, None) else {
            continue;
        };
        if circuit.config() != settings.config() {
            circuit
                .because("the file was edited")
                .reconfigure(settings)?;
        }
    }
    Ok(())
}
