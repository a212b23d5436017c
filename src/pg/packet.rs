//! One password packet: asked for, received, wiped.

use super::port::Client;
use super::shim;
use pgrx::pg_sys;

/// What came in answer to the server's request for a password.
pub enum Answer {
    /// A password message.
    Packet(Packet),
    /// The client hung up, or the message was cut off or over 65 535 bytes.
    /// The server's own code has logged what is worth logging.
    ClientGone,
    /// A message of another type.
    Unexpected,
}

/// The body of a password message. Wiped when dropped.
pub struct Packet {
    buffer: pg_sys::StringInfoData,
}

/// Asks `client` for a cleartext password (AuthenticationCleartextPassword)
/// and reads its answer whole. Ends the process on `authentication_timeout`.
pub fn ask_password(client: &Client) -> Answer {
    let mut packet = Packet { buffer: pg_sys::StringInfoData::default() };
    // SAFETY: the Port is live; the buffer is initialised by the callee before
    // it is written, and only where PACKET_RECEIVED is returned.
    let received = unsafe { shim::jwt_sso_ask_password(client.as_ptr(), &mut packet.buffer) };
    match received {
        shim::PACKET_RECEIVED => Answer::Packet(packet),
        other => {
            // The callee left no allocation behind.
            packet.buffer.data = std::ptr::null_mut();
            if other == shim::PACKET_CLIENT_GONE { Answer::ClientGone } else { Answer::Unexpected }
        }
    }
}

impl Packet {
    /// The body as it came, its terminating NUL included where there is one.
    pub fn body(&self) -> &[u8] {
        let length = usize::try_from(self.buffer.len).unwrap_or(0);
        if self.buffer.data.is_null() {
            return &[];
        }
        // SAFETY: StringInfo holds `len` initialised bytes at `data`.
        unsafe { std::slice::from_raw_parts(self.buffer.data.cast(), length) }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        if self.buffer.data.is_null() {
            return;
        }
        let length = usize::try_from(self.buffer.maxlen).unwrap_or(0);
        // SAFETY: StringInfo owns `maxlen` bytes at `data`.
        unsafe { libc::explicit_bzero(self.buffer.data.cast(), length) };
        // SAFETY: `data` was palloc'd by initStringInfo and is freed once.
        unsafe { pg_sys::pfree(self.buffer.data.cast()) };
    }
}
