//! Standard input as blocks of whole lines, read on a thread of its own so that waiting for input never holds up sending.

use std::io::{self, IsTerminal, Read, Write};

use tokio::sync::mpsc;

use crate::cli::error::stderr_line;
use crate::cli::tool::Context;

/// How much is asked for at once.
const READ_BYTES: usize = 256 * 1024;
/// Blocks read ahead of the sender.
const AHEAD: usize = 4;

/// Some lines, each with its end; the last one of the input may have none.
pub(super) type Block = Vec<u8>;

/// Starts reading. Ends after the end of the input, an error, or a line longer than `longest` bytes (which could not be sent anyway).
pub(super) fn read_lines(longest: usize, cx: &Context) -> mpsc::Receiver<io::Result<Block>> {
    let (give, take) = mpsc::channel(AHEAD);
    let prompt = Prompt::of(cx);
    std::thread::spawn(move || {
        if let Err(e) = pump(io::stdin().lock(), longest, prompt, &give) {
            // Nobody waits for lines any more: nothing to tell.
            let _ = give.blocking_send(Err(e));
        }
    });
    take
}

/// As `read_lines`, with blocks that end anywhere.
pub(super) fn read_bytes(cx: &Context) -> mpsc::Receiver<io::Result<Block>> {
    let (give, take) = mpsc::channel(AHEAD);
    Prompt::of(cx);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut block = vec![0; READ_BYTES];
            let read = input.read(&mut block);
            let sent = match read {
                Ok(0) => return,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Ok(n) => {
                    block.truncate(n);
                    give.blocking_send(Ok(block))
                }
                Err(e) => give.blocking_send(Err(e)),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    take
}

fn pump(mut input: impl Read, longest: usize, prompt: Prompt, give: &mpsc::Sender<io::Result<Block>>) -> io::Result<()> {
    let mut block = Vec::new();
    loop {
        prompt.show();
        let start = block.len();
        block.resize(start + READ_BYTES, 0);
        let read = match input.read(&mut block[start..]) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
            Ok(0) => {
                block.truncate(start);
                if !block.is_empty() {
                    let _ = give.blocking_send(Ok(block));
                }
                return Ok(());
            }
            other => other?,
        };
        block.truncate(start + read);
        let Some(end) = block[start..].iter().rposition(|b| *b == b'\n').map(|at| start + at + 1) else {
            if block.len() > longest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line is longer than {longest} bytes")));
            }
            continue;
        };
        let rest = block[end..].to_vec();
        block.truncate(end);
        if give.blocking_send(Ok(std::mem::replace(&mut block, rest))).is_err() {
            return Ok(());
        }
    }
}

/// What a person at a terminal sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prompt {
    None,
    /// Kafka's `>` before each line.
    Arrow,
}

impl Prompt {
    fn of(cx: &Context) -> Prompt {
        if !io::stdin().is_terminal() {
            return Prompt::None;
        }
        if cx.is_kafka() {
            return if io::stdout().is_terminal() { Prompt::Arrow } else { Prompt::None };
        }
        stderr_line("type records, one per line; Ctrl-D ends");
        Prompt::None
    }

    fn show(self) {
        if self == Prompt::Arrow {
            let mut out = io::stdout().lock();
            // A prompt that cannot be shown is no reason to stop.
            let _ = out.write_all(b">").and_then(|()| out.flush());
        }
    }
}

/// The lines of a block, without their ends (`\n` or `\r\n`).
pub(super) fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = block.strip_suffix(b"\n").unwrap_or(block);
    whole.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(into.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all_lines(text: &[u8], step: usize) -> Vec<String> {
        let (give, mut take) = mpsc::channel(1000);
        pump(Drip(text, step), 1000, Prompt::None, &give).unwrap();
        drop(give);
        let mut all = Vec::new();
        while let Some(block) = take.blocking_recv() {
            all.extend(lines(&block.unwrap()).map(|l| String::from_utf8(l.to_vec()).unwrap()));
        }
        all
    }

    #[test]
    fn lines_survive_any_cut_of_the_input() {
        for step in 1..12 {
            assert_eq!(all_lines(b"a\r\nbc\n\ndef\nlast", step), ["a", "bc", "", "def", "last"], "step {step}");
            assert_eq!(all_lines(b"x\n\n", step), ["x", ""], "step {step}");
            assert!(all_lines(b"", step).is_empty());
        }
    }

    #[test]
    fn a_line_that_never_ends_is_refused() {
        let (give, _take) = mpsc::channel(10);
        let e = pump(Drip(&[b'x'; 5000], 100), 1000, Prompt::None, &give).unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::InvalidData);
    }
}
