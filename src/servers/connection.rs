//! The connections of the built-in listener: so many at once, each on its thread, each with a time limit.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};

use super::http::converse;

/// So many connections at once; whoever comes later waits in the system's queue.
const MAX_CONNECTIONS: usize = 128;
/// Within which a handshake is over.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may be silent; with half of the places taken, it is a tenth of it.
const IDLE: Duration = Duration::from_secs(10);
const SLICE: Duration = Duration::from_millis(100);

/// What is spoken on a connection.
pub(super) enum Talk {
    /// HTTP in the clear, with the body of each answer.
    Http(String),
    /// HTTP over TLS, with the body of each answer.
    Https(Arc<ServerConfig>, String),
    /// A handshake and a clean close.
    Tls(Arc<ServerConfig>),
}

/// The connections that are open.
#[derive(Default)]
pub(super) struct Connections(Arc<Count>);

#[derive(Default)]
struct Count {
    open: AtomicUsize,
    ending: AtomicBool,
}

impl Connections {
    /// Serves a connection on a thread of its own; waits for a place when there is none.
    pub(super) fn take(&self, stream: TcpStream, talk: Arc<Talk>) {
        while self.0.open.load(Ordering::SeqCst) >= MAX_CONNECTIONS && !self.0.ending.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        let place = Place::new(&self.0);
        // Without a thread the connection is dropped, which the client sees at once.
        let _ = thread::Builder::new().name("listener-serve".to_owned()).spawn(move || {
            let _ = serve(stream, &talk, &place);
        });
    }

    /// Lets what is under way come to its end, within a time.
    pub(super) fn end(&self, within: Duration) {
        self.0.ending.store(true, Ordering::SeqCst);
        let start = Instant::now();
        while self.0.open.load(Ordering::SeqCst) > 0 && start.elapsed() < within {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A place among the connections, given back when dropped.
struct Place(Arc<Count>);

impl Place {
    fn new(count: &Arc<Count>) -> Self {
        count.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }

    fn idle(&self) -> Duration {
        if self.0.open.load(Ordering::SeqCst) > MAX_CONNECTIONS / 2 { IDLE / 10 } else { IDLE }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn serve(stream: TcpStream, talk: &Talk, place: &Place) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SLICE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut patient = Patient { stream, place, deadline: None };
    let (config, text) = match talk {
        Talk::Http(text) => return converse(&mut patient, text),
        Talk::Https(config, text) => (config, Some(text)),
        Talk::Tls(config) => (config, None),
    };
    let mut connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    patient.deadline = Some(Instant::now() + HANDSHAKE);
    while connection.is_handshaking() {
        if connection.complete_io(&mut patient)? == (0, 0) {
            return Ok(());
        }
    }
    patient.deadline = None;
    let mut tls = rustls::Stream::new(&mut connection, &mut patient);
    let result = text.map_or(Ok(()), |text| converse(&mut tls, text));
    tls.conn.send_close_notify();
    tls.flush()?;
    result
}

/// A socket that waits for bytes up to a limit, and ends early when the listener stops.
struct Patient<'a> {
    stream: TcpStream,
    place: &'a Place,
    deadline: Option<Instant>,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let deadline = self.deadline.unwrap_or_else(|| Instant::now() + self.place.idle());
        loop {
            match self.stream.read(buffer) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                other => return other,
            }
            if self.place.0.ending.load(Ordering::SeqCst) {
                return Ok(0);
            }
            if Instant::now() >= deadline {
                return Err(io::Error::new(ErrorKind::ConnectionAborted, "silent for too long"));
            }
        }
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
