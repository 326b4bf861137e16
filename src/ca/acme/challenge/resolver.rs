//! Whether the name servers that count answer with a record: the authoritative ones of the zone, each of them.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::dns::{self, Data, Kind, Reply};

/// How long one server has for one answer, and how often it is asked.
const LIMIT: Duration = Duration::from_secs(2);
const TRIES: u32 = 2;
/// How long one wait for a packet lasts before it is looked whether the run is to end.
const SLICE: Duration = Duration::from_millis(50);
/// How many names one may stand for another.
const ALIASES: usize = 8;
const PORT: u16 = 53;
/// Where the operating system says whom it asks.
const SYSTEM: &str = "/etc/resolv.conf";

/// Asks name servers directly, past every cache.
pub(super) struct Resolver {
    /// The one server to be asked instead.
    only: Option<SocketAddr>,
    /// Who finds out which the authoritative servers are.
    recursive: Vec<SocketAddr>,
    /// Where authoritative servers listen.
    port: u16,
}

impl Resolver {
    /// The server to be asked instead of the authoritative ones; `None` finds these out through the system's.
    pub(super) fn new(only: Option<SocketAddr>) -> Self {
        let recursive = if only.is_some() { Vec::new() } else { system_servers() };
        Self { only, recursive, port: PORT }
    }

    /// Fails with the reason unless every authoritative server that answers has the text, and at least one answers.
    pub(super) fn has_text(&self, name: &str, value: &str, cancelled: &dyn Fn() -> bool) -> Result<(), String> {
        if let Some(server) = self.only {
            return shows(&ask(server, name, Kind::Text, true, cancelled)?, value)
                .then_some(())
                .ok_or_else(|| format!("{server} does not have it"));
        }
        let (name, zone) = self.place(name, cancelled)?;
        let mut said = Vec::new();
        for host in &zone {
            let addresses = self.addresses(host, cancelled);
            // One address of a server speaks for it.
            let reply = addresses
                .iter()
                .find_map(|a| ask(SocketAddr::new(*a, self.port), &name, Kind::Text, false, cancelled).ok());
            match reply {
                Some(reply) if !shows(&reply, value) => return Err(format!("`{host}` does not have it at `{name}`")),
                Some(_) => said.push(host),
                None => {}
            }
        }
        if said.is_empty() { Err(format!("none of the name servers {} answers", zone.join(", "))) } else { Ok(()) }
    }

    /// The name that is meant in the end, and the authoritative servers of its zone.
    fn place(&self, name: &str, cancelled: &dyn Fn() -> bool) -> Result<(String, Vec<String>), String> {
        let mut name = name.to_ascii_lowercase();
        for _ in 0..ALIASES {
            let reply = self.find(&name, Kind::Cname, cancelled)?;
            let alias = reply.answers.into_iter().find_map(|record| match record.data {
                Data::Alias(alias) if record.name == name => Some(alias),
                _ => None,
            });
            match alias {
                Some(alias) => name = alias,
                None => break,
            }
        }
        let mut zone = name.as_str();
        loop {
            let servers: Vec<String> = self
                .find(zone, Kind::Ns, cancelled)?
                .answers
                .into_iter()
                .filter(|record| record.name == zone)
                .filter_map(|record| if let Data::Server(host) = record.data { Some(host) } else { None })
                .collect();
            if !servers.is_empty() {
                return Ok((name.clone(), servers));
            }
            zone = zone
                .split_once('.')
                .map(|(_, rest)| rest)
                .ok_or_else(|| format!("nobody serves a zone of `{name}`"))?;
        }
    }

    fn addresses(&self, host: &str, cancelled: &dyn Fn() -> bool) -> Vec<IpAddr> {
        let of = |kind| self.find(host, kind, cancelled).map(|r| r.answers).unwrap_or_default();
        let found = of(Kind::A).into_iter().chain(of(Kind::Aaaa));
        found.filter_map(|record| if let Data::Address(a) = record.data { Some(a) } else { None }).collect()
    }

    /// Asks the recursive servers, one after the other.
    fn find(&self, name: &str, kind: Kind, cancelled: &dyn Fn() -> bool) -> Result<Reply, String> {
        let mut last = format!("`{SYSTEM}` names no name server");
        for server in &self.recursive {
            match ask(*server, name, kind, true, cancelled) {
                Ok(reply) if reply.code == 0 || reply.code == 3 => return Ok(reply),
                Ok(reply) => last = format!("{server} answers with code {}", reply.code),
                Err(why) => last = why,
            }
        }
        Err(last)
    }
}

fn shows(reply: &Reply, value: &str) -> bool {
    reply.answers.iter().any(|r| matches!(&r.data, Data::Text(text) if text == value.as_bytes()))
}

fn system_servers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(SYSTEM).unwrap_or_default();
    let words = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    words.filter_map(|word| word.trim().parse().ok()).map(|address| SocketAddr::new(address, PORT)).collect()
}

