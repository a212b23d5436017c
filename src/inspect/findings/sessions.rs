//! What `check()` finds of the settings about sessions and denial.

use super::{Finding, warning};
use crate::clock;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::session_expiry::SessionExpiry;

/// Settings that do not do what they seem to.
pub fn findings(policy: &Policy) -> Vec<Finding> {
    let over = policy.deny.over(clock::now()).into_iter().map(|(element, until)| {
        warning(
            format!(
                "element {element} of jwt_sso.deny keeps nobody out since {until}, its \"until\""
            ),
            "Take the element out of jwt_sso.deny, or give it a later \"until\".",
        )
    });
    let unknown = |(_, issuer): &(usize, &str)| policy.issuers.get(issuer).is_none();
    let nobody = policy.deny.issuers().filter(unknown).map(|(element, issuer)| {
        warning(
            format!(
                "element {element} of jwt_sso.deny keeps nobody out: {issuer:?} is not in \
                 jwt_sso.issuers"
            ),
            "Write the issuer in jwt_sso.deny exactly as in jwt_sso.issuers.",
        )
    });
    over.chain(nobody).chain(grace(policy)).chain(skew(policy)).collect()
}

fn grace(policy: &Policy) -> Option<Finding> {
    let unused = policy.session_expiry_grace > 0 && policy.session_expiry == SessionExpiry::Ignore;
    unused.then(|| {
        warning(
            "jwt_sso.session_expiry_grace means nothing while jwt_sso.session_expiry is ignore",
            "ALTER SYSTEM SET jwt_sso.session_expiry = 'terminate'; SELECT pg_reload_conf(); or \
             ALTER SYSTEM RESET jwt_sso.session_expiry_grace; SELECT pg_reload_conf();",
        )
    })
}

/// A token that `clock_skew` lets in after its `exp` opens a session that is
/// over already.
fn skew(policy: &Policy) -> Option<Finding> {
    let ends = policy.session_expiry != SessionExpiry::Ignore;
    (ends && policy.session_expiry_grace < policy.clock_skew).then(|| {
        warning(
            format!(
                "jwt_sso.session_expiry_grace ({} s) is shorter than jwt_sso.clock_skew ({} s): a \
                 login with a token that has just expired is accepted and ended at once",
                policy.session_expiry_grace, policy.clock_skew
            ),
            format!(
                "ALTER SYSTEM SET jwt_sso.session_expiry_grace = '{}s'; SELECT pg_reload_conf();",
                policy.clock_skew
            ),
        )
    })
}
