//! A raw client: sees each byte of the server, and may say what no driver would.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::builder::DEADLINE;
use crate::cluster::Cluster;
use crate::message::{self, AUTH_CLEARTEXT, AUTH_OK, Message, ServerError};

/// How a connection travels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TLS to `localhost`, verified.
    Tls,
    /// TCP without TLS.
    Plain,
    /// The Unix socket.
    Socket,
}

enum Stream {
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Plain(TcpStream),
    Socket(UnixStream),
}

/// An open connection.
pub struct Wire {
    stream: Stream,
}

/// How a login ended.
pub enum End {
    /// The server is ready for queries.
    Accepted(Wire),
    /// An ErrorResponse.
    Refused(Box<ServerError>),
    /// The connection closed without a word.
    Closed,
}

/// A login by the raw client.
pub struct Login {
    /// The door that decides on it, as the log names it.
    pub door: &'static str,
    /// Whether the server asked for a cleartext password.
    pub prompted: bool,
    /// How it ended.
    pub end: End,
}

impl Login {
    /// The refusal; panics on any other end.
    pub fn error(&self) -> &ServerError {
        match &self.end {
            End::Refused(error) => error,
            End::Accepted(_) => panic!("accepted, where a refusal was expected"),
            End::Closed => panic!("closed without a word, where a refusal was expected"),
        }
    }

    /// The session; panics on any other end.
    pub fn session(self) -> Wire {
        match self.end {
            End::Accepted(wire) => wire,
            End::Refused(error) => panic!("refused: {error:?}"),
            End::Closed => panic!("closed without a word, where a session was expected"),
        }
    }
}

/// What a client asks for. By default: TLS, database postgres.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    cluster: &'a Cluster,
    transport: Transport,
    door: &'static str,
    parameters: Vec<(String, String)>,
}

impl<'a> Client<'a> {
    /// A client of this role.
    pub fn new(cluster: &'a Cluster, role: &str) -> Self {
        let client =
            Client { cluster, transport: Transport::Tls, door: "hook", parameters: Vec::new() };
        client.parameter("user", role).parameter("database", "postgres")
    }

    /// Another transport.
    pub fn by(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Another door, as the log names it, where the HBA lines lead there.
    pub fn at(mut self, door: &'static str) -> Self {
        self.door = door;
        self
    }

    /// A startup parameter, such as `options` or `replication`.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.retain(|(old, _)| old != name);
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Connects and sends the startup message; nothing is read yet.
    pub fn open(&self) -> Wire {
        self.try_open().expect("the server listens")
    }

    /// [`Client::open`], where the server may be away.
    pub fn try_open(&self) -> io::Result<Wire> {
        let mut wire = Wire::connect(self.cluster, self.transport)?;
        let parameters: Vec<_> =
            self.parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        wire.send(&message::startup(&parameters))?;
        Ok(wire)
    }

    /// Logs in with a password, which is sent only when the server asks for it.
    pub fn login(&self, password: &str) -> Login {
        self.login_with(&message::frame(b'p', format!("{password}\0").as_bytes()))
    }

    /// Logs in, answering the prompt with these bytes.
    pub fn login_with(&self, answer: &[u8]) -> Login {
        Login { door: self.door, ..self.open().finish(answer) }
    }
}

impl Wire {
    fn connect(cluster: &Cluster, transport: Transport) -> io::Result<Wire> {
        if transport == Transport::Socket {
            let path = cluster.socket_dir().join(format!(".s.PGSQL.{}", cluster.port()));
            let socket = UnixStream::connect(path)?;
            socket.set_read_timeout(Some(DEADLINE))?;
            return Ok(Wire { stream: Stream::Socket(socket) });
        }
        let mut tcp = TcpStream::connect(("127.0.0.1", cluster.port()))?;
        tcp.set_read_timeout(Some(DEADLINE))?;
        tcp.set_nodelay(true)?;
        if transport == Transport::Plain {
            return Ok(Wire { stream: Stream::Plain(tcp) });
        }
        tcp.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?; // SSLRequest: 80877103
        let mut answer = [0];
        tcp.read_exact(&mut answer)?;
        assert_eq!(&answer, b"S", "the server speaks TLS");
        let name = ServerName::try_from("localhost").expect("a valid name");
        let client = ClientConnection::new(Arc::clone(&cluster.tls().client), name)
            .map_err(io::Error::other)?;
        Ok(Wire { stream: Stream::Tls(Box::new(StreamOwned::new(client, tcp))) })
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let writer: &mut dyn Write = match &mut self.stream {
            Stream::Tls(stream) => stream,
            Stream::Plain(stream) => stream,
            Stream::Socket(stream) => stream,
        };
        writer.write_all(bytes)?;
        writer.flush()
    }

