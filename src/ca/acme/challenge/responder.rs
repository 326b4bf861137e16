//! A listener on a port of its own for as long as an authority looks.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::ca::acme::wire::rest;
use crate::error::{Error, ErrorId, Result};

/// How long a port that is held is waited for: another run of certlet may be about to free it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is looked for a connection, and whether to stop.
const SLICE: Duration = Duration::from_millis(5);
/// How long one client may take.
const TALK: Duration = Duration::from_secs(5);
/// How many clients are talked to at once.
const CROWD: usize = 64;

/// Talks to one client.
pub(super) type Talk = Arc<dyn Fn(&mut TcpStream) + Send + Sync>;

/// Listens until it is dropped; then the port is free again.
pub(super) struct Responder {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Responder {
    /// Listens at `host:port`, on every address that the host has.
    ///
    /// # Errors
    /// `EndpointInUse`, `ConfigInvalid` for an address that is none of this computer, `Interrupted`.
    pub(super) fn start(address: &str, talk: &Talk, cancelled: &dyn Fn() -> bool) -> Result<Self> {
        let unfit = |e: std::io::Error| {
            Error::new(ErrorId::ConfigInvalid, format!("nothing can listen at `{address}`: {e}"))
                .about(address)
                .hint("see `listen` of `challenge` in `certlet.toml`")
        };
        let mut responder = Self { stop: Arc::new(AtomicBool::new(false)), threads: Vec::new() };
        let end = Instant::now() + PATIENCE;
        for socket in address.to_socket_addrs().map_err(unfit)? {
            let listener = loop {
                match TcpListener::bind(socket) {
                    Ok(listener) => break listener,
                    Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < end => {
                        rest(Duration::from_millis(100), cancelled)?;
                    }
                    Err(error) if error.kind() == ErrorKind::AddrInUse => {
                        return Err(Error::new(
                            ErrorId::EndpointInUse,
                            format!("`{socket}` is held by another program, and the challenge is answered there"),
                        )
                        .about(address)
                        .hint("stop that program while certificates are requested, or use `webroot` or `dns-01`"));
                    }
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                        return Err(unfit(error).hint(
                            "ports below 1024 need a right of their own: let a web server pass \
                                                      `/.well-known/acme-challenge/` on, or use `webroot` or `dns-01`",
                        ));
                    }
                    Err(error) => return Err(unfit(error)),
                }
            };
            listener.set_nonblocking(true).map_err(unfit)?;
            let (stop, talk) = (Arc::clone(&responder.stop), Arc::clone(talk));
            let thread =
                thread::Builder::new().name("acme-responder".into()).spawn(move || accept(&listener, &stop, &talk));
            responder.threads.push(thread.map_err(unfit)?);
        }
        Ok(responder)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, stop: &AtomicBool, talk: &Talk) {
    let crowd = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::SeqCst) {
        let Ok((mut stream, _)) = listener.accept() else {
            thread::sleep(SLICE);
            continue;
        };
        // An authority looks from several places at once; a crowd is somebody else.
        if crowd.load(Ordering::SeqCst) >= CROWD {
            continue;
        }
        let (talk, here) = (Arc::clone(talk), Arc::clone(&crowd));
        here.fetch_add(1, Ordering::SeqCst);
        let run = move || {
            let ready = stream.set_nonblocking(false).is_ok()
                && stream.set_read_timeout(Some(TALK)).is_ok()
                && stream.set_write_timeout(Some(TALK)).is_ok();
            if ready {
                talk(&mut stream);
            }
            here.fetch_sub(1, Ordering::SeqCst);
        };
        if thread::Builder::new().name("acme-answer".into()).spawn(run).is_err() {
            crowd.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
