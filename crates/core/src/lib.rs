//! The decision of jwt_sso, as a pure function: token, requested role, policy,
//! keys and time go in, a verdict comes out. No I/O, no clock, no PostgreSQL.
#![forbid(unsafe_code)]

pub mod advice;
pub mod algorithm;
pub mod algorithm_list;
pub mod audience;
pub mod claim_path;
pub mod claims;
pub mod console_settings;
pub mod custom_ca;
pub mod decision;
pub mod deny;
pub mod digest;
pub mod door;
pub mod hba;
pub mod held_keys;
pub mod https_url;
pub mod identity_map;
pub mod image;
pub mod issuers;
pub mod json;
pub mod jwk;
pub mod jwks;
pub mod kept_file;
pub mod lifetime;
pub mod pam_service;
pub mod password_packet;
pub mod policy;
pub mod published_set;
pub mod refusal;
pub mod required_claim;
pub mod rounds;
pub mod schedule;
pub mod self_test;
pub mod session_expiry;
pub mod setting_error;
pub mod setting_text;
pub mod settings;
pub mod signature;
pub mod time;
pub mod token;
pub mod visible;