    /// The next message; None where the server closed the connection.
    pub fn read(&mut self) -> Option<Message> {
        let head: [u8; 5] = self.read_bytes(5)?.try_into().expect("five bytes");
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let body = self.read_bytes(length - 4)?;
        Some(Message { tag: head[0], body })
    }

    fn read_bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let reader: &mut dyn Read = match &mut self.stream {
            Stream::Tls(stream) => stream,
            Stream::Plain(stream) => stream,
            Stream::Socket(stream) => stream,
        };
        let mut bytes = vec![0; count];
        match reader.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(e) if e.kind() == ErrorKind::WouldBlock || e.kind() == ErrorKind::TimedOut => {
                panic!("the server is silent and keeps the connection open")
            }
            Err(_) => None,
        }
    }

    /// Reads messages up to the password prompt; panics on any other authentication request.
    pub fn prompt(&mut self) {
        let first = self.read().expect("the server answers");
        assert_eq!(first.authentication(), Some(AUTH_CLEARTEXT), "{first:?}");
    }

    /// The client's port of a TCP connection.
    pub fn local_port(&self) -> u16 {
        let address = match &self.stream {
            Stream::Tls(stream) => stream.sock.local_addr(),
            Stream::Plain(stream) => stream.local_addr(),
            Stream::Socket(_) => panic!("a Unix socket has no port"),
        };
        address.expect("a connected socket").port()
    }

    /// Reads on to the end of the login, answering a password prompt with `answer`.
    pub fn finish(mut self, answer: &[u8]) -> Login {
        let mut prompted = false;
        loop {
            let Some(message) = self.read() else {
                return Login { door: "hook", prompted, end: End::Closed };
            };
            match (message.tag, message.authentication()) {
                (_, Some(AUTH_OK)) => {}
                (_, Some(AUTH_CLEARTEXT)) => {
                    assert!(!prompted, "a second prompt");
                    prompted = true;
                    // The server may close while a hostile answer is still on its way.
                    self.send(answer).ok();
                }
                (_, Some(other)) => panic!("authentication request {other}"),
                (b'E', _) => {
                    let error = Box::new(ServerError::parse(&message.body));
                    return Login { door: "hook", prompted, end: End::Refused(error) };
                }
                (b'Z', _) => return Login { door: "hook", prompted, end: End::Accepted(self) },
                _ => {}
            }
        }
    }

    /// Runs a simple query; the rows, or the first error.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Box<ServerError>> {
        let lost = || {
            Box::new(ServerError { message: "connection lost".into(), ..ServerError::default() })
        };
        self.send(&message::frame(b'Q', format!("{sql}\0").as_bytes())).map_err(|_| lost())?;
        let mut result = Ok(Vec::new());
        loop {
            let message = self.read().ok_or_else(lost)?;
            match (message.tag, &mut result) {
                (b'D', Ok(rows)) => rows.push(message.row()),
                (b'E', Ok(_)) => result = Err(Box::new(ServerError::parse(&message.body))),
                (b'Z', _) => return result,
                _ => {}
            }
        }
    }

    /// Closes as libpq does: over TLS with a close_notify.
    pub fn close(mut self) {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            stream.flush().ok();
        }
        self.hang_up();
    }

    /// Ends the connection at once, in both directions.
    pub fn hang_up(self) {
        match self.stream {
            Stream::Tls(stream) => stream.sock.shutdown(Shutdown::Both),
            Stream::Plain(stream) => stream.shutdown(Shutdown::Both),
            Stream::Socket(stream) => stream.shutdown(Shutdown::Both),
        }
        .ok();
    }
}
