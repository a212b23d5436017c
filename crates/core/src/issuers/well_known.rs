//! Issuer identifiers out of the URIs of their discovery documents.

const PREFIX: &str = "/.well-known/";
const DOCUMENTS: [&str; 2] = ["openid-configuration", "oauth-authorization-server"];

/// The issuer that the option `issuer` of an `oauth` line means: the text as it
/// is, or, where it is the URI of a discovery document, the issuer of that
/// document. The URI may have the document's name at its end (OpenID Connect
/// Discovery 1.0 §4) or before the path (RFC 8414 §3.1). libpq derives it in
/// the same way (`issuer_from_well_known_uri`); what it refuses as a URI is
/// left as it is here, and then hardly any token's `iss`.
pub fn issuer_of_line(text: &str) -> String {
    split(text).map_or_else(|| text.to_owned(), |(before, after)| format!("{before}{after}"))
}

/// What stands before and after the well-known part of the URI.
fn split(uri: &str) -> Option<(&str, &str)> {
    let scheme = uri.find("://")? + "://".len();
    if !["https://", "http://"].iter().any(|known| uri[..scheme].eq_ignore_ascii_case(known)) {
        return None;
    }
    // Neither kind of URI has a query or a fragment, in which a prefix could hide.
    if uri.contains(['?', '#']) {
        return None;
    }
    let start = scheme + uri[scheme..].find(PREFIX)?;
    let name = &uri[start + PREFIX.len()..];
    let after = DOCUMENTS.iter().find_map(|document| name.strip_prefix(document))?;
    let path = scheme + uri[scheme..].find('/')?;
    let whole_segment = after.is_empty() || after.starts_with('/');
    let at_either_end = after.is_empty() || start == path;
    (whole_segment && at_either_end).then_some((&uri[..start], after))
}

#[cfg(test)]
mod tests {
    use super::issuer_of_line;

    #[test]
    fn an_issuer_is_itself() {
        for issuer in ["https://idp.example", "https://idp.example/", "https://a.b/c?x", "idp", ""]
        {
            assert_eq!(issuer_of_line(issuer), issuer);
        }
    }

    #[test]
    fn both_documents_at_either_end_of_the_path() {
        for name in ["openid-configuration", "oauth-authorization-server"] {
            for (uri, issuer) in [
                (format!("https://a.b/.well-known/{name}"), "https://a.b"),
                (format!("https://a.b:1/c/.well-known/{name}"), "https://a.b:1/c"),
                (format!("https://a.b/.well-known/{name}/c/d"), "https://a.b/c/d"),
                (format!("https://a.b/.well-known/{name}/"), "https://a.b/"),
                (format!("HTTP://a.b/.well-known/{name}"), "HTTP://a.b"),
            ] {
                assert_eq!(issuer_of_line(&uri), issuer, "{uri}");
            }
        }
    }

    #[test]
    fn what_libpq_refuses_stands_for_nothing_else() {
        for uri in [
            "https://a.b/.well-known/openid-configuration-bad",
            "https://a.b/.well-known/",
            "https://a.b/.well-known/other",
            "https://a.b/c/.well-known/openid-configuration/d",
            "https://a.b/.well-known/openid-configuration?x",
            "https://a.b/.well-known/openid-configuration#x",
            "https://a.b?/.well-known/openid-configuration",
            "ftp://a.b/.well-known/openid-configuration",
            "a.b/.well-known/openid-configuration",
            "/.well-known/openid-configuration",
        ] {
            assert_eq!(issuer_of_line(uri), uri);
        }
    }
}
