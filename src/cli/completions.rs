//! `cividb completions`: scripts that let shells complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::print;
use super::{Cli, Common, Error, Exit};

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell that the script is for
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            env!("CARGO_PKG_NAME"),
            &mut script,
        );
        print(common, &String::from_utf8_lossy(&script))?;
        Ok(Exit::Fine)
    }
}
