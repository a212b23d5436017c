//! A real OpenID provider: oidc-provider on Node.js (`provider/serve.mjs`), over HTTPS with a
//! certificate of a private CA. Its tokens are asked for as a user's programs do, by curl.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::installation::installed;
use crate::issuer::{Algorithm, Issuer, SigningKey};

/// The algorithms that [`Provider`] signs with.
pub const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];

/// `aud` of the access tokens, a resource in the sense of RFC 8707.
pub const RESOURCE: &str = "postgres://db";

/// The provider's client that has no secret and gets its tokens by the device flow (RFC 8628).
/// The audience of its access tokens is [`RESOURCE`].
pub const DEVICE_CLIENT: &str = "psql";

/// The provider's client that has no secret and gets its tokens by the device flow, by
/// authorization code with the way back to any port of 127.0.0.1, and by refresh token.
pub const COMMAND_CLIENT: &str = "jwt-sso";

/// A provider. It stops when it is dropped, or when this process ends.
#[derive(Debug)]
pub struct Provider {
    authority: Authority,
    folder: TempDir,
    /// 0 before the first start, then always the same.
    port: u16,
    keys: Vec<SigningKey>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Provider {
    /// Starts one that publishes these keys, with a CA of its own.
    pub fn start(keys: &[SigningKey]) -> Provider {
        let folder = tempfile::Builder::new().prefix("jwt_sso_idp.").tempdir().expect("a temp dir");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("own folder");
        let authority = Authority::new();
        let mut provider = Provider { authority, folder, port: 0, keys: Vec::new(), running: None };
        fs::write(provider.ca_path(), provider.authority.pem()).expect("own folder");
        provider.start_again(keys);
        provider
    }

    /// Starts it again on its old port, with these keys.
    pub fn start_again(&mut self, keys: &[SigningKey]) {
        assert!(self.running.is_none(), "it runs already");
        let log = File::create(self.log_path()).expect("own folder");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider");
        let mut child = Command::new(installed("node"))
            .arg(folder.join("serve.mjs"))
            .arg(installed("provider_modules"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("node: {e}; run scripts/client-deps.sh"));
        let output = BufReader::new(child.stdout.take().expect("piped"));
        self.running = Some(Running { child, output });
        let (cert, key) = self.authority.localhost_pem();
        let clients: BTreeMap<String, &str> =
            ALGORITHMS.iter().map(|algorithm| (client(*algorithm), algorithm.name())).collect();
        let answer = self.say(&json!({
            "tls": {"cert": cert, "key": key},
            "port": self.port,
            "clients": clients,
            "keys": private_keys(keys),
        }));
        self.port = answer["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
        self.keys = keys.to_vec();
    }

    /// Publishes these keys, and signs with them, from now on.
    pub fn rotate(&mut self, keys: &[SigningKey]) {
        self.say(&json!({"keys": private_keys(keys)}));
        self.keys = keys.to_vec();
    }

    /// From now on it has the clients `console` (without a secret), `console_secret` and
    /// `console_jwt` (whose access tokens are JWTs), which people sign in to with their browsers,
    /// and which may send them back to these URLs. After a start it has none of them.
    pub fn allow_redirects(&mut self, uris: &[&str]) {
        self.say(&json!({"redirect_uris": uris}));
    }

    /// Stops it; its port refuses connections.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.child.stdin.take());
            running.child.wait().expect("it ends with its input");
        }
    }

    /// How often a path was asked for since the start, such as `/jwks`; or `connections`.
    pub fn requests(&mut self, path: &str) -> u64 {
        self.say(&json!({"requests": true}))["requests"][path].as_u64().unwrap_or(0)
    }

    /// How often the discovery document and the key set were asked for since the start.
    pub fn key_requests(&mut self) -> (u64, u64) {
        (self.requests("/.well-known/openid-configuration"), self.requests("/jwks"))
    }

    fn say(&mut self, message: &Value) -> Value {
        let running = self.running.as_mut().expect("it runs");
        let mut answer = String::new();
        let stdin = running.child.stdin.as_mut().expect("piped");
        let said =
            writeln!(stdin, "{message}").and_then(|()| running.output.read_line(&mut answer));
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        assert!(said.is_ok(), "the provider has gone: {said:?}\n{log}");
        let value: Value = serde_json::from_str(&answer)
            .unwrap_or_else(|e| panic!("the provider says {answer:?}: {e}\n{log}"));
        assert_eq!(value.get("error"), None, "{log}");
        value
    }

    /// `iss` of its tokens.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Where it publishes its keys.
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks", self.url())
    }

