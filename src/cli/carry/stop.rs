//! SIGINT and SIGTERM: the first asks to stop at a good moment, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::error::CliError;

/// Whether to stop. Cheap to ask between any two records.
#[derive(Clone, Debug)]
pub(super) struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Begins to listen. Must be called within the runtime.
    pub fn listen() -> Result<Stop, CliError> {
        let listen = |kind| signal(kind).map_err(|e| CliError::failed("cannot listen for signals").cause(e.to_string()));
        let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let asked = Arc::new(AtomicU8::new(0));
        let tell = asked.clone();
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = interrupt.recv() => 2,
                    _ = terminate.recv() => 15,
                };
                if tell.swap(number, Ordering::Relaxed) != 0 {
                    std::process::exit(128 + i32::from(number));
                }
            }
        });
        Ok(Stop(asked))
    }

    /// The number of the signal, if one came.
    pub fn asked(&self) -> Option<u8> {
        Some(self.0.load(Ordering::Relaxed)).filter(|number| *number != 0)
    }
}
