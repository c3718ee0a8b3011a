//! `kfk install-links DIR`: kfk under the names of Kafka's scripts, so that runbooks run unchanged.

use std::fs;
use std::path::{Path, PathBuf};

use super::TOOLS;
use super::error::CliError;
use super::out::Out;
use super::tool::{Context, Exit, Tool};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to put the links; made if it is not there.
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Put links also where something else has the name.
    #[arg(long)]
    pub force: bool,
}

impl Tool for Args {
    const COMMAND: &'static str = "install-links";
    const ABOUT: &'static str = "Put links named as Kafka's scripts, with and without .sh, into a directory.";

    fn run(self, _: &Context) -> Result<Exit, CliError> {
        let program = std::env::current_exe().map_err(|e| CliError::failed("cannot tell where kfk itself is").cause(e.to_string()))?;
        fs::create_dir_all(&self.dir).map_err(|e| cannot("make", &self.dir, &e))?;
        let names = || TOOLS.iter().filter(|t| !t.kafka.is_empty()).flat_map(|t| [t.kafka.to_owned(), format!("{}.sh", t.kafka)]);
        if !self.force {
            // Looked at before the first is made: all of them, or none.
            for path in names().map(|name| self.dir.join(name)) {
                if path.symlink_metadata().is_ok() && !leads_to(&path, &program) {
                    let error = CliError::failed(format!("{} is there already", path.display()));
                    return Err(error.hint("--force puts links to kfk in the place of what is there"));
                }
            }
        }
        let mut out = Out::stdout();
        for name in names() {
            let path = self.dir.join(name);
            if !leads_to(&path, &program) {
                link(&path, &program)?;
            }
            out.line(path.display().to_string())?;
        }
        out.flush()?;
        Ok(Exit::OK)
    }
}

fn leads_to(path: &Path, program: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target == program)
}

/// Made aside and renamed, so that the name is never without a program.
fn link(path: &Path, program: &Path) -> Result<(), CliError> {
    let aside = path.with_extension("kfk-new");
    let _ = fs::remove_file(&aside);
    std::os::unix::fs::symlink(program, &aside).map_err(|e| cannot("make", &aside, &e))?;
    fs::rename(&aside, path).map_err(|e| {
        let _ = fs::remove_file(&aside);
        cannot("make", path, &e)
    })
}

fn cannot(what: &str, path: &Path, e: &std::io::Error) -> CliError {
    CliError::failed(format!("cannot {what} {}", path.display())).cause(e.to_string())
}
