//! What a run begins with. A target writes its seeds when it starts, into the
//! folder that `JWT_SSO_FUZZ_SEEDS` names, which libFuzzer reads right after:
//! so tokens in it are signed by the keys of that very process.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes one seed a file, where the variable is set.
pub fn write(seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(folder) = std::env::var_os("JWT_SSO_FUZZ_SEEDS") else { return };
    let folder = PathBuf::from(folder);
    for (number, seed) in seeds.into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:04}")), seed).expect("seeds can be written");
    }
}

/// The folder of the test vectors: `JWT_SSO_VECTORS`, or beside the checkout.
fn vectors() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = std::env::var_os("JWT_SSO_VECTORS").map_or_else(beside, PathBuf::from);
    let found = folder.is_dir().then_some(folder);
    if found.is_none() {
        eprintln!("SKIPPED: seeds from the vectors: none beside the checkout, nor JWT_SSO_VECTORS");
    }
    found
}

/// The contents of the vectors' files below `folder` whose names end so.
pub fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let Some(vectors) = vectors() else { return Vec::new() };
    let mut found = Vec::new();
    walk(&vectors.join(folder), ending, &mut found);
    found.sort();
    found.iter().map(|path| fs::read(path).expect("vectors are readable")).collect()
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// Every text in the JSON files of the vectors for which `pick` says yes, each once.
fn texts(pick: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["rfc", "wycheproof", "jose-cookbook"] {
        for file in files(folder, ".json") {
            each_value(&serde_json::from_slice(&file).expect("vectors are JSON"), &mut |value| {
                found.extend(value.as_str().filter(|text| pick(text)).map(str::to_owned));
            });
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The tokens of the vectors, good ones and others.
pub fn tokens() -> Vec<String> {
    texts(|text| text.len() < 4096 && text.matches('.').count() == 2 && text.starts_with("ey"))
}

/// The key sets and keys of the vectors, those of real issuers among them.
pub fn key_sets() -> Vec<Vec<u8>> {
    let mut found = files("wellknown", ".jwks.json");
    for folder in ["rfc", "wycheproof", "jose-cookbook"] {
        for file in files(folder, ".json") {
            each_value(&serde_json::from_slice(&file).expect("vectors are JSON"), &mut |value| {
                if value.get("kty").is_some() || value.get("keys").is_some() {
                    found.push(value.to_string().into_bytes());
                }
            });
        }
    }
    found.retain(|set| set.len() <= 16 * 1024);
    found.sort();
    found.dedup();
    found
}

/// JSON of every kind, sound and not.
pub fn json_texts() -> Vec<Vec<u8>> {
    files("JSONTestSuite", ".json").into_iter().filter(|text| text.len() <= 4096).collect()
}

fn each_value(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_value(item, visit)),
        Value::Object(members) => members.values().for_each(|member| each_value(member, visit)),
        _ => {}
    }
}
