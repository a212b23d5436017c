//! The token console: the real command between a real OpenID provider and a real server.
//!
//! In a browser ([`browser`]), headless Chromium:
//! - s1: button, sign-in, token page, copy; psql logs in with what was copied. Nothing is asked of
//!   anybody else, no breach of the CSP, no code in the address, nothing secret in the log
//! - s2: the same by keyboard alone
//! - s3: several roles, and the ready-made lines of the one that is chosen
//! - s4: the clock runs out
//! - s5: the person cancels at the provider
//! - s6: without scripts
//! - s7: over TLS
//! - s8: every page in light and dark and on a phone ([`screenshots`])
//!
//! By HTTP ([`answers`], [`settings`], [`network`]):
//! - s9: wrong state, other issuer, half an answer
//! - s10: a code that is used again
//! - s11: no cookie, another process's cookie
//! - s12: the provider is down, before and after the sign-in
//! - s13: identities that map to nobody, to a superuser, to a role that is not there
//! - s14: switched off
//! - s15: the database is down, and comes back
//! - s16: settings that are wrong, not all to be seen, or not there at all
//! - s17: settings of server and console that do not fit together
//! - s18: the identity map in a file, readable and not
//! - s19: access tokens, opaque ones and JWTs
//! - s20: settings from options, and a client secret from a file and the environment
//! - s21: other pages, methods and hosts; every header
//! - s22: addresses that are refused, signals, a renewed certificate
//!
//! scripts/client-deps.sh installs the provider and Chromium.

mod answers;
mod browser;
mod chromium;
mod network;
mod screenshots;
mod settings;
mod visitor;
mod world;
