//! The ways a token comes in. Each door is thin: it gets a token and hands it,
//! with the role and the connection, to [`crate::decide`].

pub mod hook;
