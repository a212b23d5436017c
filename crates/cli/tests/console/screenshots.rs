//! Every kind of page as people see it. With `JWT_SSO_UPDATE_DOCS=1` the pictures go into
//! docs/console, for whoever reads docs/console.md.

use crate::browser::{chromium, sign_in};
use crate::chromium::Chromium;
use crate::world::World;
use serde_json::json;
use std::path::{Path, PathBuf};

const LOOKS: [(&str, u32, u32, &str); 3] =
    [("light", 1000, 700, "light"), ("dark", 1000, 700, "dark"), ("phone", 375, 700, "light")];

#[test]
fn s8_every_page_in_every_look() {
    let world = World::start();
    let issuer = world.issuer();
    let map = json!([format!("{issuer} alice alice"), format!("{issuer} alice reporting")]);
    world.cluster.sql("CREATE ROLE reporting LOGIN");
    world.configure(&[
        ("jwt_sso.identity_map", &map.to_string()),
        ("jwt_sso.sql_host", "db.example.com"),
        ("jwt_sso.sql_port", "5432"),
        ("jwt_sso.oidc_button_text", "Sign in with Example"),
    ]);
    let folder = tempfile::tempdir().expect("a temp dir");
    let folder = match std::env::var_os("JWT_SSO_UPDATE_DOCS") {
        Some(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/console"),
        None => folder.path().to_owned(),
    };
    std::fs::create_dir_all(&folder).expect("own folder");
    let origin = world.console.origin().to_owned();
    let mut chromium = chromium(&world);
    for (look, width, height, scheme) in LOOKS {
        chromium.order("person", json!({"scheme": scheme, "width": width, "height": height}));
        chromium.open(&format!("{origin}/"));
        looked_at(&mut chromium, &folder, &format!("start-{look}"));
        sign_in(&mut chromium, &origin, "alice");
        looked_at(&mut chromium, &folder, &format!("token-{look}"));
        chromium.order("clear_cookies", json!(null));
        sign_in(&mut chromium, &origin, "mallory");
        assert_eq!(chromium.text("h1"), "You have no role here");
        looked_at(&mut chromium, &folder, &format!("error-{look}"));
        assert_eq!(chromium.complaints_of(&origin).len(), 1, "the 403 itself");
    }
}

/// Takes a picture, and holds the page to its width and to contrast.
fn looked_at(chromium: &mut Chromium, folder: &Path, name: &str) {
    let path: PathBuf = folder.join(format!("{name}.png"));
    chromium.order("screenshot", json!(path.display().to_string()));
    assert!(path.metadata().is_ok_and(|file| file.len() > 1000), "{name}");
    let sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(chromium.evaluate(sideways), 0, "{name} scrolls sideways");
    let faint = chromium.evaluate(FAINT);
    assert_eq!(faint, json!([]), "{name}: WCAG 2 AA wants 4.5 to 1");
}

/// The texts whose colour is too near to what is behind them (WCAG 2.2 §1.4.3).
const FAINT: &str = r#"(() => {
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((part) => {
      const c = part / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility()) continue;
    const [one, two] = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) faint.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
  }
  return faint;
})()"#;
