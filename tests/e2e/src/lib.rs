//! What the end-to-end tests are made of: a real temporary cluster ([`cluster`]), an issuer
//! that signs without a line of the extension's code ([`issuer`], [`token`]), the real psql
//! ([`psql`]), a raw protocol client ([`wire`]), and the two verdicts ([`expect`]).
//!
//! The tests look at the extension only from outside, so nothing here depends on it.

pub mod authority;
pub mod browser;
pub mod builder;
pub mod cluster;
pub mod connect_proxy;
pub mod expect;
pub mod faulty_issuer;
pub mod fixture;
pub mod installation;
pub mod issuer;
pub mod message;
pub mod named_tests;
pub mod oauthbearer;
pub mod pam;
pub mod provider;
pub mod psql;
pub mod standby;
mod template;
pub mod tls;
pub mod token;
pub mod trace;
pub mod wire;

pub use builder::ClusterBuilder;
pub use cluster::Cluster;
pub use expect::{accepted, refused};
pub use issuer::{Algorithm, Issuer, SigningKey};
pub use provider::Provider;
pub use token::Token;
pub use wire::{Client, End, Transport};
