//! An HTTP server on a loopback port that answers as a test tells it to, and remembers what it
//! was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Decoded fields of the query, or of a form.
    pub fields: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn field(&self, name: &str) -> Option<&str> {
        get(&self.fields, name)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        get(&self.headers, name)
    }
}

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// What goes back: status, more headers (each a line), body.
pub struct Answer(pub u16, pub &'static str, pub String);

/// JSON with status 200.
pub fn json(value: &serde_json::Value) -> Answer {
    Answer(200, "Content-Type: application/json\r\n", value.to_string())
}

type Behaviour = dyn Fn(&Request, usize) -> Answer + Send + Sync;

/// The server; it ends with the process.
pub struct Double {
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Double {
    /// `behaviour` is told the request and how many came before it.
    pub fn start(behaviour: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        Double::on(listener, behaviour)
    }

    pub fn on(
        listener: TcpListener,
        behaviour: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
    ) -> Double {
        let port = listener.local_addr().expect("bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, behaviour) = (asked.clone(), Arc::new(behaviour) as Arc<Behaviour>);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, behaviour) = (log.clone(), behaviour.clone());
                thread::spawn(move || serve(stream, &log, &*behaviour));
            }
        });
        Double { port, asked }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Without the scheme.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no panic while held").clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Request>>, behaviour: &Behaviour) {
    let Some(request) = read(&stream) else { return };
    let before = {
        let mut log = log.lock().expect("no panic while held");
        log.push(request.clone());
        log.len() - 1
    };
    let Answer(status, headers, body) = behaviour(&request, before);
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Connection: close\r\n");
    let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).ok();
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = get(&headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let form = if body.is_empty() { query.as_bytes() } else { &body };
    let fields = url::form_urlencoded::parse(form).into_owned().collect();
    Some(Request { method, path: path.to_owned(), fields, headers })
}
