//! Golden tests of the lowering: what each rule makes of a line.

mod faults;
mod golden;
mod identity;
mod mutation;
mod running;

use super::sample::Sample;
use super::{LowerFailure, Lowered, lower};

/// Lowers a text that must lower, and proves that Rhai takes the result.
pub(super) fn lowered(source: &str) -> Lowered {
    let lowered = match lower(source, None, &Sample, &[]) {
        Ok(lowered) => lowered,
        Err(failure) => panic!("{source}\n{failure:?}"),
    };
    assert_eq!(source.matches('\n').count(), lowered.text.matches('\n').count(), "{source}\n{}", lowered.text);
    if let Err(error) = engine().compile(&lowered.text) {
        panic!("{error}\n{source}\n{}", lowered.text);
    }
    lowered
}

/// The ids, columns and widths of a text's errors.
pub(super) fn errors(source: &str) -> Vec<String> {
    match lower(source, None, &Sample, &[]) {
        Err(LowerFailure::Errors(errors)) => errors
            .iter()
            .map(|error| {
                let position = error.position().expect("every error has a place");
                format!("{} {}:{}+{}", error.id(), position.line, position.column, position.width)
            })
            .collect(),
        other => panic!("{source}\n{other:?}"),
    }
}

pub(super) fn is_incomplete(source: &str) -> bool {
    matches!(lower(source, None, &Sample, &[]), Err(LowerFailure::Incomplete(_)))
}

pub(super) fn engine() -> rhai::Engine {
    let mut engine = rhai::Engine::new_raw();
    engine.set_max_expr_depths(256, 256);
    engine
}

/// Command lines of every kind: seeds of the mutations.
pub(super) const LINES: &[&str] = &[
    "Get-X -A b,c | Where-Object |c| c.z < 3 | Sort-Object z",
    "Get-X -A b,c | Where-Object |c| c.z < 3 | Sort-Object z\nlet y = 1;",
    "get-cscertificate -ty Default | % { $_.Type }",
    "if (Get-CsCertificate -Type Default).Thumbprint == x { 1 }",
    "for c in Get-CsCertificate | Sort-Object NotAfter { print(c); }",
    "Set-CsCertificate -Type Default -Thumbprint $c.Thumbprint",
    "Set-CsCertificate -Type Default -Thumbprint (c.Thumbprint)",
    "Set-CsCertificate -Type Default -Thumbprint ${c.Thumbprint}",
    "let t = `c=${(Get-CsCertificate -Type Default).Thumbprint} ${`in ${Test-X}`}`;",
    "let s = \"Get-CsCertificate -Type A\";",
    "/* Get-X /* nested */ */ 1",
    "#\"Get-X \"quoted\"\"#",
    "let m = #{ a: Get-X -Type A, b: 2 };",
    "let a = [Get-X -Type A,B, Get-X];",
    "f(Get-X -Type A,B, 2)",
    "let f = |x| Get-X -Type $x;",
    "fn f() { Get-X; return Get-X -Type A }",
    "fn f() {\n  Get-X -Type A\n  Get-X -Type B\n}",
    "switch x { 1 => Get-X -Type A, _ => { Get-X } }",
    "while Test-X -Type A { Get-X }",
    "try { Get-X } catch (e) { Get-X -A e }",
    "x && Test-X; !Test-X -Quiet",
    "let x = 5; x | ForEach-Object |v| v * 2",
    "Get-X -Path C:\\x\\$p.pem -Filter \"$p`t $($p + 1)\"",
    "Get-X -Type [a-z]*",
    "Get-X -Type @(\"A\",\"B\")",
    "Get-X -Type (\"A\",\"B\")",
    "$p = @{ Type = 'Default','WebServicesInternal'; Thumbprint = '<FULL>' }; Set-CsCertificate @p",
    "$p = @{ Type = 'Default','WebServicesInternal'; Thumbprint = 'FULL' }; Set-CsCertificate @p",
    "Get-CsCertificate | Where-Object {$_.NotAfter -lt \"9/1/2018\"}",
    "try { Set-CsCertificate -Type Default -Thumbprint 00 -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }",
    "\"x\" | Get-CsCertificate",
    "foreach ($c in Get-CsCertificate | sort NotAfter) { $c.Thumbprint }",
    "foreach ($i in 1..3) { Get-X -Value $i }",
    "$x = 5\nif ($x -gt 3 -and -not ($x -eq 4)) { Get-X } elseif ($x) { 1 } else { Get-X -A 2 }\n$x",
    "Get-CsCertificate -?",
    "$n = 0\nGet-X | % {\n  $n += 1\n  $m = $_\n  $m.Name\n}\n$n",
    "Get-X -A 'it''s' -Type 007,-5,1e9,1.5,1.0",
    "(Get-Date).AddDays(30)",
    "Get-X `\n  -A b `\n  -Type c\nGet-X",
    "Get-X |\n  Where-Object { $_.a } |\n  sort b",
    "Get-X # comment\n  | sort b",
    "Get-X -A b, c,\n  d\n1",
    "@(Get-X; Get-X -A b)",
    "@(1,2) | % { $_ * 2 }",
    "$x = @(\n 'a'\n 'b'\n)\n$y = @{\n a = 1\n b = @{ c = 2 }\n}\n$y.a",
    "# note\n<# more\nlines #>\nGet-X",
    "param(#{ a: 1 })",
    "$null = Get-X\n$true -or $false -or $null",
];
