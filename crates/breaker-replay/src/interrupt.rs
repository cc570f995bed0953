//! Whether the user has asked for what there is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Set by Ctrl-C.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The first Ctrl-C ends the log where it is, the second one the program.
///
/// # Errors
///
/// Where the process listens already.
pub(crate) fn listen() -> Result<Interrupt, String> {
    let interrupt = Interrupt::default();
    let heard = interrupt.clone();
    let handle = move || {
        if heard.0.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handle).map_err(|error| format!("Ctrl-C: {error}"))?;
    Ok(interrupt)
}