fn ask(
    server: SocketAddr,
    name: &str,
    kind: Kind,
    recursive: bool,
    cancelled: &dyn Fn() -> bool,
) -> Result<Reply, String> {
    let mut id = [0; 2];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| "the system gives no random octets".to_owned())?;
    let id = u16::from_be_bytes(id);
    let question = dns::question(id, name, kind, recursive).ok_or_else(|| format!("`{name}` is no name of the DNS"))?;
    let failed = |e: std::io::Error| format!("{server}: {e}");
    let any: IpAddr = if server.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0)).map_err(failed)?;
    socket.connect(server).map_err(failed)?;
    socket.set_read_timeout(Some(SLICE)).map_err(failed)?;
    let mut buffer = [0; 4096];
    for _ in 0..TRIES {
        socket.send(&question).map_err(failed)?;
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            if cancelled() {
                return Err("interrupted".to_owned());
            }
            match socket.recv(&mut buffer) {
                Ok(length) => match dns::read(buffer.get(..length).unwrap_or_default(), id, name, kind) {
                    Some(reply) if reply.is_cut => return by_tcp(server, &question, id, name, kind),
                    Some(reply) => return Ok(reply),
                    None => {}
                },
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(e) => return Err(failed(e)),
            }
        }
    }
    Err(format!("{server} does not answer"))
}

fn by_tcp(server: SocketAddr, question: &[u8], id: u16, name: &str, kind: Kind) -> Result<Reply, String> {
    let failed = |e: std::io::Error| format!("{server}: {e}");
    let mut stream = TcpStream::connect_timeout(&server, LIMIT).map_err(failed)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
    let length = u16::try_from(question.len()).unwrap_or_default().to_be_bytes();
    stream.write_all(&[&length[..], question].concat()).map_err(failed)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).map_err(failed)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).map_err(failed)?;
    dns::read(&message, id, name, kind).ok_or_else(|| format!("{server} answers something else"))
}

#[cfg(test)]
mod tests {
    use super::super::dns::Record;
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    type Zone = Arc<Mutex<BTreeMap<(String, u16), Vec<Record>>>>;

    /// A name server on a loopback address; it ends with the test process.
    fn serve(address: &str, port: u16, zone: &Zone) -> Option<u16> {
        let socket = UdpSocket::bind((address, port)).ok()?;
        let port = socket.local_addr().unwrap().port();
        let zone = Arc::clone(zone);
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let asked = dns::asked(&buffer[..length]);
                let records = zone.lock().unwrap().get(&asked).cloned().unwrap_or_default();
                let _ = socket.send_to(&dns::reply(&buffer[..length], &records), from);
            }
        });
        Some(port)
    }

    fn add(zone: &Zone, name: &str, kind: u16, data: Data) {
        let record = Record { name: name.to_owned(), data };
        zone.lock().unwrap().entry((name.to_owned(), kind)).or_default().push(record);
    }

    #[test]
    fn every_authoritative_server_must_have_the_record() {
        let (recursive, one, two) = (Zone::default(), Zone::default(), Zone::default());
        // Three servers on one port: the same number at three addresses.
        let port = loop {
            let port = serve("127.0.0.1", 0, &recursive).unwrap();
            if serve("127.0.0.2", port, &one).is_some() && serve("127.0.0.3", port, &two).is_some() {
                break port;
            }
        };
        let name = "_acme-challenge.www.shop.test";
        add(&recursive, name, 5, Data::Alias("www.dns.test".into()));
        add(&recursive, "dns.test", 2, Data::Server("ns1.dns.test".into()));
        add(&recursive, "dns.test", 2, Data::Server("ns2.dns.test".into()));
        add(&recursive, "ns1.dns.test", 1, Data::Address("127.0.0.2".parse().unwrap()));
        add(&recursive, "ns2.dns.test", 1, Data::Address("127.0.0.3".parse().unwrap()));
        let resolver = Resolver { only: None, recursive: vec![([127, 0, 0, 1], port).into()], port };
        let holds = || resolver.has_text(name, "the value", &|| false);
        assert!(holds().unwrap_err().contains("ns1.dns.test"));
        add(&one, "www.dns.test", 16, Data::Text(b"another".to_vec()));
        add(&one, "www.dns.test", 16, Data::Text(b"the value".to_vec()));
        assert!(holds().unwrap_err().contains("ns2.dns.test"));
        add(&two, "www.dns.test", 16, Data::Text(b"the value".to_vec()));
        assert_eq!(holds(), Ok(()));
        let only = Resolver { only: Some(([127, 0, 0, 3], port).into()), recursive: Vec::new(), port: 0 };
        assert_eq!(only.has_text("www.dns.test", "the value", &|| false), Ok(()));
        assert!(only.has_text(name, "the value", &|| false).is_err());
        assert!(resolver.has_text("nothing.else", "x", &|| false).is_err());
    }
}
