//! Profiles:
//! 1. a profile names the source; the command line wins over it; `default` needs no name
//! 2. the options of another source do not count
//! 3. its files are named relative to it; --config and JWT_SSO_CONFIG name another one
//! 4. an unknown key, a wrong value and a mistake of TOML are refused with their place
//! 5. a secret is refused, and not repeated
//! 6. an unknown profile, a file that is missing; --list
//! 7. the example of docs/command.md is a sound file

use serde_json::json;

use crate::double::{Double, json as answer};
use crate::scene::{Home, some_token, text};

const FILE: &str = "config/jwt-sso/profiles.toml";

#[test]
fn s1_named() {
    let home = Home::new();
    let (one, two) = (some_token("one"), some_token("two"));
    home.write("config/jwt-sso/one", &one);
    let other = home.write("two", &two);
    home.write(
        FILE,
        "[profiles.default]\nsource = \"file\"\nfile = \"one\"\n\
        [profiles.prod]\nsource = \"file\"\nfile = \"missing\"\nhost = \"db.example\"\n",
    );
    assert_eq!(home.token(&[]).end().token(), one);
    assert_eq!(home.token(&["default"]).end().token(), one);
    assert!(home.token(&["prod"]).end().failed(1).contains("config/jwt-sso/missing"));
    assert_eq!(home.token(&["prod", "--file", text(&other)]).end().token(), two);
}

#[test]
fn s2_another_source() {
    let double = Double::start(|_, _| answer(&json!({"access_token": some_token("vm")})));
    let home = Home::new();
    home.write(
        FILE,
        "[profiles.default]\nsource = \"device\"\nissuer = \"https://idp.example\"\n\
        client_id = \"psql\"\nresource = \"postgres://db\"\n",
    );
    let said = home
        .token(&["--azure-imds", "--resource", "api://db"])
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &double.url())
        .end();
    said.token();
    assert_eq!(double.asked()[0].field("client_id"), None);
    assert_eq!(double.asked()[0].field("resource"), Some("api://db"));
}

#[test]
fn s3_another_file() {
    let home = Home::new();
    let token = some_token("alice");
    home.write("elsewhere/token", &token);
    let file =
        home.write("elsewhere/mine.toml", "[profiles.x]\nsource = \"file\"\nfile = \"token\"\n");
    assert_eq!(home.token(&["x", "--config", text(&file)]).end().token(), token);
    let said = home.token(&["x"]).env("JWT_SSO_CONFIG", text(&file)).end();
    assert_eq!(said.token(), token);
}

#[test]
fn s4_mistakes() {
    for (text, told) in [
        ("[profiles.x]\nisuer = \"a\"\n", ", line 2, column 1: unknown field `isuer`"),
        (
            "[profiles.x]\nsource = \"carrier-pigeon\"\n",
            ", line 2, column 10: unknown variant `carrier-pigeon`",
        ),
        ("[profiles.x]\nport = \"many\"\n", ", line 2, column 8: invalid type: string"),
        ("[profiles.x]\nport = 70000\n", ", line 2, column 8: invalid value: integer `70000`"),
        ("[profile.x]\n", ", line 1, column 2: unknown field `profile`"),
        ("[profiles.x\n", ", line 1, column 12: "),
    ] {
        let home = Home::new();
        let path = home.write(FILE, text);
        let said = home.token(&["x"]).end();
        let stderr = said.failed(2);
        assert!(stderr.contains(&format!("{}{told}", path.display())), "{stderr}");
    }
}

#[test]
fn s5_secrets() {
    for text in [
        "[profiles.x]\nclient_secret = \"hunter2\"\n",
        "[profiles.x]\npassword = \"hunter2\"\n",
        "[profiles.x]\ntoken = \"hunter2\"\n",
        "[profiles.x]\nclient_secret = \"hunter2\n",
        "[profiles.x]\nclient_secret = hunter2\n",
    ] {
        let home = Home::new();
        home.write(FILE, text);
        let said = home.token(&["x"]).end();
        let stderr = said.failed(2);
        assert!(stderr.contains(", line 2, column "), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    let home = Home::new();
    home.write(FILE, "[profiles.x]\nclient_secret = \"hunter2\"\n");
    let said = home.token(&["x"]).end();
    assert!(said.failed(2).contains("a secret does not belong into this file"), "{said:?}");
}

#[test]
fn s6_list() {
    let home = Home::new();
    let said = home.token(&["--list"]).end();
    assert!(said.failed(1).contains("no profile in "), "{said:?}");
    let said = home.token(&["prod"]).end();
    assert!(said.failed(2).contains("no profile \"prod\" in "), "{said:?}");
    home.write(
        FILE,
        "[profiles.prod]\nsource = \"device\"\nissuer = \"https://idp.example\"\n\
        host = \"db.example\"\n[profiles.a]\nuser = \"alice\"\n",
    );
    let said = home.token(&["prot"]).end();
    assert!(said.failed(2).contains("hint: there are: a, prod"), "{said:?}");
    let said = home.token(&["--list"]).end();
    assert_eq!(said.code, Some(0));
    assert_eq!(
        said.stdout,
        "a     no source\nprod  device of https://idp.example, for db.example\n"
    );
    let missing = home.path("missing.toml");
    let said = home.token(&["--list", "--config", text(&missing)]).end();
    assert!(said.failed(2).contains(&format!("cannot read {}", missing.display())), "{said:?}");
}

#[test]
fn s7_document() {
    let document = include_str!("../../../../docs/command.md");
    let (_, rest) = document.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let home = Home::new();
    home.write(FILE, example);
    let said = home.token(&["--list"]).end();
    let table = "default  device of https://idp.example, for db.example\n\
                 nightly  client-credentials of https://idp.example, for db.example\n";
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), table), "{said:?}");
}
