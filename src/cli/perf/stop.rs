//! SIGINT and SIGTERM: the first ends the work, so that what was measured can be told; the second ends the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::error::CliError;

/// Listens for both from its making on.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Errors: the system does not let it listen.
    pub fn new() -> Result<Stop, CliError> {
        let listen = |kind| signal(kind).map_err(|e| CliError::failed("cannot listen for signals").cause(e.to_string()));
        Ok(Stop { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for a signal and gives its number. From then on another one ends the process.
    pub async fn signalled(&mut self) -> u8 {
        let number = tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        };
        let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        tokio::spawn(async move {
            let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return };
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            std::process::exit(128 + i32::from(number));
        });
        number
    }

    /// `work`, unless a signal comes first: then its number.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Result<T, u8> {
        tokio::select! {
            done = work => Ok(done),
            number = self.signalled() => Err(number),
        }
    }
}
