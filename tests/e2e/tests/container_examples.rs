//! The examples in packaging/, as far as they can be tried without containers:
//! 1. the YAML is well-formed; what is named `jwt_sso.…` is a setting; the lines of the HBA file
//!    are lines, and its token line is one over TLS; each file that a setting names is mounted;
//!    the pod asks for the audience that the server accepts, as the account that the map names
//! 2. (PostgreSQL 18) the cluster's settings and files let the pod's token in, with the library
//!    and the control file outside of the installation, as an image volume has them; the worker
//!    fetches the keys, and the one library that any process has is that one
//! 3. (PostgreSQL 18) the same library serves the PAM door
//! 4. the Dockerfile builds by `make`, and copies only what `make stage` has laid out

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jwt_sso_core::hba::{self, Entry};
use jwt_sso_core::settings::TABLE;
use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::{Client, Cluster, ClusterBuilder, Issuer, refused};
use serde::Deserialize;
use serde_json::{Value, json};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

fn packaging(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn documents(name: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(&packaging(name))
        .map(|document| Value::deserialize(document).unwrap_or_else(|e| panic!("{name}: {e}")))
        .collect()
}

fn of_kind(documents: &[Value], kind: &str) -> Value {
    let mut found = documents.iter().filter(|document| document["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind}")).clone();
    assert!(found.next().is_none(), "two of {kind}");
    first
}

/// What cluster.yaml says of the server.
struct Example {
    parameters: Vec<(String, String)>,
    config_map: Value,
    cluster: Value,
}

impl Example {
    fn read() -> Example {
        let documents = documents("cloudnative-pg/cluster.yaml");
        let cluster = of_kind(&documents, "Cluster");
        let parameters = cluster["spec"]["postgresql"]["parameters"].as_object().unwrap();
        // The operator takes strings only.
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        Example {
            parameters: parameters.iter().map(|(name, v)| (name.clone(), text(v))).collect(),
            config_map: of_kind(&documents, "ConfigMap"),
            cluster,
        }
    }

    fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }

    /// The ConfigMap and its key from which the file at `path` in the pod comes.
    fn source(&self, path: &str) -> (String, String) {
        let path = path.strip_prefix("/projected/").unwrap_or_else(|| panic!("{path}: where?"));
        let sources = self.cluster["spec"]["projectedVolumeTemplate"]["sources"].as_array();
        for source in sources.unwrap() {
            for item in source["configMap"]["items"].as_array().unwrap() {
                if item["path"] == path {
                    let name = source["configMap"]["name"].as_str().unwrap();
                    return (name.to_owned(), item["key"].as_str().unwrap().to_owned());
                }
            }
        }
        panic!("nothing is mounted at {path}")
    }

    /// The text of the file that a setting names.
    fn file(&self, setting: &str) -> String {
        let (name, key) = self.source(self.parameter(setting));
        assert_eq!(self.config_map["metadata"]["name"], name);
        self.config_map["data"][&key].as_str().unwrap().to_owned()
    }
}

