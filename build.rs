//! Compiles the C shim against the headers of the selected PostgreSQL.

use pgrx_pg_config::Pgrx;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/pg/shim.c");
    println!("cargo::rerun-if-env-changed=PGRX_PG_CONFIG_PATH");

    // The one pgNN feature that is on, found as pgrx itself finds it: by
    // PGRX_PG_CONFIG_PATH or among the servers that `cargo pgrx init` knows.
    let label = (15..=18)
        .find(|major| std::env::var_os(format!("CARGO_FEATURE_PG{major}")).is_some())
        .map(|major| format!("pg{major}"))
        .ok_or("no feature pg15, pg16, pg17 or pg18 is on")?;
    let pg_config = Pgrx::from_config()?.get(&label)?;

    cc::Build::new()
        .file("src/pg/shim.c")
        .include(pg_config.includedir_server()?)
        .flag("-fvisibility=hidden")
        .flag("-fno-strict-aliasing")
        .flag("-fwrapv")
        // PostgreSQL's own headers have unused parameters and mixed signs.
        .flag("-Wno-unused-parameter")
        .flag("-Wno-sign-compare")
        .compile("jwt_sso_shim");
    Ok(())
}
