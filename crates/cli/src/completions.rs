//! `jwt-sso completions`: what a shell needs to complete the command line.

use crate::arguments;
use crate::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print the completions for a shell
///
/// For bash: jwt-sso completions bash > ~/.local/share/bash-completion/completions/jwt-sso
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which shell
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = arguments::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "jwt-sso", &mut std::io::stdout());
    Ok(())
}