    /// PEM file of its CA, which everybody may read.
    pub fn ca_path(&self) -> PathBuf {
        self.folder.path().join("idp-ca.pem")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The same issuer with the keys in use, for tokens that no provider would give.
    pub fn issuer(&self) -> Issuer {
        let issuer = Issuer::with_key(&self.url(), self.keys[0].clone());
        Issuer { keys: self.keys.clone(), audience: RESOURCE.to_owned(), ..issuer }
    }

    /// An ID token for a user; `aud` is the [`client`] that asks for it.
    pub fn id_token(&self, algorithm: Algorithm, user: &str) -> String {
        let user = format!("username={user}");
        let form = ["grant_type=password", "scope=openid", &user, "password=secret"];
        self.token(algorithm, &form, "id_token")
    }

    /// An access token (`at+jwt`) for the [`client`] itself; `aud` is [`RESOURCE`].
    pub fn access_token(&self, algorithm: Algorithm) -> String {
        let resource = format!("resource={RESOURCE}");
        let form = ["grant_type=client_credentials", "scope=db:connect", &resource];
        self.token(algorithm, &form, "access_token")
    }

    fn token(&self, algorithm: Algorithm, form: &[&str], member: &str) -> String {
        let mut curl = self.curl(algorithm, form);
        let output = curl.output().expect("curl runs");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let token = answer[member].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no {member} from {curl:?}: {output:?}"))
    }

    fn curl(&self, algorithm: Algorithm, form: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        // -q: without the user's own ~/.curlrc; --noproxy: it is on this very host.
        curl.args(["-q", "--noproxy", "*", "-sS", "--cacert"]).arg(self.ca_path());
        curl.args(["-u", &format!("{}:secret", client(algorithm))]);
        curl.args(form.iter().flat_map(|field| ["-d", field]));
        curl.arg(format!("{}/token", self.url()));
        curl
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            running.child.kill().ok();
            running.child.wait().ok();
        }
    }
}

/// The provider's client whose tokens are signed with this algorithm: `svc_es256`.
pub fn client(algorithm: Algorithm) -> String {
    format!("svc_{}", algorithm.name().to_lowercase())
}

/// Whom the provider's tokens are for, as `jwt_sso.audience` wants it.
pub fn audience() -> String {
    let clients = ALGORITHMS.iter().map(|algorithm| client(*algorithm));
    json!(clients.chain([RESOURCE.to_owned()]).collect::<Vec<_>>()).to_string()
}

/// One key for each of [`ALGORITHMS`]; `prefix` begins the `kid`s, as in `first-es256`.
pub fn keys(prefix: &str) -> Vec<SigningKey> {
    let key = |algorithm: &Algorithm| {
        SigningKey::generate(&format!("{prefix}-{}", algorithm.name().to_lowercase()), *algorithm)
    };
    ALGORITHMS.iter().map(key).collect()
}

fn private_keys(keys: &[SigningKey]) -> Vec<Value> {
    let key = |key: &SigningKey| {
        json!({
            "kid": key.kid,
            "alg": key.algorithm().name(),
            "pkcs8": STANDARD.encode(key.pkcs8()),
        })
    };
    keys.iter().map(key).collect()
}
