//! `kfk man [DIR]`: manual pages from the same clap tree that parses the commands.

use std::path::PathBuf;

use clap_mangen::Man;

use super::error::CliError;
use super::out::Out;
use super::tool::{Context, Exit, Tool};
use super::{command, reference};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write all pages into this directory (created if needed) instead of printing kfk(1).
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,

    /// Print all commands and options as one page of Markdown instead.
    #[arg(long)]
    pub markdown: bool,
}

impl Tool for Args {
    const COMMAND: &'static str = "man";
    const ABOUT: &'static str = "Print the manual page, or write all pages into a directory.";

    fn run(self, _: &Context) -> Result<Exit, CliError> {
        if self.markdown && self.dir.is_some() {
            return Err(CliError::usage("--markdown is one page on standard output; a directory is for manual pages"));
        }
        if self.markdown {
            let mut out = Out::stdout();
            out.bytes(reference::page().as_bytes())?;
            out.flush()?;
            return Ok(Exit::OK);
        }
        let pages = pages()?;
        let Some(dir) = self.dir else {
            let mut out = Out::stdout();
            out.bytes(&pages[0].1)?;
            out.flush()?;
            return Ok(Exit::OK);
        };
        let failed =
            |path: &std::path::Path, e: std::io::Error| CliError::failed(format!("cannot write {}", path.display())).cause(e.to_string());
        std::fs::create_dir_all(&dir).map_err(|e| failed(&dir, e))?;
        for (name, text) in pages {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|e| failed(&path, e))?;
        }
        Ok(Exit::OK)
    }
}

/// File name and text of every page, kfk(1) first.
pub fn pages() -> Result<Vec<(String, Vec<u8>)>, CliError> {
    let mut root = command();
    root.build();
    let mut pages = vec![page("kfk".to_owned(), root.clone())?];
    pages_below("kfk", &root, &mut pages)?;
    Ok(pages)
}

/// A page for every subcommand, and for those it has itself.
fn pages_below(above: &str, command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), CliError> {
    for sub in command.get_subcommands() {
        let name = format!("{above}-{}", sub.get_name());
        pages.push(page(name.clone(), sub.clone())?);
        pages_below(&name, sub, pages)?;
    }
    Ok(())
}

fn page(name: String, command: clap::Command) -> Result<(String, Vec<u8>), CliError> {
    let mut text = Vec::new();
    let man = Man::new(command.name(name.clone())).manual("kfk manual").source("kfk");
    man.render(&mut text).map_err(|e| CliError::failed("cannot write the manual page").cause(e.to_string()))?;
    Ok((format!("{name}.1"), text))
}
