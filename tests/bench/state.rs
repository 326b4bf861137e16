//! A thousand certificates in one run, each with its key durable before it is used.

use divan::Bencher;
use divan::counter::ItemsCount;

use super::world::{World, engine};

#[divan::bench(sample_count = 1, sample_size = 1)]
fn a_thousand_requests(bencher: Bencher) {
    let world = World::new();
    let engine = engine(&world.home());
    let text = "for i in 0..1000 { Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 | Out-Null }";
    bencher.counter(ItemsCount::new(1000_usize)).bench_local(|| engine.eval(text).unwrap());
}

/// Listing a store of a thousand certificates.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn find_among_a_thousand(bencher: Bencher) {
    let world = World::new();
    let engine = engine(&world.home());
    engine.eval("for i in 0..1000 { Request-CsCertificate -New -Type Default -KeyAlg ECDH_P256 | Out-Null }").unwrap();
    bencher.counter(ItemsCount::new(1000_usize)).bench_local(|| engine.eval("Find-TlsCertificate").unwrap());
}
