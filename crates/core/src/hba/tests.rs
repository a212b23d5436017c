use super::*;

/// The rules of a file.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let line = |entry| match entry {
        Entry::Line(line) => Some(line),
        Entry::Include(_) => None,
    };
    entries(text).into_iter().filter_map(line).collect()
}

/// The one rule of a file.
#[track_caller]
pub(super) fn line(text: &str) -> Line {
    lines(text).pop().unwrap_or_else(|| panic!("no rule: {text}"))
}

/// The rules of a file of the name `hba`.
pub(super) fn places(text: &str) -> Vec<Place> {
    lines(text).into_iter().map(|line| Place { file: PathBuf::from("hba"), line }).collect()
}

#[test]
fn every_form_of_a_line() {
    for text in [
        "host all all all trust",
        "hostssl all all 0.0.0.0/0 trust",
        "hostnossl all all ::/0 trust",
        "hostgssenc all all samenet trust",
        "hostnogssenc all all .example.com trust",
        "local all all trust",
        "host all all 10.0.0.0 255.0.0.0 trust",
        "host all all fe80:: ffff:: trust",
        "host\t\"my db\",other +group, alice  \"all\"\ttrust",
        "host a,b, c u all trust",
        "host a u , v trust",
        "host all all all \"trust",
        "host all all all \"trust\"",
        "host all all all trust map=x",
        "\"host\" all all all trust",
        "host all all all tr\"us\"t",
    ] {
        let found = line(text);
        assert_eq!((found.method.as_str(), found.text.as_str()), ("trust", text));
        assert_eq!(
            line(&format!("  {text} ")).method,
            if text.ends_with("\"trust") { "trust " } else { "trust" }
        );
    }
}

#[test]
fn lines_that_are_none() {
    for text in [
        "",
        "# host all all all trust",
        "host all all all",
        "host all all all # trust",
        "hostall all all all trust",
        "host all all trust",
        "host a u, v trust",
        "host all all all trust,md5",
        "local all all",
        "local,host all all all trust",
    ] {
        assert_eq!(lines(text), [], "{text}");
    }
}

#[test]
fn the_parts_of_a_line() {
    let line = line("hostssl a,\"all\" +g,all 10.0.0.0/8 pam pamservice=x \"pamservice=y z\" # c");
    assert_eq!(line.kind, Kind::HostSsl);
    let is_all = |words: &[Word]| words.iter().map(|word| word.is("all")).collect::<Vec<_>>();
    assert_eq!(is_all(&line.databases), [false, false]);
    assert_eq!(is_all(&line.users), [false, true]);
    assert!(line.users[0].is_pattern() && !line.users[1].is_pattern());
    assert_eq!(line.option("pamservice"), Some("y z"));
    assert_eq!(line.option("map"), None);
    assert!(line.text.ends_with("pam pamservice=x \"pamservice=y z\""), "{}", line.text);
    assert_eq!(line.text_as("host"), line.text.replacen("hostssl", "host", 1));
}

#[test]
fn addresses() {
    let network = |is_v6, is_whole| Address::Network { is_v6, is_whole };
    for (address, expected) in [
        ("all", Address::Every),
        ("\"all\"", Address::Other),
        ("samehost", Address::Other),
        ("all.example.com", Address::Other),
        ("0.0.0.0/0", network(false, true)),
        ("::/0", network(true, true)),
        ("10.0.0.0/8", network(false, false)),
        ("::1/128", network(true, false)),
        ("0.0.0.0 0.0.0.0", network(false, true)),
        ("10.0.0.0 255.0.0.0", network(false, false)),
        (":: ::", network(true, true)),
    ] {
        let line = line(&format!("host all all {address} reject"));
        assert_eq!((line.address, line.method.as_str()), (expected, "reject"), "{address}");
    }
    assert_eq!(line("local all all peer").address, Address::Every);
}

#[test]
fn values_that_may_be_secret_are_left_out() {
    let line = line("host all all all ldap ldapserver=x \"ldapbindpasswd=a b\",map=c");
    assert_eq!(line.text, "host all all all ldap ldapserver=... ldapbindpasswd=... map=c");
}

#[test]
fn lines_are_numbered_and_continued() {
    let text =
        "# a \\\nhost all all all trust\r\nhost all \\\r\n  all all trust\nhost a a all trust";
    let found = lines(text);
    assert_eq!(found.iter().map(|line| line.number).collect::<Vec<_>>(), [3, 5]);
    assert_eq!(found[0].text, "host all   all all trust");
}

#[test]
fn includes_stand_in_order() {
    let text = "include pg_hba.conf\nlocal all all peer\n include_if_exists \"a b.conf\" # c\n\
         include_dir conf.d\ninclude";
    let include = |kind, path: &str| Entry::Include(Include { kind, path: path.to_owned() });
    let expected = [
        include(IncludeKind::File, "pg_hba.conf"),
        Entry::Line(line("\nlocal all all peer")),
        include(IncludeKind::FileIfExists, "a b.conf"),
        include(IncludeKind::Folder, "conf.d"),
    ];
    assert_eq!(entries(text), expected);
}
