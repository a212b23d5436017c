//! Issuers that misbehave. Each time a healthy issuer of the same cluster goes on unharmed,
//! and the faulty one works as soon as it is mended:
//! - `answers`: statuses, redirects, sizes and documents that are wrong; sets of which a part
//!   or all is useless
//! - `trust`: certificates that prove nothing
//! - `hangs`: at connect, at TLS, at headers, in the body; more of them than fetch threads
//! - `outage`: keys fetched once serve on, go stale, expire, and come back
//! - `lifetimes`: what the headers say decides the next fetch
//! - `flapping`: sets that change from fetch to fetch

mod answers;
mod flapping;
mod hangs;
mod lifetimes;
mod outage;
mod scene;
mod trust;
