//! Plain Rhai comes out byte for byte.

use super::{engine, lowered};

/// One script for each construct of Rhai.
pub(super) const SCRIPTS: &[&str] = &[
    // Numbers and arithmetic.
    "let a = 1_000 + 0xff - 0b1010 * 0o17 / 3 % 2;\nlet b = 1.5e-3 + 2.0 ** 3 - 1.;\na += 1; a -= 2; a *= 3; a /= 4; a %= 5; a **= 2;\n(a + b) * 2",
    "let a = -5 - -3; let b = a-b-c; let c = a -b; a - b",
    "let bits = 1 << 4 | 3 & 6 ^ 5 >> 1;\nbits <<= 2; bits >>= 1; bits |= 8; bits &= 12; bits ^= 3;\nbits",
    // Strings.
    "let s = \"tab\\t quote \\\" back\\\\slash \\x41 \\u0416 \\U0001F600 doubled \"\" end\";\nlet c = 'x'; let d = '\\n'; let q = '\\''; let u = '\\u00e9'; let e = 'é';\ns + c + d",
    "let name = \"World\";\nlet text = `Hello, ${name}! ${1 + 2} ${if name == \"\" { `nobody ${\"}\"}` } else { `it's ${name}` }} `` tick`;\ntext",
    "let multi = `\nline one\n  line \"two\" 'three' // no comment\n${ let x = 1; x + 1 }\n\\${not}\n`;\nmulti.len()",
    "let raw = #\"C:\\path \"quoted\" # hash\"#;\nlet more = ##\"a \"# b\"##;\nraw + more",
    "let long = \"first \\\n            second\";\nlong",
    "// Get-CsCertificate -Type A\n/* Set-CsCertificate /* nested */ $x */\nlet text = \"Get-CsCertificate | Where-Object { $_.x }\"; // $y\ntext",
    "/** doc */\n/// doc\nfn doc() { 42 }\ndoc()",
    // Control flow.
    "let x = 5;\nif x > 3 { print(\"big\"); } else if x == 3 { print(\"three\"); } else { print(\"small\"); }\nlet y = if x < 3 { 1 } else { 2 };\ny",
    "let i = 0;\nwhile i < 10 { i += 1; if i == 5 { continue; } if i > 8 { break; } }\nloop { i -= 1; if i <= 0 { break i * 2; } }\ndo { i += 1; } while i < 5;\ndo { i += 1 } until i >= 9;\ni",
    "for x in 0..10 { print(x); }\nfor (x, i) in [1, 2, 3] { print(x + i); }\nfor c in \"text\" { }\nfor n in range(0, 9, 3) { }\nfor k in 1..=5 { }\nlet v = for x in 0..3 { if x == 1 { break x; } };",
    "switch calc(x) {\n  1 => print(\"one\"),\n  2 | 3 => { print(\"some\"); }\n  4..10 => 1 + 2,\n  10..=20 if x > 15 => \"guarded\",\n  \"a\" | 'b' => #{ key: 1 },\n  [1, 2] => (),\n  _ => { throw \"none\"; }\n}",
    "let r = switch x { 1 => 2, _ => switch y { 3 => 4, _ => { 5 } } };\nr",
    "try { let x = risky(); throw x; } catch (err) { print(err); }\ntry { risky() } catch { print(\"failed\"); }\nthrow #{ code: 42 };",
    "{ let inner = 1; { inner += 1; } }\nlet v = { let t = 2; t * t };\nv",
    // Functions.
    "fn add(a, b) { a + b }\nprivate fn twice(x) { return add(x, x); }\nfn early(x) { if x { return; } 1 }\nadd(1, twice(2)) + early(false)",
    "fn bump() { this += 1; }\nfn int.double() { this * 2 }\nfn \"My Type\".show(x) { this.y + x }\nlet n = 1;\nn.bump();\nn.double()",
    "let f = |x, y| x + y;\nlet g = || 42;\nlet h = |x| { let y = x * 2; y | 1 };\nf.call(1, 2) + call(g) + h.call(3) + Fn(\"add\").call(1, 2)",
    "[1, 2, 3].map(|v| v * 2).filter(|v| v > 2 || v == 0).reduce(|sum, v| if sum == () { v } else { sum + v })",
    "let c = curry(add, 1); let p = Fn(\"add\"); is_def_fn(\"add\", 2) && is_def_var(\"c\") && is_shared(c)",
    // Collections.
    "let a = [1, \"two\", 3.0, [4, 5], #{ six: 6 },];\na[0] = a[-1].six; a[3][1] += 1;\na[1..3]; a.push(7); a.len",
    "let m = #{ a: 1, \"b c\": 2, d: #{ e: [|x| x + 1, 3] }, };\nm.a = m[\"b c\"] + m.d.e[1];\nm?.x?.y ?? \"none\"; m.d?[\"e\"]?[0];\nif \"a\" in m && \"z\" !in m { m.d.e[0].call(1) }",
    "let x = (); let y = x ?? 1 ?? 2;\n!(x == y) && x != y || !y.is_odd() & true",
    "const ANSWER = 42;\nlet unit = ();\nlet nothing;\nexport const SHOWN = ANSWER;\nexport let shown_too = 1;\nexport shown_too as other;",
    "import \"lib/names\" as names;\nimport `other` as o;\nnames::first(1) + names::sub::VALUE + o::f(2) + global::ANSWER",
    // Names that look like more than they are.
    "let total = 1; let count = 2; let Total = 3; let Count = 4;\nlet d = Total-Count; let e = total-count; let f = Total - Count;\nd + e + f + a.b-c.d",
    "let Get = 5; let X = 2; let CsCertificate = 1;\nGet - X; Get-Y; Get -CsCertificate; x.Get-X; (Get)-CsCertificate",
    "let sort = 1; let where = 2; let select = 4; let a = 8;\na | sort | where | select",
    "let x = 5; let eq = 3; let and = 1; x -eq; x - eq; x -and(2)\n",
    "let t = type_of(x); print(t); debug(t);\nlet s = x.to_string() + y.name.to_upper().len();\ns == \"\"",
    "let if_x = 1; let fortune = if_x; let in_x = fortune; let catchy = in_x; let elseif_x = 1;\nlet function = 1; let filter = function; [1].filter(|x| x); let finally = 2; finally + filter",
    "let upon = 3;\r\nlet crlf = \"yes\";\r\n// comment\r\nif upon > 2 {\r\n  crlf\r\n}\r\n",
    "let s = \"Grüße, 世界 — “quoted” – $x @(y)\"; // – “ ”\ns",
    "let a=[1,2,3];let b=a.map(|x|x+1);for x in b{print(x)}if a==b{1}else{2}",
    "let x = 1\n  + 2\n  - 3;\nlet y = [\n  1,\n  2,\n];\nfoo(\n  x,\n  |z| {\n    z\n  },\n);\nx\n",
    "let r = 0..5; let q = 3..; let s = a[..2]; let t = ..=3; r.contains(2)",
    "x.foreach(|y| y); foreach(x); param(1); function(2); trap(3); a.default_value; b.class_name;",
    "let a = b<c; let d = e<f && g>h; let i = j<<2>k; if a<#{x:1}.x { }",
    "",
    "\n\n",
    ";;",
    "#{}",
    "()",
];

#[test]
fn plain_rhai_is_copied() {
    for script in SCRIPTS {
        let lowered = super::super::lower(script, None, &super::Sample, &[]);
        match lowered {
            Ok(lowered) => assert_eq!(lowered.text, *script),
            Err(failure) => panic!("{script}\n{failure:?}"),
        }
    }
}

#[test]
fn the_scripts_are_valid() {
    for script in SCRIPTS {
        if let Err(error) = engine().compile(script) {
            panic!("{error}\n{script}");
        }
    }
}

#[test]
fn a_script_of_many_lines_is_one_piece() {
    let script = "let g = |x| { if x > 1 { x - 1 } else { x } };\nlet y = g.call(2); // text\n".repeat(1000);
    assert_eq!(lowered(&script).text, script);
}
