//! Documents that name tests as their proof: each test that they name exists.
//! 1. docs/doors.md: each cell of the table names tests, and each test of door_failures.rs is named
//! 2. docs/attacks.md: each attack names tests, or says why there is none
//! 3. SECURITY.md: each guarantee names its tests, or a file of them

use jwt_sso_e2e::named_tests::{document, missing, named, rows, tests_of};

#[track_caller]
fn exist(text: &str) {
    let missing = missing(text);
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn s1_doors() {
    let text = document("docs/doors.md");
    let (_, table) = text.split_once("| | hook | pam | oauth |\n").expect("the table");
    let table: String = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect::<Vec<_>>()
        .join("\n");
    let rows = rows(&table);
    assert!(rows.len() >= 12, "{} rows", rows.len());
    for row in rows {
        assert_eq!(row.len(), 4, "{row:?}");
        for cell in &row[1..] {
            exist(cell);
            assert!(*cell == "–" || !named(cell).is_empty(), "no test: {cell}");
        }
    }
    let here = named(&table);
    for test in tests_of("door_failures.rs") {
        let test = ("door_failures.rs".to_owned(), test);
        assert!(here.contains(&test), "docs/doors.md does not name {test:?}");
    }
}

#[test]
fn s2_attacks() {
    let text = document("docs/attacks.md");
    let rows = rows(&text);
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for row in rows {
        assert_eq!(row.len(), 4, "{row:?}");
        exist(row[3]);
        assert!(row[3].starts_with('–') || !named(row[3]).is_empty(), "no test: {row:?}");
    }
}

#[test]
fn s3_security() {
    let text = document("SECURITY.md");
    let (_, after) = text.split_once("## What is guaranteed").expect("the guarantees");
    let (guarantees, _) = after.split_once("## What is not guaranteed").expect("its end");
    let rows = rows(guarantees);
    assert!(rows.len() >= 50, "{} rows", rows.len());
    for row in rows {
        assert_eq!(row.len(), 2, "{row:?}");
        exist(row[1]);
        // A file stands for all of its tests, a folder for none.
        assert!(row[1].contains(".rs`") && !row[1].contains("/`"), "no test: {row:?}");
    }
}
