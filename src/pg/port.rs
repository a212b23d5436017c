//! The client's connection while it authenticates.

use super::shim;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};
use std::ptr::NonNull;

/// Where the client of this backend is: a numeric address, or a host name where
/// log_hostname is on, or `[local]`; empty where there is no client.
pub fn client_address() -> String {
    // SAFETY: reads a global.
    let port = unsafe { pg_sys::MyProcPort };
    if port.is_null() {
        return String::new();
    }
    // SAFETY: this backend's Port.
    let host = unsafe { shim::jwt_sso_port_remote_host(port) };
    if host.is_null() {
        return String::new();
    }
    // SAFETY: NUL-terminated; lives as long as the Port.
    unsafe { CStr::from_ptr(host) }.to_string_lossy().into_owned()
}

/// What carries the bytes of a connection.
pub struct Carrier {
    /// A Unix socket.
    pub unix_socket: bool,
    /// TCP with TLS.
    pub tls: bool,
    /// A replication connection.
    pub replication: bool,
}

/// How the client of this session came, at any time; `None` where there is none.
pub fn carrier() -> Option<Carrier> {
    // SAFETY: reads a global.
    let port = unsafe { pg_sys::MyProcPort };
    // SAFETY: this backend's Port. Its HBA line may be gone, and is not asked about.
    unsafe { Client::new(port) }.map(|client| client.carrier())
}

/// The connection of this backend, as the startup packet and the HBA line left it.
///
/// It exists only while the server is inside ClientAuthentication or at the
/// commit of the start-up transaction, when the server still has its HBA line.
pub struct Client {
    port: NonNull<pg_sys::Port>,
}

impl Client {
    /// # Safety
    /// `port` is the server's `Port` of this backend, and its HBA line has not
    /// been freed yet, for as long as the value lives.
    pub(super) unsafe fn new(port: *mut pg_sys::Port) -> Option<Client> {
        NonNull::new(port).map(|port| Client { port })
    }

    /// The connection whose client this process authenticates just now.
    pub(super) fn authenticating() -> Option<Client> {
        // SAFETY: reads globals.
        let port = unsafe { shim::jwt_sso_authenticating_port() };
        // SAFETY: NULL, or this backend's Port inside ClientAuthentication.
        unsafe { Client::new(port) }
    }

    pub(super) fn as_ptr(&self) -> *mut pg_sys::Port {
        self.port.as_ptr()
    }

    /// The requested role, in the bytes that the client sent, cut by the server
    /// to 63. Empty where the server has none.
    pub fn role(&self) -> &CStr {
        // SAFETY: `new` promises a live Port.
        let name = unsafe { shim::jwt_sso_port_user(self.port.as_ptr()) };
        if name.is_null() {
            return c"";
        }
        // SAFETY: Port.user_name is NUL-terminated and lives as long as the Port.
        unsafe { CStr::from_ptr(name) }
    }

    /// How the client came.
    pub fn carrier(&self) -> Carrier {
        Carrier {
            unix_socket: self.is_unix_socket(),
            tls: self.is_tls(),
            replication: self.is_replication(),
        }
    }

    /// Whether the client came by a Unix socket.
    pub fn is_unix_socket(&self) -> bool {
        // SAFETY: `new` promises a live Port.
        unsafe { shim::jwt_sso_port_is_unix(self.port.as_ptr()) }
    }

    /// Whether the transport is TLS. GSSAPI encryption is not.
    fn is_tls(&self) -> bool {
        // SAFETY: `new` promises a live Port.
        unsafe { shim::jwt_sso_port_is_tls(self.port.as_ptr()) }
    }

    /// Whether the method of the HBA line is `trust`.
    pub fn is_trust(&self) -> bool {
        // SAFETY: `new` promises a live Port with its HBA line.
        unsafe { shim::jwt_sso_port_is_trust(self.port.as_ptr()) }
    }

    /// Whether the method of the HBA line is `pam`.
    pub fn is_pam(&self) -> bool {
        // SAFETY: `new` promises a live Port with its HBA line.
        unsafe { shim::jwt_sso_port_is_pam(self.port.as_ptr()) }
    }

    /// The option `pamservice` of a `pam` line; empty where it has none.
    pub fn pam_service(&self) -> String {
        // SAFETY: `new` promises a live Port with its HBA line.
        let service = unsafe { shim::jwt_sso_port_pam_service(self.port.as_ptr()) };
        if service.is_null() {
            return String::new();
        }
        // SAFETY: the HBA line's own text, NUL-terminated.
        unsafe { CStr::from_ptr(service) }.to_string_lossy().into_owned()
    }

    /// Whether this is a replication connection, physical or logical.
    fn is_replication(&self) -> bool {
        // SAFETY: a plain global that the startup packet set.
        unsafe { pg_sys::am_walsender }
    }

    /// The option `issuer` of an `oauth` line; empty where there is none.
    #[cfg(feature = "pg18")]
    pub fn oauth_issuer(&self) -> String {
        // SAFETY: `new` promises a live Port with its HBA line.
        let issuer = unsafe { shim::jwt_sso_port_oauth_issuer(self.port.as_ptr()) };
        if issuer.is_null() {
            return String::new();
        }
        // SAFETY: the HBA line's own text, NUL-terminated.
        unsafe { CStr::from_ptr(issuer) }.to_string_lossy().into_owned()
    }

    /// Whether an `oauth` line leaves the mapping of identities to its
    /// validator (`delegate_ident_mapping=1`).
    #[cfg(feature = "pg18")]
    pub fn oauth_delegates_mapping(&self) -> bool {
        // SAFETY: `new` promises a live Port with its HBA line.
        unsafe { shim::jwt_sso_port_oauth_delegates_mapping(self.port.as_ptr()) }
    }

    /// Whether the server's own user name map, the one that `map=` of the HBA
    /// line names in pg_ident.conf, gives `identity` the requested role; without
    /// `map=`, whether they are equal. The server logs each one that does not.
    #[cfg(feature = "pg18")]
    pub fn usermap_allows(&self, identity: &str) -> bool {
        let Ok(identity) = CString::new(identity) else { return false };
        // SAFETY: `new` promises a live Port with its HBA line; an ERROR unwinds.
        unsafe { shim::jwt_sso_port_usermap_allows(self.port.as_ptr(), identity.as_ptr()) }
    }

    /// Records who the client is, in bytes as a role name has them, where no one
    /// did before: `SYSTEM_USER` from PostgreSQL 16 on. An identity with a NUL in
    /// it is not recorded.
    pub fn set_identity(&self, identity: &[u8]) {
        if let Ok(identity) = CString::new(identity) {
            // SAFETY: `new` promises a live Port; the server copies the text.
            unsafe { shim::jwt_sso_port_set_identity(self.port.as_ptr(), identity.as_ptr()) };
        }
    }
}
