//! How fast command lines become Rhai, in bytes of script.

use certlet::{Engine, Session};
use divan::Bencher;
use divan::counter::BytesCount;

const COMMANDS: &str = "Get-CsCertificate -Type Default,WebServicesInternal | Where-Object |c| c.NotAfter < limit | Sort-Object NotAfter
$names = @(Get-CsCertificate -Type $uses | Where-Object { $_.Subject -like \"CN=$name*\" })
foreach ($c in $names) { Write-Warning \"ends soon: $($c.Thumbprint)\" }
Request-CsCertificate -New -Type Default -CA \"dc01.contoso.net\\contoso-DC01-CA\" -DomainName \"a.contoso.com,b.contoso.com\" -WhatIf
";
const RHAI: &str = "let total = 0;
for i in 0..10 { if i % 2 == 0 { total += i * 3; } else { total -= 1; } } // every second one
let text = `${total} of ${limit}`;
let map = #{ a: 1, b: [1, 2, 3], c: |x| x + 1 };
";

#[divan::bench(args = ["commands", "rhai", "mixed"])]
fn a_megabyte(bencher: Bencher, kind: &str) {
    let piece = match kind {
        "commands" => COMMANDS.to_owned(),
        "rhai" => RHAI.to_owned(),
        _ => RHAI.repeat(4) + COMMANDS,
    };
    let head = "let limit = 30; let name = \"x\"; let uses = [\"Default\"];\n";
    let text = head.to_owned() + piece.repeat((1 << 20) / piece.len()).as_str();
    let engine = Engine::new(Session::builder().build());
    // What a script's parameters are is known when all of it is lowered; Rhai's own parser does not run.
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| engine.params(&text).unwrap());
}
