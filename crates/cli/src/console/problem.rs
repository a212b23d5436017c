//! Everything that can go wrong, as a page: what happened, what to do, and the
//! right HTTP status.

use super::provider::ProviderError;
use super::source::Unavailable;
use super::verdict::{self, NoVerdict};
use axum::http::StatusCode;
use jwt_sso_core::refusal::{Refusal, words};

/// A page instead of the one that was asked for.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// For the log: `reason=wrong_state`.
    pub reason: &'static str,
    pub heading: &'static str,
    /// What happened, each a paragraph.
    pub happened: Vec<String>,
    /// What to do about it.
    pub remedy: String,
    /// For the log alone.
    pub detail: String,
}

const AGAIN: &str = "Begin again from the start page.";
const TELL: &str = "Tell whoever runs this server; the console's log has the details.";

impl Problem {
    fn new(
        status: StatusCode,
        reason: &'static str,
        heading: &'static str,
        happened: &str,
        remedy: &str,
    ) -> Problem {
        Problem {
            status,
            reason,
            heading,
            happened: vec![happened.to_owned()],
            remedy: remedy.to_owned(),
            detail: String::new(),
        }
    }

    #[must_use]
    fn also(mut self, happened: impl Into<String>) -> Problem {
        self.happened.push(happened.into());
        self
    }

    #[must_use]
    fn detail(self, detail: impl Into<String>) -> Problem {
        Problem { detail: detail.into(), ..self }
    }

    pub fn not_found() -> Problem {
        let happened = "The console has no page of this name.";
        Problem::new(StatusCode::NOT_FOUND, "not_found", "No such page", happened, AGAIN)
    }

    pub fn method_not_allowed() -> Problem {
        let happened = "The console's pages can only be looked at: it takes GET and nothing else.";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Problem::new(status, "method_not_allowed", "Not possible here", happened, AGAIN)
    }

    pub fn wrong_host(origin: Option<&str>) -> Problem {
        let happened = "This address is not the console's own. Other names are refused, so that \
                        no other site can reach the console through your browser.";
        let problem = Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "This is not the console's address",
            happened,
            "Use the address that you were given for the console.",
        );
        match origin {
            Some(origin) => Problem { remedy: format!("Open {origin} instead."), ..problem },
            None => problem,
        }
    }

    pub fn busy() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Too many sign-ins at once",
            "The console is busy with the sign-ins of others.",
            "Wait a minute, then begin again from the start page.",
        )
    }

    pub fn disabled() -> Problem {
        Problem::new(
            StatusCode::FORBIDDEN,
            "disabled",
            "No tokens are handed out here",
            "An administrator has switched the handing out of tokens off.",
            "Get a token in another way, or ask an administrator to set \
             jwt_sso.oidc_generate_cluster_sso_token_enabled.",
        )
    }

    pub fn nothing_to_do() -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "no_answer",
            "There is nothing here any more",
            "This page shows the result of a sign-in once. It was loaded again, or opened by \
             itself, and a token is never kept.",
            "Begin again from the start page to get another token.",
        )
    }

    pub fn malformed_answer() -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_answer",
            "The answer of the provider is incomplete",
            "The identity provider sent you back without the parts that a sign-in has.",
            AGAIN,
        )
    }

    pub fn no_cookie(origin: &str) -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "no_cookie",
            "The sign-in has expired",
            "This browser has no sign-in in progress. A sign-in lasts ten minutes, ends when the \
             console is started anew, and needs cookies.",
            &format!("Begin again from the start page, at {origin}."),
        )
    }

    pub fn wrong_state() -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "wrong_state",
            "This answer belongs to another sign-in",
            "It is not the answer to the sign-in that this browser began last. Another window may \
             have begun one since, or a link brought you here that you should not trust.",
            "Begin again from the start page, and finish it in one window.",
        )
    }

    pub fn replayed() -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "replayed",
            "This sign-in was used already",
            "Each sign-in gives a token once. The page was loaded again, or its address was used \
             by somebody else.",
            "Begin again from the start page to get another token.",
        )
    }

    pub fn other_issuer() -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "other_issuer",
            "The answer is not your provider's",
            "It names another identity provider than the one where the sign-in began, and was not \
             used.",
            TELL,
        )
    }

    /// The provider's answer was an error (RFC 6749 §4.1.2.1).
    pub fn provider_said(error: &str, description: Option<&str>) -> Problem {
        let said = words::escaped(error, 100);
        let log = format!("error={}", words::quote(error));
        if error == "access_denied" {
            let happened = "The identity provider says that access was denied (access_denied): you \
                            cancelled, or you may not use this application.";
            let remedy = "Begin again from the start page. If it happens again, ask whoever runs \
                          the identity provider to let you use this application.";
            let heading = "The sign-in was not completed";
            let problem =
                Problem::new(StatusCode::FORBIDDEN, "access_denied", heading, happened, remedy);
            return problem.described(description).detail(log);
        }
        let heading = "The identity provider refused the sign-in";
        let happened = format!("Its answer is {said}.");
        Problem::new(StatusCode::BAD_GATEWAY, "provider_error", heading, &happened, TELL)
            .described(description)
            .detail(log)
    }

    #[must_use]
    fn described(self, description: Option<&str>) -> Problem {
        match description {
            Some(text) => self.also(format!("It says: {}", words::escaped(text, 500))),
            None => self,
        }
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Problem {
        match error {
            ProviderError::Secret(why) => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "client_secret",
                "The console's settings are wrong",
                "The console cannot read its client secret (jwt_sso.oidc_client_secret_file).",
                TELL,
            )
            .detail(why),
            ProviderError::Unusable(why) => Problem::new(
                StatusCode::BAD_GATEWAY,
                "provider_down",
                "The identity provider does not answer",
                "The console could not reach the identity provider, or could not use its answer.",
                "Try again in a few minutes. Tokens that you have keep working until they expire.",
            )
            .detail(why),
            ProviderError::Refused { error, description } if error == "invalid_grant" => {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "code_refused",
                    "The identity provider no longer knows this sign-in",
                    "It took too long, or it was used before (invalid_grant).",
                    AGAIN,
                )
                .detail(words::quote(description.as_deref().unwrap_or_default()))
            }
            ProviderError::Refused { error, description } => {
                Problem::provider_said(&error, description.as_deref())
            }
            ProviderError::OtherIssuer => Problem::other_issuer(),
            ProviderError::Unsound(why) => Problem::new(
                StatusCode::BAD_GATEWAY,
                "unsound_id_token",
                "The identity provider's answer cannot be trusted",
                "Its ID token does not belong to this sign-in, or its signature does not verify.",
                TELL,
            )
            .detail(words::escaped(&why, 300)),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(why: Unavailable) -> Problem {
        let server_error = StatusCode::INTERNAL_SERVER_ERROR;
        let wrong = "The console's settings are wrong";
        match why {
            Unavailable::Database(why) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "database_down",
                "The database does not answer",
                "The console reads its settings from the database, which it cannot reach.",
                "Try again in a few minutes. If it lasts, tell whoever runs the server; the \
                 console's log has the details.",
            )
            .detail(why),
            Unavailable::NotPreloaded => Problem::new(
                server_error,
                "not_preloaded",
                "The server does not take tokens",
                "PostgreSQL runs without the library jwt_sso, so it has none of its settings.",
                "Add jwt_sso to shared_preload_libraries in postgresql.conf and restart \
                 PostgreSQL.",
            ),
            Unavailable::TooOld => Problem::new(
                server_error,
                "library_too_old",
                "The server's library is too old",
                "The library jwt_sso of this server has no settings for the console.",
                "Install the release of jwt_sso that this console is from, and restart PostgreSQL.",
            ),
            Unavailable::NotAllowed => Problem::new(
                server_error,
                "not_allowed",
                "The console may not read its settings",
                "The console's role does not see jwt_sso.identity_map, which superusers and \
                 members of pg_read_all_settings see.",
                "Run: GRANT pg_read_all_settings TO the console's role.",
            ),
            Unavailable::Wrong(wrong_setting) => {
                let super::settings::Wrong { setting, why } = wrong_setting;
                let problem = Problem::new(
                    server_error,
                    "wrong_setting",
                    wrong,
                    &format!("{setting}: {}.", why.detail),
                    why.hint.as_deref().unwrap_or(
                        "Set it by ALTER SYSTEM SET and SELECT pg_reload_conf(); the console reads \
                         it again by itself.",
                    ),
                );
                problem.detail(format!("{setting}: {}", why.detail))
            }
        }
    }
}

