//! A proxy for CONNECT (RFC 9110 §9.3.6) that leads every name to one server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How a proxy treats a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    /// Opens the tunnel.
    Willing,
    /// Answers with this status.
    Refusing(u16),
    /// Sends header fields for ever, a byte each 50 ms.
    Dribbling,
}

/// A running proxy; it stops when it is dropped.
#[derive(Debug)]
pub struct ConnectProxy {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stopped: Arc<AtomicBool>,
}

impl ConnectProxy {
    /// A proxy whose tunnels all end at `server`.
    pub fn start(server: SocketAddr, manner: Manner) -> ConnectProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let proxy = ConnectProxy {
            address: listener.local_addr().expect("bound"),
            requests: Arc::default(),
            stopped: Arc::default(),
        };
        let (requests, stopped) = (Arc::clone(&proxy.requests), Arc::clone(&proxy.stopped));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let requests = Arc::clone(&requests);
                thread::spawn(move || drop(serve(stream, server, manner, &requests)));
            }
        });
        proxy
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    manner: Manner,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    match manner {
        Manner::Refusing(status) => write!(client, "HTTP/1.1 {status} No\r\n\r\n"),
        Manner::Dribbling => {
            write!(client, "HTTP/1.1 200 Slowly\r\nX: ")?;
            loop {
                thread::sleep(Duration::from_millis(50));
                client.write_all(b"x")?;
            }
        }
        Manner::Willing => {
            let upstream = TcpStream::connect(server)?;
            write!(client, "HTTP/1.1 200 Connected\r\n\r\n")?;
            let (to, from) = (client.try_clone()?, upstream.try_clone()?);
            let answers = thread::spawn(move || pump(from, to));
            pump(client, upstream);
            drop(answers.join());
            Ok(())
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // The end of one direction is all there is to say about it.
    drop(std::io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}
