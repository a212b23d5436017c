//! An issuer that misbehaves on command: a web server on a port of its own, over HTTPS
//! with a certificate of any kind, that answers each path as it is told to.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Properly, with `Content-Length` and `Connection: close`.
    Reply {
        /// The status code.
        status: u16,
        /// Fields beyond those two.
        headers: Vec<(String, String)>,
        /// The body, whole.
        body: Vec<u8>,
    },
    /// The head at once, then the body byte by byte with this pause before each.
    Drip(Vec<u8>, Duration),
    /// These very bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// Never.
    Silence,
}

impl Answer {
    /// A JSON text with status 200.
    pub fn json(body: impl ToString) -> Answer {
        Answer::status(200).body(body.to_string()).header("Content-Type", "application/json")
    }

    /// A status and nothing else.
    pub fn status(status: u16) -> Answer {
        Answer::Reply { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A redirect to `location`.
    pub fn redirect(location: &str) -> Answer {
        Answer::status(302).header("Location", location)
    }

    /// The same reply with one more field.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        if let Answer::Reply { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same reply with another body.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Answer {
        if let Answer::Reply { body, .. } = &mut self {
            *body = bytes.into();
        }
        self
    }
}

/// What a new connection meets before it can ask.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reception {
    /// The server listens to it.
    #[default]
    Open,
    /// It is taken and never answered, not even by TLS.
    Silent,
    /// It is closed at once.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    /// Answers by path; the first is given next, the last one for ever.
    answers: HashMap<String, Vec<Answer>>,
    reception: Reception,
    /// Heads, in the order in which they came.
    requests: Vec<String>,
}

/// A running issuer; it stops when it is dropped.
#[derive(Debug)]
pub struct FaultyIssuer {
    /// `https://localhost:PORT`; as a rule what stands in `iss`.
    pub base: String,
    /// Where it listens, on 127.0.0.1.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    stopped: Arc<AtomicBool>,
}

impl FaultyIssuer {
    /// Serves HTTPS with a certificate of [`crate::authority::Authority::certify`].
    pub fn https(tls: Arc<ServerConfig>) -> FaultyIssuer {
        FaultyIssuer::start("https", Some(tls))
    }

    /// Serves plain HTTP.
    pub fn http() -> FaultyIssuer {
        FaultyIssuer::start("http", None)
    }

    fn start(scheme: &str, tls: Option<Arc<ServerConfig>>) -> FaultyIssuer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let issuer = FaultyIssuer {
            base: format!("{scheme}://localhost:{}", address.port()),
            address,
            state: Arc::default(),
            stopped: Arc::default(),
        };
        let (state, stopped) = (Arc::clone(&issuer.state), Arc::clone(&issuer.stopped));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (state, tls) = (Arc::clone(&state), tls.clone());
                // A client that goes away in the middle is an error of I/O and no fault of ours.
                thread::spawn(move || drop(serve(stream, tls, &state)));
            }
        });
        issuer
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// From now on, `path` is answered so. A path without an answer is 404.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.answers(path, vec![answer]);
    }

    /// From now on, `path` is answered by these in turn, and by the last one for ever.
    pub fn answers(&self, path: &str, answers: Vec<Answer>) {
        lock(&self.state).answers.insert(path.to_owned(), answers);
    }

    /// Serves a discovery document of this issuer, and `jwks` at `/jwks`.
    pub fn publish(&self, jwks: impl ToString) {
        let document = json!({"issuer": self.base, "jwks_uri": self.url("/jwks")});
        self.answer("/.well-known/openid-configuration", Answer::json(document));
        self.answer("/jwks", Answer::json(jwks));
    }

    /// From now on, connections are received so.
    pub fn receive(&self, reception: Reception) {
        lock(&self.state).reception = reception;
    }

    /// The heads of all requests so far, as they came.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state).requests.clone()
    }

    /// How often `path` was asked for.
    pub fn count(&self, path: &str) -> usize {
        let asked = format!("GET {path} ");
        lock(&self.state).requests.iter().filter(|head| head.starts_with(&asked)).count()
    }
}

impl Drop for FaultyIssuer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(
    mut stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let reception = lock(state).reception;
    match (reception, tls) {
        (Reception::Closed, _) => Ok(()),
        (Reception::Silent, _) => silence(&mut stream),
        (Reception::Open, None) => converse(&mut stream, state),
        (Reception::Open, Some(config)) => {
            let connection = ServerConnection::new(config).expect("a complete configuration");
            let mut stream = StreamOwned::new(connection, stream);
            converse(&mut stream, state)?;
            stream.conn.send_close_notify();
            stream.flush()
        }
    }
}

fn converse(stream: &mut (impl Read + Write), state: &Mutex<State>) -> std::io::Result<()> {
    let Some(head) = read_head(stream)? else { return Ok(()) };
    match next_answer(&head, state) {
        Answer::Silence => silence(stream),
        Answer::Raw(bytes) => stream.write_all(&bytes),
        Answer::Reply { status, headers, body } => {
            stream.write_all(reply_head(status, &headers, body.len()).as_bytes())?;
            stream.write_all(&body)
        }
        Answer::Drip(body, pause) => {
            stream.write_all(reply_head(200, &[], body.len()).as_bytes())?;
            for byte in body {
                stream.flush()?;
                thread::sleep(pause);
                stream.write_all(&[byte])?;
            }
            Ok(())
        }
    }?;
    stream.flush()
}

/// Up to the blank line; `None` where the client leaves before.
fn read_head(stream: &mut impl Read) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

fn next_answer(head: &str, state: &Mutex<State>) -> Answer {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let mut state = lock(state);
    state.requests.push(head.to_owned());
    match state.answers.get_mut(path) {
        Some(answers) if answers.len() > 1 => answers.remove(0),
        Some(answers) => answers.first().cloned().unwrap_or(Answer::Silence),
        None => Answer::status(404),
    }
}

fn reply_head(status: u16, headers: &[(String, String)], length: usize) -> String {
    let mut head = format!("HTTP/1.1 {status} Any Reason\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + &format!("Content-Length: {length}\r\nConnection: close\r\n\r\n")
}

/// Until the client goes away.
fn silence(stream: &mut impl Read) -> std::io::Result<()> {
    while stream.read(&mut [0; 512])? > 0 {}
    Ok(())
}
