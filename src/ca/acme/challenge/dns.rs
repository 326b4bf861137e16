//! DNS messages: one question out, the records of the answer in (RFC 1035 section 4, RFC 6891).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A,
    Ns,
    Cname,
    Text,
    Aaaa,
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Text => 16,
            Self::Aaaa => 28,
        }
    }
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The owner, lower case, without a final dot.
    pub(super) name: String,
    pub(super) data: Data,
}

/// What a record says; other kinds are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Address(IpAddr),
    /// A name server.
    Server(String),
    /// The name that this one is another word for.
    Alias(String),
    /// The strings of a TXT record, put together.
    Text(Vec<u8>),
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// It did not fit: ask again by TCP.
    pub(super) is_cut: bool,
    /// 0, or 3 for a name that does not exist.
    pub(super) code: u8,
    pub(super) answers: Vec<Record>,
}

/// The largest answer that is asked for by UDP (DNS flag day 2020).
const LARGEST: u16 = 1232;
/// How many compression pointers one name may hold.
const JUMPS: u32 = 32;

/// A question; `None` for a name that cannot be written.
pub(super) fn question(id: u16, name: &str, kind: Kind, recursive: bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.extend(id.to_be_bytes());
    out.extend([u8::from(recursive), 0]);
    // One question, and one additional record: that larger answers are fine.
    out.extend([0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.trim_end_matches('.').split('.').filter(|l| !l.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|l| *l < 64)?;
        out.push(length);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend(kind.number().to_be_bytes());
    out.extend([0, 1]);
    out.extend([0, 0, 41]);
    out.extend(LARGEST.to_be_bytes());
    out.extend([0; 6]);
    (name.len() <= 254).then_some(out)
}

/// Reads an answer; `None` when it is malformed or answers another question.
pub(super) fn read(message: &[u8], id: u16, name: &str, kind: Kind) -> Option<Reply> {
    let header = message.first_chunk::<12>()?;
    let is_answer = header[2] & 0x80 != 0;
    let questions = u16::from_be_bytes([header[4], header[5]]);
    if u16::from_be_bytes([header[0], header[1]]) != id || !is_answer || questions != 1 {
        return None;
    }
    let mut at = 12;
    let asked = take_name(message, &mut at)?;
    let asked_kind = take_u16(message, &mut at)?;
    take_u16(message, &mut at)?;
    if !asked.eq_ignore_ascii_case(name.trim_end_matches('.')) || asked_kind != kind.number() {
        return None;
    }
    let is_cut = header[2] & 2 != 0;
    let mut answers = Vec::new();
    for _ in 0..u16::from_be_bytes([header[6], header[7]]) {
        match take_record(message, &mut at) {
            Some(record) => answers.extend(record),
            None if is_cut => break,
            None => return None,
        }
    }
    Some(Reply { is_cut, code: header[3] & 15, answers })
}

/// A record of a kind that counts, or none of another kind; `None` when it is malformed.
fn take_record(message: &[u8], at: &mut usize) -> Option<Vec<Record>> {
    let name = take_name(message, at)?.to_ascii_lowercase();
    let kind = take_u16(message, at)?;
    *at += 6;
    let length = usize::from(take_u16(message, at)?);
    let begin = *at;
    let content = message.get(begin..begin.checked_add(length)?)?;
    *at = begin + length;
    let data = match kind {
        1 => Data::Address(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(content).ok()?))),
        28 => Data::Address(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(content).ok()?))),
        2 | 5 => {
            // Names in a record may point anywhere before.
            let mut inside = begin;
            let name = take_name(message, &mut inside)?.to_ascii_lowercase();
            if kind == 2 { Data::Server(name) } else { Data::Alias(name) }
        }
        16 => {
            let (mut text, mut rest) = (Vec::new(), content);
            while let Some((length, after)) = rest.split_first() {
                let (string, after) = after.split_at_checked(usize::from(*length))?;
                text.extend_from_slice(string);
                rest = after;
            }
            Data::Text(text)
        }
        _ => return Some(Vec::new()),
    };
    Some(vec![Record { name, data }])
}

