//! Every command line with `jwt-sso` in the documents is one that we take, and
//! every profile there is one that we read.

use super::Arguments;
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};

fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [root.clone(), root.join("docs"), root.join("docs/providers")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let files = files.map(|entry| entry.expect("an entry").path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| (path.clone(), fs::read_to_string(&path).expect("UTF-8")))
        .collect()
}

/// The fenced blocks of these languages.
fn blocks<'t>(text: &'t str, languages: &[&str]) -> Vec<&'t str> {
    // Outside and inside of fences take turns.
    let fenced = text.split("\n```").skip(1).step_by(2);
    let split = fenced.filter_map(|block| block.split_once('\n'));
    let wanted = |language: &str| languages.contains(&language.split(' ').next().unwrap_or(""));
    split.filter(|(language, _)| wanted(language)).map(|(_, body)| body).collect()
}

/// The words of each `jwt-sso …` in a shell's text, up to what ends a command.
fn commands(block: &str) -> Vec<Vec<String>> {
    let joined = block.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.trim_start().starts_with('#'));
    let found =
        lines.flat_map(|line| line.match_indices("jwt-sso ").map(move |(at, _)| (line, at)));
    let called = found.filter(|(line, at)| !line[..*at].ends_with(['/', '-', '.', '_']));
    called.map(|(line, at)| words(&filled_in(&line[at..]))).collect()
}

/// What stands in `<…>` is the reader's; here it is 1.
fn filled_in(text: &str) -> String {
    let mut parts = text.split('<');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |filled, part| match part.split_once('>') {
        Some((_, rest)) => filled + "1" + rest,
        None => filled + "<" + part,
    })
}

fn words(text: &str) -> Vec<String> {
    let ends = [')', '"', ';'];
    let mut words: Vec<String> = Vec::new();
    for word in shlex::Shlex::new(text) {
        if ["|", "&&", "||", ">", "&"].contains(&word.as_str()) {
            break;
        }
        let ended = word.trim_end_matches(ends);
        words.push(ended.to_owned());
        if ended != word {
            break;
        }
    }
    words
}

#[test]
fn commands_of_the_documents() {
    let mut count = 0;
    for (path, text) in documents() {
        let blocks = blocks(&text, &["sh", "bash", "console", "yaml", "ini"]);
        for words in blocks.into_iter().flat_map(commands) {
            let refused =
                Arguments::try_parse_from(&words).err().filter(|error| error.use_stderr());
            assert!(refused.is_none(), "{}: {words:?}: {refused:?}", path.display());
            count += 1;
        }
    }
    assert!(count > 30, "{count} commands");
}

#[test]
fn profiles_of_the_documents() {
    let mut count = 0;
    for (path, text) in documents() {
        for block in blocks(&text, &["toml"]) {
            let read = crate::profile::check(block);
            assert!(read.is_ok(), "{}: {block}: {read:?}", path.display());
            count += 1;
        }
    }
    assert!(count >= 2, "{count} profiles");
}
