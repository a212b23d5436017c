//! docs/settings.md is what the table of settings says.

use jwt_sso_core::settings;
use std::path::Path;

/// The document is written by this test when JWT_SSO_UPDATE_DOCS is 1.
#[test]
fn the_document_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    if std::env::var("JWT_SSO_UPDATE_DOCS").as_deref() == Ok("1") {
        std::fs::write(&path, settings::markdown()).unwrap();
    }
    let document = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        document == settings::markdown(),
        "docs/settings.md differs from the table of settings: run \
         JWT_SSO_UPDATE_DOCS=1 cargo test -p jwt_sso_core"
    );
}