impl From<NoVerdict> for Problem {
    fn from(none: NoVerdict) -> Problem {
        match none {
            NoVerdict::Opaque => Problem::new(
                StatusCode::BAD_GATEWAY,
                "opaque_token",
                "This provider's token cannot be used",
                "The access token is opaque: it is not a JSON Web Token, so PostgreSQL cannot \
                 verify it.",
                "An administrator can set jwt_sso.oidc_generate_cluster_sso_token_use_token to \
                 id_token, or ask for a resource whose access tokens are JWTs.",
            ),
            NoVerdict::Nobody { why, identities } => nobody(&why, &identities),
            NoVerdict::Refused(why) => {
                let remedy = verdict::remedy(&why).unwrap_or(TELL);
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "would_be_refused",
                    "The server would refuse this token",
                    "You are signed in, but the settings of the server and of the console do not \
                     fit together.",
                    remedy,
                )
                .also(verdict::said(&why))
                .detail(verdict::said(&why))
            }
        }
    }
}

fn nobody(why: &Refusal, identities: &[String]) -> Problem {
    let happened = match identities {
        [] => "You are signed in, but your token does not say who you are to the database.",
        _ => "You are signed in, but no role of the database belongs to you.",
    };
    let ask = "Ask an administrator of the database for a role.";
    let remedy = verdict::remedy(why).map_or(ask.to_owned(), |how| format!("{ask} {how}"));
    let heading = "You have no role here";
    let problem = Problem::new(StatusCode::FORBIDDEN, "nobody", heading, happened, &remedy);
    let who = match identities {
        [] => String::new(),
        several => format!(" principal={}", words::list(several)),
    };
    let problem = match identities {
        [] => problem,
        [one] => problem.also(format!("Your identity is {}.", words::quote(one))),
        several => problem.also(format!("Your identities are {}.", words::list(several))),
    };
    // That no line gives a role has just been said in better words.
    let said = verdict::said(why);
    let problem = match why {
        Refusal::RoleNotMapped { .. } => problem,
        _ => problem.also(format!("The server would refuse the token: {said}.")),
    };
    problem.detail(format!("{said}{who}"))
}
