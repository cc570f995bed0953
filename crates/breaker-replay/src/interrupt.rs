//! Whether the user has asked for what there is.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Set by Ctrl-C.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<(Mutex<bool>, Condvar)>);

impl Interrupt {
    pub(crate) fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it; whether it was set before.
    fn set(&self) -> bool {
        let mut is_set = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.1.notify_all();
        std::mem::replace(&mut is_set, true)
    }

    /// Waits so long, or until it is set; whether it is.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let is_set = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .0
            .1
            .wait_timeout_while(is_set, patience, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
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
        if heard.set() {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handle).map_err(|error| format!("Ctrl-C: {error}"))?;
    Ok(interrupt)
}
