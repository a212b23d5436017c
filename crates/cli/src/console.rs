//! `jwt-sso console`: the page that hands out tokens.
//!
//! A person signs in at the identity provider; the answer to that is the page
//! with the token. Nothing is kept: the sign-in in progress is an encrypted
//! cookie, and the token is in one response.

mod arguments;
mod assets;
mod guard;
mod handlers;
mod lines;
mod log;
mod network;
mod pages;
mod problem;
mod provider;
mod settings;
mod sign_in;
mod source;
mod verdict;
mod warnings;

pub use arguments::Arguments;

use crate::failure::{Context, Failure};
use crate::http_client::HttpClient;
use handlers::Console;
use source::Source;
use std::sync::Arc;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    network::check(arguments)?;
    let console = Console::new(
        Source::new(arguments)?,
        HttpClient::new(arguments.ca.as_deref())?,
        network::Transport::of(arguments),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let served = runtime.block_on(network::serve(arguments, Arc::new(console)));
    // A provider that does not answer keeps nobody from ending the console.
    runtime.shutdown_background();
    served
}