/// The pod's service account and the audience of its token.
fn pod() -> (String, String) {
    let documents = documents("kubernetes/client.yaml");
    let account = of_kind(&documents, "ServiceAccount")["metadata"].clone();
    let pod = of_kind(&documents, "Pod");
    assert_eq!(pod["spec"]["serviceAccountName"], account["name"]);
    assert_eq!(pod["metadata"]["namespace"], account["namespace"]);
    let token = &pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    let mount = &pod["spec"]["containers"][0]["volumeMounts"][0];
    let file =
        format!("{}/{}", mount["mountPath"].as_str().unwrap(), token["path"].as_str().unwrap());
    let command = pod["spec"]["containers"][0]["command"].to_string();
    assert!(command.contains(&format!("$(cat {file})")), "{command}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let subject =
        format!("system:serviceaccount:{}:{}", text(&account["namespace"]), text(&account["name"]));
    (subject, text(&token["audience"]))
}

#[test]
fn s1_files() {
    let example = Example::read();
    for (name, value) in &example.parameters {
        assert!(TABLE.iter().any(|setting| setting.name == name), "{name} is no setting");
        if value.starts_with('/') {
            example.source(value);
        }
    }
    assert_eq!(
        example.cluster["spec"]["postgresql"]["shared_preload_libraries"],
        json!(["jwt_sso"])
    );
    assert_eq!(example.cluster["spec"]["postgresql"]["pg_hba"], Value::Null, "see its README");

    let entries = hba::entries(&example.file("jwt_sso.hba_file"));
    let [Entry::Line(line), Entry::Include(operator)] = &entries[..] else { panic!("{entries:?}") };
    assert!(line.kind == hba::Kind::HostSsl && line.method == "trust", "{line:?}");
    assert!(operator.path.ends_with("/pg_hba.conf"), "{operator:?}");

    let (subject, audience) = pod();
    let issuers: Value = serde_json::from_str(example.parameter("jwt_sso.issuers")).unwrap();
    assert_eq!(issuers["issuers"][ISSUER]["audience"], audience);
    let map = example.file("jwt_sso.identity_map_file");
    assert!(map.lines().any(|line| line.starts_with(ISSUER) && line.contains(&subject)), "{map}");
}

/// The library and the extension's files, outside of the installation.
struct Volume {
    folder: tempfile::TempDir,
}

impl Volume {
    fn make() -> Volume {
        let installation = Installation::get();
        let folder = tempfile::Builder::new().prefix("jwt_sso_volume.").tempdir().unwrap();
        let (lib, share) = (folder.path().join("lib"), folder.path().join("share/extension"));
        fs::create_dir(&lib).unwrap();
        fs::create_dir_all(&share).unwrap();
        fs::copy(installation.library_dir.join("jwt_sso.so"), lib.join("jwt_sso.so")).unwrap();
        let program = std::env::var_os("PG_CONFIG").unwrap_or_else(|| "pg_config".into());
        let installed = PathBuf::from(output_of(Command::new(program).arg("--sharedir")));
        for file in fs::read_dir(installed.join("extension")).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("jwt_sso") {
                fs::copy(file.path(), share.join(file.file_name())).unwrap();
            }
        }
        installation.hand_over(folder.path());
        Volume { folder }
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("lib/jwt_sso.so")
    }

    /// Ours first, since the installed one is in `$libdir`, where plpgsql is; an operator writes
    /// `$libdir` first, and there ours is not in it.
    fn mounted(&self, builder: ClusterBuilder) -> ClusterBuilder {
        let path = self.folder.path().display();
        builder
            .conf(&format!("dynamic_library_path = '{path}/lib:$libdir'"))
            .conf(&format!("extension_control_path = '{path}/share:$system'"))
    }

    /// Each process has this library or, where its memory may not be looked into, none.
    fn is_the_only_one(&self, processes: &[u32]) {
        for process in processes {
            let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
            let ours: Vec<&str> = maps.lines().filter(|l| l.ends_with("jwt_sso.so")).collect();
            assert!(!ours.is_empty(), "{process} has no library");
            for line in ours {
                let expected = self.library().display().to_string();
                assert!(line.ends_with(&expected) || line.contains("pam_jwt_sso.so"), "{line}");
            }
        }
    }
}

fn at_least_18() -> bool {
    let major = Installation::get().major;
    if major < 18 {
        println!("SKIPPED: PostgreSQL {major} has no extension_control_path");
    }
    major >= 18
}

