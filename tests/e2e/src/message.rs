//! Messages of the protocol, version 3.

/// One message from the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Type byte.
    pub tag: u8,
    /// What follows the length.
    pub body: Vec<u8>,
}

/// `AuthenticationOk` and the like: the number in an 'R' message.
pub const AUTH_OK: u32 = 0;
/// `AuthenticationCleartextPassword`.
pub const AUTH_CLEARTEXT: u32 = 3;
/// `AuthenticationSASL`, with the names of mechanisms.
pub const AUTH_SASL: u32 = 10;
/// `AuthenticationSASLContinue`.
pub const AUTH_SASL_CONTINUE: u32 = 11;
/// `AuthenticationSASLFinal`.
pub const AUTH_SASL_FINAL: u32 = 12;

impl Message {
    /// The request's number, where this is an Authentication message.
    pub fn authentication(&self) -> Option<u32> {
        let number = self.body.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
        if self.tag == b'R' { number } else { None }
    }

    /// The columns of a DataRow as text; NULL is "".
    pub fn row(&self) -> Vec<String> {
        let (count, mut rest) = self.body.split_at(2);
        let count = u16::from_be_bytes([count[0], count[1]]);
        let mut row = Vec::new();
        for _ in 0..count {
            let (length, tail) = rest.split_first_chunk::<4>().expect("a column's length");
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
            row.push(String::from_utf8_lossy(&tail[..length]).into_owned());
            rest = &tail[length..];
        }
        row
    }
}

/// An ErrorResponse. Absent fields are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerError {
    /// `FATAL`, not translated.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// MESSAGE.
    pub message: String,
    /// DETAIL.
    pub detail: String,
    /// HINT.
    pub hint: String,
    /// The whole body, to be searched for what must not be there.
    pub raw: String,
}

impl ServerError {
    /// Reads the fields of an 'E' message.
    pub fn parse(body: &[u8]) -> ServerError {
        let raw = String::from_utf8_lossy(body).into_owned();
        let mut error = ServerError { raw: raw.clone(), ..ServerError::default() };
        for field in raw.split('\0').filter(|field| !field.is_empty()) {
            let (code, value) = field.split_at(1);
            let place = match code {
                "V" => &mut error.severity,
                "C" => &mut error.code,
                "M" => &mut error.message,
                "D" => &mut error.detail,
                "H" => &mut error.hint,
                _ => continue,
            };
            *place = value.to_owned();
        }
        error
    }
}

/// A message of the client: type byte, length (of itself and the body), body.
pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    frame_with_length(tag, body.len() as u32 + 4, body)
}

/// A message whose length says what the test wants.
pub fn frame_with_length(tag: u8, length: u32, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// A StartupMessage of protocol 3.0.
pub fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    [&(body.len() as u32 + 4).to_be_bytes()[..], &body].concat()
}
