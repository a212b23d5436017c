//! tokio-postgres and sqlx: each connection brings a token of its own.

use std::cell::RefCell;

use jwt_sso_e2e::Cluster;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions, PgSslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::handout::{Handout, LONGEST};
use crate::{WORLD, doors, refused_as_expired};

#[path = "../../clients/fresh_sqlx.rs"]
mod fresh_sqlx;
#[path = "../../clients/fresh_tokio_postgres.rs"]
mod fresh_tokio_postgres;

const QUERY: &str = "SELECT concat_ws(' ', current_user, jwt_sso.claim('jti'))";

thread_local! {
    static HANDOUT: RefCell<Option<Handout>> = const { RefCell::new(None) };
}

/// What the programs of clients/ call for a token.
fn token() -> String {
    HANDOUT.with_borrow(|handout| handout.as_ref().expect("the test has set one").token())
}

#[test]
fn s14_tokio_postgres() {
    for (door, role) in doors() {
        HANDOUT.set(Some(Handout::two_and_an_expired(role, LONGEST)));
        block_on(tokio_postgres_brings_its_own(door, role));
    }
}

#[test]
fn s15_sqlx() {
    for (door, role) in doors() {
        HANDOUT.set(Some(Handout::two_and_an_expired(role, LONGEST)));
        block_on(sqlx_brings_its_own(door, role));
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

async fn tokio_postgres_brings_its_own(door: &str, role: &str) {
    let cluster = &WORLD.cluster;
    let mut config = tokio_postgres::Config::new();
    config.host("localhost").port(cluster.port()).user(role).dbname("postgres");
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let tls = verifying(cluster);
    let mut open = Vec::new();
    for jti in ["first", "second"] {
        let client = fresh_tokio_postgres::connect(&config, tls.clone()).await.unwrap();
        let row = client.query_one(QUERY, &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), format!("{role} {jti}"));
        open.push(client);
    }
    let error = fresh_tokio_postgres::connect(&config, tls).await.expect_err("a refusal");
    let error = error.as_db_error().expect("the server's").clone();
    assert_eq!(error.code().code(), "28000");
    let told = format!("{} {}", error.message(), error.detail().unwrap_or_default());
    refused_as_expired(&told, door, role);
}

async fn sqlx_brings_its_own(door: &str, role: &str) {
    let cluster = &WORLD.cluster;
    let options = PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(cluster.port())
        .username(role)
        .database("postgres")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(cluster.ca_path());
    let pool = PgPoolOptions::new().max_connections(3).connect_lazy_with(options);
    let mut open = Vec::new();
    for jti in ["first", "second"] {
        fresh_sqlx::renew(&pool);
        let mut connection = pool.acquire().await.unwrap();
        let who: String = sqlx::query_scalar(QUERY).fetch_one(&mut *connection).await.unwrap();
        assert_eq!(who, format!("{role} {jti}"));
        open.push(connection);
    }
    fresh_sqlx::renew(&pool);
    let error = pool.acquire().await.expect_err("a refusal");
    let error = error.into_database_error().expect("the server's");
    let error = error.downcast::<PgDatabaseError>();
    assert_eq!(error.code(), "28000");
    let told = format!("{} {}", error.message(), error.detail().unwrap_or_default());
    refused_as_expired(&told, door, role);
}

/// TLS that trusts the cluster's CA and nothing else, and holds the server to its name.
fn verifying(cluster: &Cluster) -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cluster.ca_path()).unwrap()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    MakeRustlsConnect::new(config)
}