#[test]
fn s2_image_volume() {
    if !at_least_18() {
        return;
    }
    let example = Example::read();
    let authority = Authority::new();
    let server = FaultyIssuer::https(authority.localhost());
    let issuer = Issuer::new(ISSUER);
    server.publish(issuer.jwks());
    let mut issuers: Value = serde_json::from_str(example.parameter("jwt_sso.issuers")).unwrap();
    issuers["issuers"][ISSUER]["jwks_uri"] = json!(server.url("/jwks"));

    // What is elsewhere here: the operator's file, and what is mounted.
    let lines = example.file("jwt_sso.hba_file");
    let lines = lines.replace("/var/lib/postgresql/data/pgdata/pg_hba.conf", "pg_hba.conf");
    let volume = Volume::make();
    let builder = volume.mounted(Cluster::builder()).token_hba(&lines);
    let builder = builder.core_hba("hostssl all all all scram-sha-256\n");
    let cluster = builder.prepare();
    cluster.write_file("map", example.file("jwt_sso.identity_map_file").as_bytes());
    cluster.write_file("ca.pem", authority.pem().as_bytes());
    for (name, value) in &example.parameters {
        let issuers = issuers.to_string();
        let value = match name.as_str() {
            "jwt_sso.hba_file" => continue,
            "jwt_sso.identity_map_file" => "map",
            "jwt_sso.issuer_custom_ca" => "ca.pem",
            "jwt_sso.issuers" => &issuers,
            _ => value,
        };
        cluster.append_conf(&format!("{name} = '{value}'"));
    }
    cluster.start();
    cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE orders LOGIN");
    cluster.sql("CREATE DATABASE app TEMPLATE postgres");
    assert_eq!(
        cluster.sql("SELECT jwt_sso.check_ok()"),
        "t",
        "{}",
        cluster.sql("TABLE jwt_sso.check()")
    );

    let (subject, audience) = pod();
    let token = issuer.token(&subject).claim("aud", json!([audience]));
    let login = Client::new(&cluster, "orders").parameter("database", "app").login(&token.sign());
    let mut session = login.session();
    // By a function whose library is written as $libdir/jwt_sso.
    let who = session.query("SELECT current_user, (jwt_sso.session()).door").unwrap();
    assert_eq!(who, [["orders", "hook"]]);
    let backend: u32 = session.query("SELECT pg_backend_pid()").unwrap()[0][0].parse().unwrap();
    let worker = cluster.worker_pid().expect("the worker runs");
    volume.is_the_only_one(&[cluster.postmaster_pid(), worker, backend]);

    // The account of the same name in another namespace.
    let stranger =
        issuer.token("system:serviceaccount:sandbox:orders").claim("aud", json!([audience]));
    let login =
        Client::new(&cluster, "orders").parameter("database", "app").login(&stranger.sign());
    refused(&cluster, "orders", &login, "role_not_mapped");
}

#[test]
fn s3_pam() {
    if !at_least_18() || !Installation::get().with_pam {
        return;
    }
    let volume = Volume::make();
    let builder = volume.mounted(Cluster::builder()).without_token_hba();
    let cluster = builder.core_hba("hostssl all all all pam pamservice=jwt_sso\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    let mut session = Client::new(&cluster, "alice").login(&issuer.token("alice").sign()).session();
    let door = session.query("SELECT (jwt_sso.session()).door").unwrap();
    assert_eq!(door, [["pam"]]);
    volume.is_the_only_one(&[cluster.postmaster_pid()]);
}

#[test]
fn s4_dockerfile() {
    let dockerfile = packaging("docker/Dockerfile");
    assert!(dockerfile.contains("RUN make stage "), "{dockerfile}");
    assert!(!dockerfile.contains("cargo build") && !dockerfile.contains("cargo pgrx"));
    let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Makefile");
    assert!(fs::read_to_string(makefile).unwrap().lines().any(|line| line == "stage: deps"));
    for line in dockerfile.lines().filter(|line| line.starts_with("COPY --from=builder")) {
        let source = line.split(' ').nth(2).unwrap();
        assert!(source.starts_with("/stage/") || source == "/extension/", "{line}");
    }
}
