//! Arbitrary bytes for the two readers.

use std::path::Path;

use super::certlet_toml::configuration_of;
use super::reader::{Document, Table};
use super::topology_toml::{topology_of_text, topology_of_xml};
use super::topology_xml_write::topology_to_xml;
use super::uses::read_use;
use crate::error::ErrorId;
use crate::model::names::{compute, difference};
use crate::model::{NameQuery, Topology};

/// Reads bytes as a topology and as a `certlet.toml`; whatever they are, it returns.
///
/// A topology that is accepted must also compute names for each of its computers. The first byte chooses the
/// reader. No file is opened: the configuration's topology is the sample's, whatever it names.
#[doc(hidden)]
pub fn fuzz_one(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match first % 3 {
        0 => {
            if let Ok(topology) = topology_of_text("topology.toml", text) {
                compute_everything(&topology);
            }
        }
        1 => {
            let sample = include_str!("sample/contoso.topology.toml");
            let home = Path::new("/nonexistent/home/certlet.toml");
            let read =
                configuration_of(home, "certlet.toml", text.to_owned(), &|_| topology_of_text("topology.toml", sample));
            drop(read);
        }
        _ => {
            let document = Document::new("uses.toml", text.to_owned(), ErrorId::TopologyInvalid);
            if let Ok(root) = document.parse() {
                for table in Table::root(&document, &root).tables("use") {
                    drop(read_use(table, true, Path::new("/nonexistent")));
                }
            }
        }
    }
}

/// Reads bytes as a topology in XML; one that is accepted reads back from what is written of it.
#[doc(hidden)]
pub fn topology_xml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(topology) = topology_of_xml("topology.xml", text) {
        compute_everything(&topology);
        let again = topology_of_xml("again.xml", &topology_to_xml(&topology));
        assert_eq!(again.as_ref().ok(), Some(&topology), "{again:?}");
    }
}

fn compute_everything(topology: &Topology) {
    for pool in &topology.pools {
        for computer in pool.computers.iter().take(4) {
            let uses = topology.uses_of(pool).map(|u| u.name.clone()).collect();
            let query = NameQuery { all_sip_domain: true, ..NameQuery::new(computer.clone(), uses) };
            if let Ok(computed) = compute(topology, &query) {
                let found: Vec<String> = computed.names.iter().map(|n| n.name.to_string()).collect();
                drop(difference(&computed, &found));
            }
        }
    }
    drop(topology.suffixes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;

    const SEEDS: [&str; 7] = [
        include_str!("sample/contoso.topology.toml"),
        include_str!("sample/contoso.certlet.toml"),
        include_str!("uses.toml"),
        include_str!("sample/web.topology.toml"),
        include_str!("sample/web.certlet.toml"),
        "version = 1\n[[use]]\nname = \"X\"\nnames = [{ name = \"{pool}\", when = \"autodiscover\" }]\n",
        include_str!("sample/plain.certlet.toml"),
    ];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 192, ..ProptestConfig::default() })]

        #[test]
        fn damaged_files_are_refused_or_read(
            seed in 0..SEEDS.len(),
            edits in proptest::collection::vec((any::<usize>(), 0..5u8, "[\\PC\\n]{0,6}|\\[\\[|\\{|\\}|=|\"|''"), 1..8),
        ) {
            let mut text: Vec<char> = SEEDS[seed].chars().collect();
            for (place, kind, insert) in edits {
                let place = place % text.len().max(1);
                let end = (place + 1 + usize::from(kind) * 7).min(text.len());
                match kind {
                    0 => drop(text.drain(place..end)),
                    1 => { let piece: Vec<char> = text[place..end].to_vec(); text.splice(place..place, piece); }
                    2 => text.truncate(place + text.len() / 2),
                    _ => { text.splice(place..(place + usize::from(kind == 4)).min(text.len()), insert.chars()); }
                }
            }
            let text: String = text.into_iter().collect();
            for reader in 0..3u8 {
                let mut data = vec![reader];
                data.extend_from_slice(text.as_bytes());
                fuzz_one(&data);
            }
        }
    }

    /// The sample as XML, and a document as the product publishes it.
    fn documents() -> [String; 2] {
        let sample = topology_of_text("topology.toml", SEEDS[0]).unwrap();
        [topology_to_xml(&sample), crate::config::topology_xml_tests::PUBLISHED.to_owned()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 192, ..ProptestConfig::default() })]

        #[test]
        fn damaged_documents_are_refused_or_read(
            seed in 0..2_usize,
            edits in proptest::collection::vec((any::<usize>(), 0..5u8, "[\\PC\\n]{0,6}|</?[A-Z]|&#?|\"|'|xmlns"), 1..8),
        ) {
            let mut text: Vec<char> = documents()[seed].chars().collect();
            for (place, kind, insert) in edits {
                let place = place % text.len().max(1);
                let end = (place + 1 + usize::from(kind) * 7).min(text.len());
                match kind {
                    0 => drop(text.drain(place..end)),
                    1 => { let piece: Vec<char> = text[place..end].to_vec(); text.splice(place..place, piece); }
                    2 => text.truncate(place + text.len() / 2),
                    _ => { text.splice(place..(place + usize::from(kind == 4)).min(text.len()), insert.chars()); }
                }
            }
            topology_xml(text.into_iter().collect::<String>().as_bytes());
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let texts = [
            format!("a = {}", "[".repeat(100_000)),
            format!("a = {}", "{a=".repeat(100_000)),
            format!("{}a = 1", "a.".repeat(100_000)),
            format!("[{}a]", "a.".repeat(50_000)),
        ];
        for text in texts {
            for reader in 0..3u8 {
                let mut data = vec![reader];
                data.extend_from_slice(text.as_bytes());
                fuzz_one(&data);
            }
        }
    }
}
