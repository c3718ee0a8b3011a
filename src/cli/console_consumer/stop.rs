//! How signals end the console consumers.

use std::future::Future;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::error::CliError;

/// SIGINT and SIGTERM: the first ends the loop, the second the process.
pub(in crate::cli) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub fn new() -> Result<Stop, CliError> {
        let listen = |kind| signal(kind).map_err(|e| CliError::failed("cannot listen for signals").cause(e.to_string()));
        Ok(Stop { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// The outcome of `work`, or the exit code of the signal that came first.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Result<T, u8> {
        tokio::select! {
            end = work => Ok(end),
            _ = self.interrupt.recv() => Err(self.second_kills(130)),
            _ = self.terminate.recv() => Err(self.second_kills(143)),
        }
    }

    fn second_kills(&mut self, code: u8) -> u8 {
        tokio::spawn(async move {
            let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            std::process::exit(i32::from(code));
        });
        code
    }
}
