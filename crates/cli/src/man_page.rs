//! `jwt-sso man`: the manual pages, made of the same texts as `--help`.

mod sections;

use crate::arguments;
use crate::failure::{Context, Failure};
use crate::output;
use anstream::eprintln;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::Roff;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  jwt-sso man | man -l -
  jwt-sso man --output-dir ~/.local/share/man/man1 && man jwt-sso-keys";

/// Print the manual page
///
/// Prints the page of the whole command; --output-dir writes that and one for
/// each subcommand.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Write jwt-sso.1 and a page for each subcommand into this folder
    #[arg(short, long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = arguments::Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &arguments.output_dir else {
        let page = page(&command).context("the manual page")?;
        return output::print(&String::from_utf8_lossy(&page));
    };
    fs::create_dir_all(folder).context(format_args!("cannot make {}", folder.display()))?;
    let mut pages = Vec::new();
    collect(&command, &mut pages).context("the manual pages")?;
    for (name, page) in &pages {
        let path = folder.join(name);
        fs::write(&path, page).context(format_args!("cannot write {}", path.display()))?;
    }
    eprintln!("{} pages in {}", pages.len(), folder.display());
    Ok(())
}

/// Of the command and of all below it: the file's name and the page.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    pages.push((Man::new(command.clone()).get_filename(), page(command)?));
    command.get_subcommands().try_for_each(|subcommand| collect(subcommand, pages))
}

/// clap_mangen's own sections, with those of the help's end under their titles
/// instead of one that is called EXTRA.
fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).manual("jwt_sso");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let help = command.get_after_long_help().or(command.get_after_help());
    let mut roff = Roff::new();
    for section in sections::of(&help.map(ToString::to_string).unwrap_or_default()) {
        section.render(&mut roff);
    }
    sections::environment(command, &mut roff);
    page.write_all(roff.to_roff().as_bytes())?;
    man.render_version_section(&mut page)?;
    Ok(page)
}
