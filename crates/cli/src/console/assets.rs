//! The style sheet, the script and the icon, in the binary.

use aws_lc_rs::digest::{SHA256, digest};
use std::sync::LazyLock;

/// A file that a page refers to.
pub struct Asset {
    pub path: String,
    pub content_type: &'static str,
    pub content: &'static str,
}

/// What a page refers to. The path of the style sheet and of the script holds
/// a hash of their content, so that a browser may keep them for ever.
pub struct Assets {
    pub style: Asset,
    pub script: Asset,
    pub icon: Asset,
}

/// All of them.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: hashed("console.css", "text/css; charset=utf-8", STYLE),
    script: hashed("console.js", "text/javascript; charset=utf-8", SCRIPT),
    icon: Asset {
        path: "/favicon.svg".to_owned(),
        content_type: "image/svg+xml",
        content: include_str!("../../assets/console/favicon.svg"),
    },
});

const STYLE: &str = include_str!("../../assets/console/console.css");
const SCRIPT: &str = include_str!("../../assets/console/console.js");

fn hashed(name: &str, content_type: &'static str, content: &'static str) -> Asset {
    let hash = digest(&SHA256, content.as_bytes());
    let short: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Asset { path: format!("/assets/{short}/{name}"), content_type, content }
}
