//! The decision as a whole, with minted tokens and an invented clock.
//!
//! 1. One refusal per reason code, and what is known of each (reasons.rs)
//! 2. The order of the checks: the first failure decides (order.rs)
//! 3. Check 2, the form of a token (form.rs)
//! 4. Checks 3 to 6: issuers, keys, signatures (keys.rs)
//! 5. Checks 7 to 9: times, audience, required claims (claims.rs)
//! 6. Checks 10 to 12: identity, map, reserved roles (roles.rs)
//! 7. What a door's line demands: an issuer, the server's own map (demands.rs)
//! 8. The dry run: the same checks, and on after a failure (explain.rs)
//! 9. Properties: no changed token is accepted, no two texts are one token (tampering.rs)

mod claims;
mod demands;
mod explain;
mod form;
mod keys;
mod minting;
mod order;
mod reasons;
mod roles;
mod scene;
mod tampering;
