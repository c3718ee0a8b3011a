//! What is generated from the command-line definitions and checked in must be current. `scripts/generate` writes it again.

use std::path::Path;

use kfk::cli::{completions, man, reference};

fn assert_current(path: &Path, text: &[u8]) {
    let kept = std::fs::read(path).unwrap_or_default();
    assert!(kept == text, "{} is not current: run scripts/generate", path.display());
}

#[test]
fn completions_are_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (file, shell) in [("kfk.bash", completions::Shell::Bash), ("_kfk", completions::Shell::Zsh), ("kfk.fish", completions::Shell::Fish)]
    {
        assert_current(&dir.join(file), &completions::script(shell).unwrap());
    }
}

#[test]
fn man_pages_are_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let pages = man::pages().unwrap();
    for (file, text) in &pages {
        assert_current(&dir.join(file), text);
    }
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), pages.len(), "man/ holds a page of no command");
}

#[test]
fn the_page_of_commands_is_current() {
    assert_current(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md"), reference::page().as_bytes());
}
