//! What the fuzzers start from holds in every run of the tests.

use std::fs;
use std::path::Path;

#[test]
fn each_seed_holds() {
    let targets = ["binding", "certificates", "configuration", "lowering", "pfx", "topology_xml"];
    let functions: [fn(&[u8]); 6] = [
        certlet::fuzz::binding,
        certlet::fuzz::certificates,
        certlet::fuzz::configuration,
        certlet::fuzz::lowering,
        certlet::fuzz::pfx,
        certlet::fuzz::topology_xml,
    ];
    for (target, holds) in targets.into_iter().zip(functions) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            holds(&fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count >= 4, "only {count} seeds of {target}");
    }
}
