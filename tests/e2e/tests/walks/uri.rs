//! A connection URI that holds all: role, token as password, TLS.
//! 1. as it is
//! 2. with CockroachDB's option, its inner `=` as `%3D`, which libpq wants
//! 3. with CockroachDB's option set to false, and by PGOPTIONS: accepted, and ignored

use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};

use crate::server;

struct World {
    cluster: Cluster,
    issuer: Issuer,
}

impl World {
    fn start() -> World {
        let cluster = server(&[]);
        let key = SigningKey::generate("rsa-1", Algorithm::Rs256);
        let issuer = Issuer::with_key("https://idp.example", key);
        issuer.install(&cluster, &["maxroach", "other"]);
        World { cluster, issuer }
    }

    fn uri(&self, role: &str, more: &str) -> String {
        let token = self.issuer.token("maxroach").sign();
        let (port, ca) = (self.cluster.port(), self.cluster.ca_path().display());
        format!(
            "postgresql://{role}:{token}@localhost:{port}/postgres\
             ?sslmode=verify-full&sslrootcert={ca}{more}"
        )
    }

    #[track_caller]
    fn enters(&self, more: &str, pgoptions: &str) {
        let tls = "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())";
        let psql = self.cluster.psql().env("PGOPTIONS", pgoptions);
        let output =
            psql.uri(&self.uri("maxroach", more)).run(&format!("SELECT current_user, {tls}"));
        assert_eq!(output.stdout, "maxroach|t", "{}", output.stderr);
    }
}

#[test]
fn s1_plain() {
    let world = World::start();
    world.enters("", "");
    let output = world.cluster.psql().uri(&world.uri("other", "")).run("SELECT 1");
    assert!(output.stderr.contains("does not map to the requested role"), "{output:?}");
}

#[test]
fn s2_option() {
    World::start().enters("&options=--crdb:jwt_auth_enabled%3Dtrue", "");
}

#[test]
fn s3_option_elsewhere() {
    let world = World::start();
    world.enters("&options=--crdb:jwt_auth_enabled%3Dfalse", "");
    world.enters("", "--crdb:jwt_auth_enabled=true");
    world.enters("", "-c crdb:jwt_auth_enabled=true");
}
