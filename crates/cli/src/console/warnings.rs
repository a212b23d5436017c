//! What is wrong between the settings of the console and those of the server,
//! said on the start page and in the log before anybody meets it.

use super::settings::Settings;
use jwt_sso_core::console_settings::UseToken;

/// One sentence for each, worst first.
pub fn of(settings: &Settings) -> Vec<String> {
    let (policy, provider) = (&settings.policy, &settings.provider_url);
    let mut found = Vec::new();
    if !policy.enabled {
        found.push("jwt_sso.enabled is off: the server takes no token.".to_owned());
    }
    match (policy.issuers.get(provider), policy.issuers.near(provider)) {
        (Some(issuer), _) => {
            let accepted = policy.audience_of(issuer);
            let needed = settings.use_token == UseToken::IdToken;
            if needed && !accepted.contains(&settings.client_id) {
                found.push(format!(
                    "jwt_sso.audience does not contain the client id {:?}: the server will refuse \
                     every token that is handed out here.",
                    settings.client_id
                ));
            }
        }
        (None, Some(near)) => found.push(format!(
            "jwt_sso.oidc_provider_url {provider:?} is not one of jwt_sso.issuers, which has \
             {near:?}: the two must be the same to the last slash."
        )),
        (None, None) => found.push(format!(
            "jwt_sso.oidc_provider_url {provider:?} is not one of jwt_sso.issuers: the server will \
             refuse every token that is handed out here."
        )),
    }
    if let Some(path) = &settings.unread_map_file {
        found.push(format!(
            "jwt_sso.identity_map_file {path:?} could not be read from here, so role names cannot \
             be told in full. Give the console a copy with --identity-map-file, or its role the \
             right to execute pg_read_file(text)."
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::settings::ServerFiles;
    use super::*;

    fn warnings(changes: &[(&str, &str)]) -> String {
        let sound = [
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.oidc_client_id", "pg"),
            ("jwt_sso.audience", "[\"other\",\"pg\"]"),
            ("jwt_sso.oidc_provider_url", "https://idp.example"),
            ("jwt_sso.issuers", "https://idp.example"),
        ];
        let values = sound.iter().chain(changes);
        let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        of(&Settings::compile(&values.collect(), &ServerFiles::default()).unwrap()).join("\n")
    }

    #[test]
    fn each_is_said() {
        assert_eq!(warnings(&[]), "");
        for (name, value, said) in [
            ("jwt_sso.enabled", "off", "jwt_sso.enabled is off"),
            ("jwt_sso.audience", "other", "jwt_sso.audience does not contain the client id \"pg\""),
            ("jwt_sso.issuers", "https://b.example", "is not one of jwt_sso.issuers: the server"),
            ("jwt_sso.issuers", "https://idp.example/", "which has \"https://idp.example/\""),
            ("jwt_sso.identity_map_file", "sso.map", "\"sso.map\" could not be read from here"),
        ] {
            let found = warnings(&[(name, value)]);
            assert!(found.contains(said), "{name}: {found}");
        }
    }

    #[test]
    fn an_access_token_has_its_own_audience() {
        let changes = [
            ("jwt_sso.audience", "postgres://db"),
            ("jwt_sso.oidc_generate_cluster_sso_token_use_token", "access_token"),
        ];
        assert_eq!(warnings(&changes), "");
    }
}