fn take_u16(message: &[u8], at: &mut usize) -> Option<u16> {
    let bytes = message.get(*at..at.checked_add(2)?)?;
    *at += 2;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// A name with its pointers followed (RFC 1035 section 4.1.4); `at` ends behind it.
fn take_name(message: &[u8], at: &mut usize) -> Option<String> {
    let mut name = String::new();
    let (mut place, mut jumps) = (*at, 0);
    loop {
        let length = *message.get(place)?;
        match length {
            0 => {
                if jumps == 0 {
                    *at = place + 1;
                }
                return Some(name);
            }
            1..=63 => {
                let label = message.get(place + 1..place + 1 + usize::from(length))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(label.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }));
                place += 1 + usize::from(length);
                if name.len() > 255 {
                    return None;
                }
            }
            192.. => {
                let low = *message.get(place + 1)?;
                if jumps == 0 {
                    *at = place + 2;
                }
                jumps += 1;
                if jumps > JUMPS {
                    return None;
                }
                place = usize::from(length & 63) << 8 | usize::from(low);
            }
            _ => return None,
        }
    }
}

/// Writes the answer to a question, for servers in tests.
#[cfg(test)]
pub(super) fn reply(question: &[u8], records: &[Record]) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|b| *b == 0).unwrap() + 5;
    let mut out = question[..end].to_vec();
    out[2] |= 0x84;
    out[7] = u8::try_from(records.len()).unwrap();
    out[11] = 0;
    let name = |text: &str| {
        let labels = text.split('.').flat_map(|l| [&[u8::try_from(l.len()).unwrap()], l.as_bytes()].concat());
        labels.chain([0]).collect::<Vec<u8>>()
    };
    for record in records {
        let (kind, content) = match &record.data {
            Data::Address(IpAddr::V4(v4)) => (1u8, v4.octets().to_vec()),
            Data::Address(IpAddr::V6(v6)) => (28, v6.octets().to_vec()),
            Data::Server(server) => (2, name(server)),
            Data::Alias(alias) => (5, name(alias)),
            Data::Text(text) => {
                let parts = text.chunks(20).flat_map(|c| [&[u8::try_from(c.len()).unwrap()], c].concat());
                (16, parts.collect())
            }
        };
        out.extend(name(&record.name));
        out.extend([0, kind, 0, 1, 0, 0, 0, 0]);
        out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        out.extend(content);
    }
    out
}

/// The name and kind of a question, for servers in tests.
#[cfg(test)]
pub(super) fn asked(question: &[u8]) -> (String, u16) {
    let mut at = 12;
    let name = take_name(question, &mut at).unwrap();
    (name, take_u16(question, &mut at).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let record = |data| Record { name: "_acme-challenge.shop.test".to_owned(), data };
        vec![
            record(Data::Alias("x.other.test".into())),
            record(Data::Text(vec![b'v'; 43])),
            record(Data::Address("192.0.2.1".parse().unwrap())),
            record(Data::Address("2001:db8::1".parse().unwrap())),
            record(Data::Server("ns.shop.test".into())),
        ]
    }

    #[test]
    fn what_was_written_is_read() {
        let question = question(7, "_acme-challenge.SHOP.test.", Kind::Text, true).unwrap();
        let message = reply(&question, &records());
        let name = "_acme-challenge.shop.test";
        assert_eq!(read(&message, 7, name, Kind::Text).unwrap().answers, records());
        assert!(read(&message, 8, name, Kind::Text).is_none());
        assert!(read(&message, 7, name, Kind::A).is_none());
        assert!(read(&message, 7, "shop.test", Kind::Text).is_none());
        assert!(super::question(1, &"a".repeat(64), Kind::A, true).is_none());
    }

    #[test]
    fn pointers_are_followed_and_loops_end() {
        let question = question(7, "shop.test", Kind::Ns, true).unwrap();
        let mut message = reply(&question, &[]);
        message[7] = 1;
        message.extend([0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 0, 0, 5, 2, b'n', b's', 0xc0, 12]);
        let found = read(&message, 7, "shop.test", Kind::Ns).unwrap();
        assert_eq!(found.answers, [Record { name: "shop.test".into(), data: Data::Server("ns.shop.test".into()) }]);
        let own = u8::try_from(message.len() - 2).unwrap();
        *message.last_mut().unwrap() = own;
        assert!(read(&message, 7, "shop.test", Kind::Ns).is_none());
    }

    #[test]
    fn no_cut_or_changed_message_does_harm() {
        let question = question(7, "shop.test", Kind::Text, true).unwrap();
        let message = reply(&question, &records());
        for end in 0..message.len() {
            let _ = read(&message[..end], 7, "shop.test", Kind::Text);
            for octet in [0, 0x3f, 0xc0, 0xff] {
                let mut changed = message.clone();
                changed[end] = octet;
                let _ = read(&changed, 7, "shop.test", Kind::Text);
            }
        }
    }
}
