//! `jwt-sso completions`: what a shell needs to complete the command line.

use crate::arguments;
use crate::failure::Failure;
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  jwt-sso completions bash > ~/.local/share/bash-completion/completions/jwt-sso
  jwt-sso completions zsh > ~/.zfunc/_jwt-sso
  jwt-sso completions fish > ~/.config/fish/completions/jwt-sso.fish

Open a new shell afterwards. For zsh, ~/.zshrc must have
  fpath+=~/.zfunc; autoload -Uz compinit; compinit";

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Which shell
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = arguments::Arguments::command();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "jwt-sso", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
