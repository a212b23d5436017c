//! What teaches: `--help`, manual pages, completions.
//! 1. `--help` of everything: examples, exit codes, no colours in a pipe
//! 2. the manual pages: one for each subcommand, with their sections, sound to man
//! 3. completions for every shell
//! 4. standard output that is full is a failure with a message

use crate::program::{program, run, run_on_terminal, run_with};
use std::fs::{self, File};
use std::process::{Command, Stdio};

const OURS: [&str; 5] = ["keys", "inspect", "dev-issuer", "completions", "man"];

#[test]
fn s1_help() {
    let whole = run(&["--help"]).ended(0).stdout;
    assert!(whole.contains("Exit codes:\n  0  done\n"), "{whole}");
    for subcommand in OURS {
        assert!(whole.contains(&format!("  {subcommand} ")), "{whole}");
        let help = run(&["help", subcommand]).ended(0).stdout;
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        assert!(examples.contains(&format!("jwt-sso {subcommand}")), "{help}");
        assert!(!help.contains('\u{1b}'), "{help}");
    }
    let coloured = run_on_terminal(&program(&["--help"]), "").stdout;
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    let mut plain = program(&["--help"]);
    plain.env("NO_COLOR", "1");
    assert!(!run_on_terminal(&plain, "").stdout.contains("\u{1b}["));
    // A secret in the environment is not shown.
    let mut command = program(&["inspect", "--help"]);
    command.env("JWT_SSO_DATABASE", "postgresql://u:hidden@h/d");
    assert!(!run_with(command, "").stdout.contains("hidden"));
}

#[test]
fn s2_manual_pages() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("man1");
    let ran = run(&["man", "--output-dir", at.to_str().unwrap()]).ended(0);
    assert!(ran.stderr.contains("pages in "), "{ran:?}");
    let whole = fs::read_to_string(at.join("jwt-sso.1")).unwrap();
    assert_eq!(run(&["man"]).ended(0).stdout, whole);
    for section in ["EXAMPLES", "\"EXIT STATUS\"", "FILES", "ENVIRONMENT", "SUBCOMMANDS"] {
        assert!(whole.contains(&format!(".SH {section}\n")), "{section}: {whole}");
    }
    for page in OURS.iter().chain(&["dev-issuer-token", "dev-issuer-rotate"]) {
        let path = at.join(format!("jwt-sso-{page}.1"));
        let roff = fs::read_to_string(&path).unwrap();
        assert!(roff.contains(".SH NAME\n"), "{roff}");
        assert!(roff.contains(".SH EXAMPLES\n"), "{roff}");
        assert!(!roff.contains(".SH EXTRA\n"), "{roff}");
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"]).arg(&path).env("MANPAGER", "cat");
        man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "100");
        // Without man, the roff is all that can be looked at.
        let Ok(output) = man.output() else { continue };
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(&format!("jwt-sso {}", page.replace("issuer-", "issuer "))),
            "{text}"
        );
    }
    run(&["man", "--output-dir", "/dev/null/x"]).ended(1).said("cannot make /dev/null/x");
}

#[test]
fn s3_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).ended(0).stdout;
        for subcommand in OURS {
            assert!(script.contains(subcommand), "{shell}: {subcommand}");
        }
        if shell == "bash" {
            let mut bash = Command::new("bash");
            bash.arg("-n");
            run_with(bash, &script).ended(0);
        }
    }
    run(&["completions", "tcsh"]).ended(2).said("invalid value");
}

#[test]
fn s4_standard_output_is_full() {
    for arguments in [&["man"][..], &["completions", "bash"]] {
        let mut command = program(arguments);
        command.stdin(Stdio::null()).stdout(File::create("/dev/full").unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let words = "cannot write to standard output: No space left on device";
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
    }
}
