//! Vectors that nobody on this project wrote.
//!
//! They are read from `../shared/vectors` beside the repository, or from the
//! folder that `JWT_SSO_VECTORS` names. Where there is none, each test says so.
//!
//! 1. Wycheproof: JWS and JWK, the asymmetric cases (wycheproof.rs)
//! 2. The examples of RFC 7515, 7519 and 8037 (rfc.rs)
//! 3. The JOSE cookbook, RFC 7520 (cookbook.rs)
//! 4. JSONTestSuite through the parsers of tokens and key sets (json_test_suite.rs)
//! 5. Key sets of real issuers (wellknown.rs)

mod cookbook;
mod folder;
mod json_test_suite;
mod rfc;
mod verdict;
mod wellknown;
mod wycheproof;
