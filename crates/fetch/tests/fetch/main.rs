//! Fetching from an issuer that misbehaves: what the result or the error says.

mod answers;
mod connections;
mod discovery;
mod headers;
mod proxy;
mod redirects;
mod scene;
mod trust;
