//! The built-in listener, with real handshakes across swaps.

use std::io::{Read, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::contract_tests::{binding, material, put_all, world};
use super::{Listener, ListenerBinding, ListenerServer, Server};
use crate::error::ErrorId;
use crate::model::{BindingProtocol, Certificate, Clock};
use crate::probe::testing::{Authority, Issued, Oddities, WallClock};
use crate::probe::{KeyFamily, Miss, Prober, RustlsProber, Target, TlsVersion};
use crate::state::{BindingKey, BoundRow, Row, RowKey, Slot, State, Write};

fn declared(protocol: BindingProtocol, endpoint: &str) -> ListenerBinding {
    let BindingKey { computer, site, information, .. } = binding();
    ListenerBinding { computer, site, information, protocol, endpoints: vec![endpoint.parse().unwrap()] }
}

fn see(address: &str, family: KeyFamily) -> Result<Certificate, Miss> {
    let target = Target {
        address: address.to_owned(),
        server_name: Some("a.example".to_owned()),
        version: TlsVersion::Tls13,
        family,
        alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
        timeout: Duration::from_secs(5),
    };
    RustlsProber::new(Arc::new(WallClock::new())).handshake(&target, &|| false).map(|s| s.leaf)
}

fn serve(state: &dyn State, issued: &Issued, slot: Slot) {
    let row = BoundRow { certificate: issued.leaf.fingerprint(), since: WallClock::new().now() };
    state.write(&[Write::put(RowKey::Listener(BindingKey { slot, ..binding() }), Row::Listener(row))]).unwrap();
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn rows_are_followed_whoever_writes_them() {
    let authority = Authority::new("Rows");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let rsa = authority.issue_odd(&["a.example"], &Oddities { rsa: true, ..Oddities::default() });
    let (state, keys) = world(&[&a, &b, &rsa]);
    let bindings = vec![declared(BindingProtocol::Https, "127.0.0.1:0")];
    let listener = Listener::start(Arc::clone(&state), Arc::clone(&keys), bindings.clone(), "test").unwrap();
    let address = listener.addresses()[0].1[0].to_string();
    assert!(matches!(see(&address, KeyFamily::Any), Err(Miss::Off(_))), "nothing is served yet");
    assert_eq!(state.row(&bindings[0].published()).unwrap(), Some(Row::Setting(address.clone())));

    serve(&*state, &a, Slot::Any);
    listener.refresh().unwrap();
    assert_eq!(see(&address, KeyFamily::Any).unwrap(), a.leaf);
    serve(&*state, &b, Slot::Any);
    eventually("another writer's row is noticed", || see(&address, KeyFamily::Any).unwrap() == b.leaf);
    serve(&*state, &rsa, Slot::Rsa);
    eventually("a second slot is served", || see(&address, KeyFamily::Rsa).is_ok_and(|leaf| leaf == rsa.leaf));
    assert_eq!(see(&address, KeyFamily::Ecdsa).unwrap(), b.leaf);

    // A certificate whose key is not there: what was served is served on.
    let lost = authority.issue(&["a.example"]);
    serve(&*state, &lost, Slot::Any);
    assert_eq!(listener.refresh().unwrap_err().id(), ErrorId::ReloadFailed);
    assert_eq!(see(&address, KeyFamily::Ecdsa).unwrap(), b.leaf);
    assert!(listener.problem().is_some());

    state
        .write(&[Slot::Any, Slot::Rsa].map(|slot| Write::remove(RowKey::Listener(BindingKey { slot, ..binding() }))))
        .unwrap();
    listener.refresh().unwrap();
    assert!(matches!(see(&address, KeyFamily::Any), Err(Miss::Off(_))), "nothing is served again");
    assert!(listener.problem().is_none());
}

#[test]
fn who_comes_second_does_not_serve() {
    let authority = Authority::new("Second");
    let a = authority.issue(&["a.example"]);
    let (state, keys) = world(&[&a]);
    let start = |endpoint: &str| {
        Listener::start(
            Arc::clone(&state),
            Arc::clone(&keys),
            vec![declared(BindingProtocol::Https, endpoint)],
            "pid 1",
        )
    };
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let version = state.data_version().unwrap();
    let error = start(&stranger.local_addr().unwrap().to_string()).err().unwrap();
    assert_eq!((error.id(), state.data_version().unwrap()), (ErrorId::EndpointInUse, version));
    assert_eq!(start("www.example.com:443").err().unwrap().id(), ErrorId::ConfigInvalid);

    let first = start("127.0.0.1:0").unwrap();
    let address = first.addresses()[0].1[0];
    assert_eq!(start("127.0.0.1:0").err().unwrap().id(), ErrorId::Busy);
    drop(first);
    assert_eq!(
        see(&address.to_string(), KeyFamily::Any).unwrap_err(),
        Miss::Down("the connection is refused".to_owned())
    );
    // The port of the last time is taken again.
    assert_eq!(start("127.0.0.1:0").unwrap().addresses()[0].1[0], address);
}

#[test]
fn no_handshake_fails_during_swaps_and_requests_come_to_their_end() {
    let authority = Authority::new("Swaps");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let (state, keys) = world(&[&a, &b]);
    serve(&*state, &a, Slot::Any);
    let bindings = vec![declared(BindingProtocol::Https, "127.0.0.1:0")];
    let listener = Arc::new(Listener::start(Arc::clone(&state), Arc::clone(&keys), bindings, "test").unwrap());
    let address = listener.addresses()[0].1[0].to_string();
    let wake = Arc::clone(&listener);
    let server = ListenerServer::new(
        Arc::clone(&state),
        keys,
        Arc::new(WallClock::new()),
        vec![binding()],
        true,
        Arc::new(move || wake.refresh()),
    );

    let mut half = authority.connect(&address);
    half.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n").unwrap();
    half.flush().unwrap();
    let mut kept = authority.connect(&address);
    ask(&mut kept);

    let done = AtomicBool::new(false);
    let swaps = std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = 0;
            while !done.load(Ordering::SeqCst) {
                let next = if swaps % 2 == 0 { &b } else { &a };
                put_all(&server, &server.images(&binding(), &material(next)).unwrap());
                server.check().unwrap();
                server.activate().unwrap();
                swaps += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            swaps
        });
        let mut seen = [0, 0];
        for _ in 0..200 {
            let leaf = see(&address, KeyFamily::Any).unwrap();
            seen[usize::from(leaf == b.leaf)] += 1;
        }
        done.store(true, Ordering::SeqCst);
        assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
        swapping.join().unwrap()
    });
    assert!(swaps > 10, "{swaps}");

    half.write_all(b"\r\n").unwrap();
    assert!(answer(&mut half).starts_with("HTTP/1.1 200 OK"));
    assert!(ask(&mut kept).contains("Site on fe01 is served by certlet"));
}

#[test]
fn plain_http_and_plain_tls_are_spoken_too() {
    let authority = Authority::new("Plain");
    let a = authority.issue(&["a.example"]);
    let (state, keys) = world(&[&a]);
    serve(&*state, &a, Slot::Any);
    let http = ListenerBinding { information: "*:80:".to_owned(), ..declared(BindingProtocol::Http, "127.0.0.1:0") };
    let bindings = vec![http, declared(BindingProtocol::Tls, "localhost:0")];
    let listener = Listener::start(Arc::clone(&state), keys, bindings, "test").unwrap();
    let mut plain = std::net::TcpStream::connect(listener.addresses()[0].1[0]).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    plain.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK") && said.ends_with("certlet\n"), "{said}");
    let mut tls = authority.connect(&listener.addresses()[1].1[0].to_string());
    assert_eq!(tls.read_to_end(&mut Vec::new()).unwrap(), 0, "closed cleanly");
}

fn ask(stream: &mut (impl Read + std::io::Write)) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").unwrap();
    stream.flush().unwrap();
    answer(stream)
}

fn answer(stream: &mut impl Read) -> String {
    let mut said = Vec::new();
    let mut chunk = [0; 512];
    while !said.ends_with(b"certlet\n") {
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(said).unwrap()
}
