//! Input and output, rule by rule.

use super::lowered;

#[track_caller]
fn golden(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(lowered(source).text, *expected, "{source}");
    }
}

/// Rule 1.
#[test]
fn commands_and_what_looks_like_them() {
    golden(&[
        ("Get-X", r#"__collect(__cmd("Get-X", 0, [], #{}))"#),
        ("get-cscertificate -ty Default;", r#"__collect(__cmd("Get-CsCertificate", 0, [], #{"Type": "Default"}));"#),
        ("Get-X;Get-X", r#"__emit(__cmd("Get-X", 0, [], #{}));__collect(__cmd("Get-X", 1, [], #{}))"#),
        ("[Get-X]", r#"[__collect(__cmd("Get-X", 0, [], #{}))]"#),
        ("(Get-X)", r#"(__collect(__cmd("Get-X", 0, [], #{})))"#),
        ("{ Get-X }", r#"{ __collect(__cmd("Get-X", 0, [], #{})) }"#),
        ("Get-X|sort z", r#"__collect(__pipe(__cmd("Get-X", 0, [], #{}), "Sort-Object", 1, ["z"], #{}))"#),
        ("sort z", r#"__collect(__cmd("Sort-Object", 0, ["z"], #{}))"#),
        ("sort", r#"__collect(__cmd("Sort-Object", 0, [], #{}))"#),
        ("sort|sort z", r#"__collect(__pipe(__cmd("Sort-Object", 0, [], #{}), "Sort-Object", 1, ["z"], #{}))"#),
        ("let sort = 1; sort", "let sort = 1; sort"),
        ("sort = 2", "sort = 2"),
        ("sort(2)", "sort(2)"),
        ("sort - 2", "sort - 2"),
        ("x.sort", "x.sort"),
        ("#{ sort: 2 }", "#{ sort: 2 }"),
        ("for sort in [1] { }", "for sort in [1] { }"),
        ("Get - X", "Get - X"),
        ("x.Get-y", "x.Get-y"),
        ("a-Get-X", "a-Get-X"),
        ("Total-Count", "Total-Count"),
        ("Get-Y", "Get-Y"),
        ("Get-X.y", "Get-X.y"),
        ("Get-X(1)", "Get-X(1)"),
        ("let get = 1; get-x", r#"let get = 1; __collect(__cmd("Get-X", 0, [], #{}))"#),
        (r#""Get-CsCertificate -Type A""#, r#""Get-CsCertificate -Type A""#),
        ("/* Get-X /* nested */ */ 1", "/* Get-X /* nested */ */ 1"),
        ("#\"Get-X \"quoted\"\"#", "#\"Get-X \"quoted\"\"#"),
    ]);
}

/// Aliases at the head of a line, where Rhai could make nothing of the word.
#[test]
fn aliases_where_no_variable_stands() {
    golden(&[
        ("sort z;", r#"__collect(__cmd("Sort-Object", 0, ["z"], #{}));"#),
        ("$x = select -First 2", r#"let x = __collect(__cmd("Select-Object", 0, [], #{"First": 2}))"#),
        ("ft -Auto", r#"__collect(__cmd("Format-Table", 0, [], #{"AutoSize": true}))"#),
        (
            "sort 'a b' | ft\n1",
            "__emit(__pipe(__cmd(\"Sort-Object\", 0, [\"a b\"], #{}), \"Format-Table\", 1, [], #{}));\n1",
        ),
        ("if a {\n  sort\n}\n1", "if a {\n  __emit(__cmd(\"Sort-Object\", 0, [], #{}))\n}\n1"),
        ("(sort).Count", r#"(__collect(__cmd("Sort-Object", 0, [], #{}))).Count"#),
        ("$(sort)", r#"{__collect(__cmd("Sort-Object", 0, [], #{}))}"#),
    ]);
    for rhai in [
        "let sort = 1; sort - x",
        "let sort = 1; sort",
        "sort(x)",
        "sort (x)",
        "sort = 1",
        "sort + 1",
        "sort - x",
        "sort -x",
        "sort[0]",
        "sort.len",
        "x.sort y",
        "sort in list",
        "f(sort, 1)",
        "[sort, ft]",
        "#{ sort: sort }",
        "fn sort(x) { x }",
        "|sort| sort",
        "for sort in list { sort }",
        "import \"sort\" as sort;",
        "a + sort",
        "sort::x",
    ] {
        if let Ok(lowered) = super::super::lower(rhai, None, &super::Sample, &[]) {
            assert_eq!(lowered.text, rhai);
        }
    }
    assert_eq!(super::super::lower("sort", None, &super::Sample, &["Sort"]).unwrap().text, "sort");
}

/// What operators type at the head of a line, in a `foreach` and in a condition.
#[test]
fn lists_conditions_and_bodies() {
    golden(&[
        ("1,2,3 | sort", r#"__collect(__pipe([1,2,3], "Sort-Object", 0, [], #{}))"#),
        ("let a = 1; $a, 2 | sort", r#"let a = 1; __collect(__pipe([a, 2], "Sort-Object", 0, [], #{}))"#),
        ("if (-not (Get-X)) { 1 }", r#"if __true((!__true((__collect(__cmd("Get-X", 0, [], #{})))))) { 1 }"#),
        ("foreach ($c in 1..3) { \"is $c\" }", r#"for c in __each(1..=3) { __emit(__expand(["is ", c])) }"#),
    ]);
    golden(&[
        (
            "let t = 1;\n\"is $t\"\nGet-X",
            "let t = 1;\n__emit(__expand([\"is \", t]));\n__collect(__cmd(\"Get-X\", 0, [], #{}))",
        ),
        ("\"plain\"\nGet-X", "__emit(\"plain\");\n__collect(__cmd(\"Get-X\", 0, [], #{}))"),
        ("'plain'\n'too'", "__emit(\"plain\");\n\"too\""),
        ("try { f() } catch { \"is $_\" }", "try { f() } catch (__it) { __emit(__expand([\"is \", __it])) }"),
        ("for x in [1] { \"is $x\" }", r#"for x in [1] { __emit(__expand(["is ", x])) }"#),
        ("fn f(t) { \"is $t\" }", "fn f(t) { __expand([\"is \", t]) }"),
    ]);
    for rhai in [
        "let x = 1; let s = \"is $x\";",
        "let x = 1; f(\"$x\")",
        "let x = 1; \"is \\\"$x\\\"\"",
        "let x = 1; \"$x\".len()",
        "let x = 1; if x == \"$x\" { 1 }",
    ] {
        assert_eq!(lowered(rhai).text, rhai);
    }
    for rhai in ["a -and(b)", "a -b (c)", "(-x)", "let a = [1, 2]; f(1, 2)", "\"is $x\""] {
        assert_eq!(lowered(rhai).text, rhai);
    }
}

/// Whether the last pipeline went well, and what is in scope.
#[test]
fn dollar_question_mark() {
    golden(&[
        ("let a = $?;", "let a = __ok();"),
        ("if $? { 1 }", "if __true(__ok()) { 1 }"),
        ("Get-X -A $?", r#"__collect(__cmd("Get-X", 0, [], #{"A": __expand([__ok()])}))"#),
    ]);
}

/// Rule 2.
#[test]
fn line_ends() {
    golden(&[
        ("Get-X\nGet-X", "__emit(__cmd(\"Get-X\", 0, [], #{}));\n__collect(__cmd(\"Get-X\", 1, [], #{}))"),
        ("Get-X -A b\nlet y = 1;\ny", "__emit(__cmd(\"Get-X\", 0, [], #{\"A\": \"b\"}));\nlet y = 1;\ny"),
        (
            "Get-X `\n  -A b `\n  -Type c\nGet-X",
            "__emit(__cmd(\"Get-X\", 0, [], #{\"A\": \"b\", \"Type\": \"c\"\n\n}));\n__collect(__cmd(\"Get-X\", 1, [], #{}))",
        ),
        (
            "Get-X |\n  Where-Object { $_.a } |\n  sort b\n",
            "__collect(__pipe(__pipe(__cmd(\"Get-X\", 0, [], #{}), \n\"Where-Object\", 1, [|__it| { __it.a }], #{}), \n\"Sort-Object\", 2, [\"b\"], #{}))\n",
        ),
        (
            "Get-X # why\n  # and why\n  | sort b",
            "__collect(__pipe(__cmd(\"Get-X\", 0, [], #{})\n\n, \"Sort-Object\", 1, [\"b\"], #{}))",
        ),
        ("Get-X -A b, c,\n  d\n1", "__emit(__cmd(\"Get-X\", 0, [], #{\"A\": [\"b\", \"c\", \"d\"]\n}));\n1"),
        (
            "fn f() {\n  Get-X -Type A\n  Get-X -Type B\n}\nf()",
            "fn f() {\n  __emit(__cmd(\"Get-X\", 0, [], #{\"Type\": \"A\"}));\n  __collect(__cmd(\"Get-X\", 1, [], #{\"Type\": \"B\"}))\n}\nf()",
        ),
        ("let x = Get-X -A b\nx", "let x = __collect(__cmd(\"Get-X\", 0, [], #{\"A\": \"b\"}));\nx"),
        ("f(\n  Get-X -A b\n)", "f(\n  __collect(__cmd(\"Get-X\", 0, [], #{\"A\": \"b\"}))\n)"),
        (
            "Get-X; // end\nGet-X // end\n1",
            "__emit(__cmd(\"Get-X\", 0, [], #{})); // end\n__emit(__cmd(\"Get-X\", 1, [], #{})); // end\n1",
        ),
        (
            "Get-X\r\n  | sort a\r\n1",
            "__emit(__pipe(__cmd(\"Get-X\", 0, [], #{})\n, \"Sort-Object\", 1, [\"a\"], #{}));\r\n1",
        ),
        (
            "if c {\n  Get-X\n}\nelse {\n  Get-X\n}\n",
            "if c {\n  __collect(__cmd(\"Get-X\", 0, [], #{}))\n}\nelse {\n  __collect(__cmd(\"Get-X\", 1, [], #{}))\n}\n",
        ),
    ]);
}

/// Rule 3.
#[test]
fn commas() {
    golden(&[
        ("Get-X -A b,c d", r#"__collect(__cmd("Get-X", 0, ["d"], #{"A": ["b", "c"]}))"#),
        ("Get-X -A b, c ,d", r#"__collect(__cmd("Get-X", 0, [], #{"A": ["b", "c", "d"]}))"#),
        ("f(Get-X -Type A,B, 2)", r#"f(__collect(__cmd("Get-X", 0, [], #{"Type": ["A", "B"]})), 2)"#),
        (
            "[Get-X -Type A,B, Get-X]",
            r#"[__collect(__cmd("Get-X", 0, [], #{"Type": ["A", "B"]})), __collect(__cmd("Get-X", 1, [], #{}))]"#,
        ),
        ("#{ a: Get-X -Type A,B, b: 2 }", r#"#{ a: __collect(__cmd("Get-X", 0, [], #{"Type": ["A", "B"]})), b: 2 }"#),
        (
            "switch x { 1 => Get-X -Type A,B, _ => 2 }",
            r#"switch x { 1 => __collect(__cmd("Get-X", 0, [], #{"Type": ["A", "B"]})), _ => 2 }"#,
        ),
        ("f((Get-X -Type A, B), 2)", r#"f((__collect(__cmd("Get-X", 0, [], #{"Type": ["A", "B"]}))), 2)"#),
        ("f(|| { Get-X -Type A, B }, 2)", r#"f(|| { __collect(__cmd("Get-X", 0, [], #{"Type": ["A", "B"]})) }, 2)"#),
    ]);
}

/// Rule 4.
#[test]
fn headers() {
    golden(&[
        ("if Test-X -Type A { 1 }", r#"if __true(__collect(__cmd("Test-X", 0, [], #{"Type": "A"}))) { 1 }"#),
        (
            "while Test-X { Get-X }",
            r#"while __true(__collect(__cmd("Test-X", 0, [], #{}))) { __emit(__cmd("Get-X", 1, [], #{})) }"#,
        ),
        (
            "if (Get-CsCertificate -Type Default).Thumbprint == x { 1 }",
            r#"if __true((__collect(__cmd("Get-CsCertificate", 0, [], #{"Type": "Default"}))).Thumbprint == x) { 1 }"#,
        ),
        (
            "for c in Get-CsCertificate | Sort-Object NotAfter { print(c); }",
            r#"for c in __each(__pipe(__cmd("Get-CsCertificate", 0, [], #{}), "Sort-Object", 1, ["NotAfter"], #{})) { print(c); }"#,
        ),
        ("for c in (Get-X) { }", r#"for c in __each((__collect(__cmd("Get-X", 0, [], #{})))) { }"#),
        ("switch Get-X -A b { _ => 1 }", r#"switch __collect(__cmd("Get-X", 0, [], #{"A": "b"})) { _ => 1 }"#),
        (
            "if (Get-X | Where-Object { $_.a }) { 1 } else if Test-X { 2 } else { 3 }",
            r#"if __true((__collect(__pipe(__cmd("Get-X", 0, [], #{}), "Where-Object", 1, [|__it| { __it.a }], #{})))) { 1 } else if __true(__collect(__cmd("Test-X", 2, [], #{}))) { 2 } else { 3 }"#,
        ),
        (
            "if x > 1 { Get-X } else { Get-X }\n1",
            "if x > 1 { __emit(__cmd(\"Get-X\", 0, [], #{})) } else { __emit(__cmd(\"Get-X\", 1, [], #{})) }\n1",
        ),
    ]);
}

/// Rule 5.
#[test]
fn closures_and_blocks() {
    golden(&[
        (
            "Get-X -A b,c | Where-Object |c| c.z < 3 | Sort-Object z",
            r#"__collect(__pipe(__pipe(__cmd("Get-X", 0, [], #{"A": ["b", "c"]}), "Where-Object", 1, [|c| c.z < 3], #{}), "Sort-Object", 2, ["z"], #{}))"#,
        ),
        (
            "Get-X | Where-Object |c| { let y = c.z; y < 3 }\n1",
            "__emit(__pipe(__cmd(\"Get-X\", 0, [], #{}), \"Where-Object\", 1, [|c| { let y = c.z; y < 3 }], #{}));\n1",
        ),
        (
            "Get-X | sort | select y",
            r#"__collect(__pipe(__pipe(__cmd("Get-X", 0, [], #{}), "Sort-Object", 1, [], #{}), "Select-Object", 2, ["y"], #{}))"#,
        ),
        (
            r#"Get-X | Where-Object |c| c.y == "a|b" || c.z; 1"#,
            r#"__emit(__pipe(__cmd("Get-X", 0, [], #{}), "Where-Object", 1, [|c| c.y == "a|b" || c.z], #{})); 1"#,
        ),
        (
            "Get-X | ForEach-Object |a, i| a.x + i",
            r#"__collect(__pipe(__cmd("Get-X", 0, [], #{}), "ForEach-Object", 1, [|a, i| a.x + i], #{}))"#,
        ),
        (
            "f(Get-X | Where-Object |c| c.z, 2)",
            r#"f(__collect(__pipe(__cmd("Get-X", 0, [], #{}), "Where-Object", 1, [|c| c.z], #{})), 2)"#,
        ),
        ("Get-X || true", r#"__true(__collect(__cmd("Get-X", 0, [], #{}))) || true"#),
        (
            "Get-X | Where-Object { $_.Type -eq 'Default' -and $_.NotAfter -lt (Get-Date).AddDays(30) }",
            r#"__collect(__pipe(__cmd("Get-X", 0, [], #{}), "Where-Object", 1, [|__it| { __true(__eq(__it.Type, "Default")) && __true(__lt(__it.NotAfter, (__collect(__cmd("Get-Date", 2, [], #{}))).AddDays(30))) }], #{}))"#,
        ),
        (
            "Get-X | ? { -not $_.a -or !($_.b -notlike 'x*') -and $_.c -cmatch '^y' }",
            r#"__collect(__pipe(__cmd("Get-X", 0, [], #{}), "Where-Object", 1, [|__it| { __true(__true(!__true(__it.a)) || __true(!__true((__notlike(__it.b, "x*"))))) && __true(__cmatch(__it.c, "^y")) }], #{}))"#,
        ),
        (
            "Get-X |?{ $_.a -in 1,2 }|%{ $_.b -replace 'x','y' -split ',' -join ';' }",
            r#"__collect(__pipe(__pipe(__cmd("Get-X", 0, [], #{}), "Where-Object", 1, [|__it| { __in(__it.a, [1,2]) }], #{}), "ForEach-Object", 2, [|__it| { __join(__split(__replace(__it.b, ["x","y"]), ","), ";") }], #{}))"#,
        ),
        ("$a -EQ 1 -And $b -ieq 2 -and $c -ceq 3", "__true(__eq(a, 1)) && __true(__eq(b, 2)) && __true(__ceq(c, 3))"),
        (
            "Get-X | % { Set-CsCertificate -Type A -Thumbprint $_.T; Get-X | % { Get-X -A $_ | % { $_ } } }",
            r#"__collect(__pipe(__cmd("Get-X", 0, [], #{}), "ForEach-Object", 1, [|__it| { __emit(__cmd("Set-CsCertificate", 2, [], #{"Type": "A", "Thumbprint": __it.T})); __collect(__pipe(__cmd("Get-X", 3, [], #{}), "ForEach-Object", 4, [|__it| { __collect(__pipe(__cmd("Get-X", 5, [], #{"A": __it}), "ForEach-Object", 6, [|__it| { __it }], #{})) }], #{})) }], #{}))"#,
        ),
    ]);
}

/// Rule 6.
#[test]
fn quoting() {
    golden(&[
        (
            "let p = 1;\nGet-X -Path C:\\x\\$p.pem -Filter \"$p`t $($p + 1)\"",
            "let p = 1;\n__collect(__cmd(\"Get-X\", 0, [], #{\"Path\": __expand([\"C:\\\\x\\\\\", p, \".pem\"]), \"Filter\": __expand([p, \"\\t \", {p + 1}])}))",
        ),
        (
            r#"Get-X -A 'it''s $x' -Value "say ""hi"" `$x `"y`"""#,
            r#"__collect(__cmd("Get-X", 0, [], #{"A": "it's $x", "Value": "say \"hi\" $x \"y\""}))"#,
        ),
        (
            r#"Get-X -A "$c.Prop ${c.Prop} $($c.Prop) $ $5""#,
            r#"__collect(__cmd("Get-X", 0, [], #{"A": __expand([c, ".Prop ", (c.Prop), " ", {c.Prop}, " $ $5"])}))"#,
        ),
        (
            r#"Get-X -A a"b c"'d'$x.y -Value a`,b"#,
            r#"__collect(__cmd("Get-X", 0, [], #{"A": __expand(["ab cd", x, ".y"]), "Value": "a,b"}))"#,
        ),
        ("Get-X -A \"a\nb\" -Value c", "__collect(__cmd(\"Get-X\", 0, [], #{\"A\": \"a\\nb\"\n, \"Value\": \"c\"}))"),
        (r#"let s = "C:\\x $x" + `${x}`;"#, r#"let s = "C:\\x $x" + `${x}`;"#),
        (r#"Get-X -A "`u{2013} `n""#, r#"__collect(__cmd("Get-X", 0, [], #{"A": "– \n"}))"#),
        (
            "let t = `c=${(Get-CsCertificate -Type Default).Thumbprint} ${`in ${Test-X}`}`;",
            r#"let t = `c=${(__collect(__cmd("Get-CsCertificate", 0, [], #{"Type": "Default"}))).Thumbprint} ${`in ${__collect(__cmd("Test-X", 1, [], #{}))}`}`;"#,
        ),
    ]);
}

/// Rule 7.
#[test]
fn barewords() {
    golden(&[
        (
            "Get-X -A 5,-5,1.5,007,1e9,1.0,-0,0x1f",
            r#"__collect(__cmd("Get-X", 0, [], #{"A": [5, -5, 1.5, "007", "1e9", "1.0", "-0", "0x1f"]}))"#,
        ),
        (
            "Set-CsCertificate -Type Default -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D"}))"#,
        ),
        (
            "Set-CsCertificate -Type Default -Thumbprint 4660000000000000000000000000000000000000",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": "4660000000000000000000000000000000000000"}))"#,
        ),
        (
            "Get-X -A 9223372036854775807,9223372036854775808,-9223372036854775808",
            r#"__collect(__cmd("Get-X", 0, [], #{"A": [9223372036854775807, "9223372036854775808", "-9223372036854775808"]}))"#,
        ),
        (
            r"Get-X -A '5' -Value *,a.b,..\x,a=b",
            r#"__collect(__cmd("Get-X", 0, [], #{"A": "5", "Value": ["*", "a.b", "..\\x", "a=b"]}))"#,
        ),
        ("Get-X -Type [a-z]*", r#"__collect(__cmd("Get-X", 0, [], #{"Type": "[a-z]*"}))"#),
        (
            r"Request-CsCertificate -CA dc01.contoso.net\contoso-DC01-CA",
            r#"__collect(__cmd("Request-CsCertificate", 0, [], #{"CA": "dc01.contoso.net\\contoso-DC01-CA"}))"#,
        ),
    ]);
}

/// Rule 8.
#[test]
fn switches() {
    golden(&[
        ("Get-X -Flag -A b", r#"__collect(__cmd("Get-X", 0, [], #{"Flag": true, "A": "b"}))"#),
        ("Get-X -flag:$false", r#"__collect(__cmd("Get-X", 0, [], #{"Flag": false}))"#),
        (
            "Set-CsCertificate -Th 00 -Confirm:$false -whatif",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Thumbprint": "00", "Confirm": false, "WhatIf": true}))"#,
        ),
        (
            r"Request-CsCertificate -ClientEKU $true -CA a\b",
            r#"__collect(__cmd("Request-CsCertificate", 0, [], #{"ClientEKU": true, "CA": "a\\b"}))"#,
        ),
        ("Get-X -Value:5 -A: b", r#"__collect(__cmd("Get-X", 0, [], #{"Value": 5, "A": "b"}))"#),
        ("Get-X -A -5", r#"__collect(__cmd("Get-X", 0, [], #{"A": -5}))"#),
    ]);
}

/// Rule 9.
#[test]
fn comments() {
    golden(&[
        ("# note\n1; # more\n## heading\n#{ a: 1 }", "// note\n1; // more\n//# heading\n#{ a: 1 }"),
        (
            "#!/usr/bin/env -S certlet run\nGet-X",
            "///usr/bin/env -S certlet run\n__collect(__cmd(\"Get-X\", 0, [], #{}))",
        ),
        (
            "<# a\nb #>\nGet-X <# c #> -A b /* d */ -Value e",
            "\n\n__collect(__cmd(\"Get-X\", 0, [], #{\"A\": \"b\", \"Value\": \"e\"}))",
        ),
        ("Get-X -A http://x/y#z // end", r#"__collect(__cmd("Get-X", 0, [], #{"A": "http://x/y#z"})) // end"#),
        ("Get-X # 'open", r#"__collect(__cmd("Get-X", 0, [], #{})) // 'open"#),
        ("1 <# /* #>", "1 "),
    ]);
}

/// Rule 10.
#[test]
fn pipes_from_expressions() {
    golden(&[
        (
            "let x = 5; x | ForEach-Object |v| v * 2",
            r#"let x = 5; __collect(__pipe(x, "ForEach-Object", 0, [|v| v * 2], #{}))"#,
        ),
        ("let y = a + b | sort z;", r#"let y = __collect(__pipe(a + b, "Sort-Object", 0, ["z"], #{}));"#),
        ("f(1, a | sort z)", r#"f(1, __collect(__pipe(a, "Sort-Object", 0, ["z"], #{})))"#),
        (
            "fn g() { return a.b | sort z; }",
            r#"fn g() { return __collect(__pipe(a.b, "Sort-Object", 0, ["z"], #{})); }"#,
        ),
        ("let a = 1; let b = 2; a | b", "let a = 1; let b = 2; a | b"),
        ("let sort = 2; 1 | sort", "let sort = 2; 1 | sort"),
        (r#""a\b" | Get-X"#, r#"__collect(__pipe("a\\b", "Get-X", 0, [], #{}))"#),
        ("'a','b' | % { $_ }", r#"__collect(__pipe(["a","b"], "ForEach-Object", 0, [|__it| { __it }], #{}))"#),
        (
            "x\n  | sort z\n  | ft\n",
            "__collect(__pipe(__pipe(x, \n\"Sort-Object\", 0, [\"z\"], #{})\n, \"Format-Table\", 1, [], #{}))\n",
        ),
        ("(1 + 2) | sort", r#"__collect(__pipe((1 + 2), "Sort-Object", 0, [], #{}))"#),
        (
            "[1, 2] | sort | Select-Object -First 1",
            r#"__collect(__pipe(__pipe([1, 2], "Sort-Object", 0, [], #{}), "Select-Object", 1, [], #{"First": 1}))"#,
        ),
        (
            "switch x { 1 | 2 => 3, _ => y | sort }",
            r#"switch x { 1 | 2 => 3, _ => __collect(__pipe(y, "Sort-Object", 0, [], #{})) }"#,
        ),
    ]);
}

/// Rule 12.
#[test]
fn pasted_text() {
    golden(&[
        (
            "Set-CsCertificate –Type Default —Thumbprint “466D” ―Roll",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": "466D", "Roll": true}))"#,
        ),
        ("Get-X\u{a0}-A\u{a0}‘a b’\u{200e}", r#"__collect(__cmd("Get-X", 0, [], #{"A": "a b"}))"#),
        ("Get-X -A “it’s $x”", r#"__collect(__cmd("Get-X", 0, [], #{"A": __expand(["it’s ", x])}))"#),
        ("let x = “a b”;\u{a0}x", r#"let x = "a b"; x"#),
        ("$x –eq 1", "__eq(x, 1)"),
    ]);
}

/// Rule 13: variables.
#[test]
fn variables() {
    golden(&[
        ("$x = 5\n$X = 6\n$x", "let x = 5;\nx = 6;\nx"),
        ("if a { $y = 1 }\n$y = 2\n", "if a { let y = 1 }\nlet y = 2\n"),
        (
            "$x = Get-X -A b | sort z\n$x.Count",
            "let x = __collect(__pipe(__cmd(\"Get-X\", 0, [], #{\"A\": \"b\"}), \"Sort-Object\", 1, [\"z\"], #{}));\nx.Count",
        ),
        ("$x.Name = 'a b'\n$x[0] = 'c d'\n$x += 1\n$x++", "x.Name = \"a b\";\nx[0] = \"c d\";\nx += 1;\nx += 1"),
        ("f($x, $true, $FALSE, $null)", "f(x, true, false, ())"),
        ("$null = Get-X", r#"let __null = __collect(__cmd("Get-X", 0, [], #{}))"#),
        (
            "$default = 5; Get-X -A $default.use",
            r#"let __v_default = 5; __collect(__cmd("Get-X", 0, [], #{"A": __v_default["use"]}))"#,
        ),
        ("fn f(x) { $X + $y }\n$y = 1", "fn f(x) { x + y }\nlet y = 1"),
        (
            "Set-CsCertificate -Type Default -Thumbprint $c.Thumbprint",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": c.Thumbprint}))"#,
        ),
        (
            "Set-CsCertificate -Type Default -Thumbprint (c.Thumbprint)",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": (c.Thumbprint)}))"#,
        ),
        (
            "Set-CsCertificate -Type Default -Thumbprint ${c.Thumbprint}",
            r#"__collect(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": (c.Thumbprint)}))"#,
        ),
        ("Get-X -A $c.a[0].b(1).c", r#"__collect(__cmd("Get-X", 0, [], #{"A": c.a[0].b(1).c}))"#),
        ("(Get-Date).AddDays(30)", r#"(__collect(__cmd("Get-Date", 0, [], #{}))).AddDays(30)"#),
        (
            "$a = 1; $b = 2\n$a\n(Get-X).Name\n'$a b'; 1",
            "let a = 1; let b = 2;\n__emit(a\n(__collect(__cmd(\"Get-X\", 0, [], #{}))).Name);\n\"$a b\"; 1",
        ),
        ("$x = if ($a) { 'one' } else { 'two' }", r#"let x = if __true((a)) { "one" } else { "two" }"#),
        (
            "$b = { $_.x -gt 3 }\nGet-X | Where-Object $b",
            "let b = |__it| { __gt(__it.x, 3) };\n__collect(__pipe(__cmd(\"Get-X\", 0, [], #{}), \"Where-Object\", 1, [b], #{}))",
        ),
        (
            "$p = @{ Type = 'Default','WebServicesInternal'; Thumbprint = 'FULL' }; Set-CsCertificate @p -Roll",
            r#"let p = #{ "Type": ["Default","WebServicesInternal"], "Thumbprint": "FULL" }; __collect(__cmd("Set-CsCertificate", 0, [], #{"Roll": true, "@": [p]}))"#,
        ),
    ]);
}

/// Rule 13: brackets.
#[test]
fn brackets() {
    golden(&[
        (r#"Get-X -Type @("A","B")"#, r#"__collect(__cmd("Get-X", 0, [], #{"Type": __array(["A","B"])}))"#),
        (r#"Get-X -Type ("A","B")"#, r#"__collect(__cmd("Get-X", 0, [], #{"Type": (["A","B"])}))"#),
        ("@()", "[]"),
        ("@(Get-X)", r#"__array(__cmd("Get-X", 0, [], #{}))"#),
        ("@(Get-X; Get-X -A b)", r#"__concat([__cmd("Get-X", 0, [], #{}), __cmd("Get-X", 1, [], #{"A": "b"})])"#),
        (
            "$x = @(\n 'a'\n 'b'\n)\n$y = @{\n a = 1\n 'b c' = @{ c = 2 }\n d = Get-X -A 1\n}\n1",
            "let x = __concat([\n \"a\",\n \"b\"\n]);\nlet y = #{\n \"a\": 1,\n \"b c\": #{ \"c\": 2 },\n \"d\": __collect(__cmd(\"Get-X\", 0, [], #{\"A\": 1}))\n};\n1",
        ),
        (
            "Get-X -A $(Get-Date; $x + 1).Year",
            r#"__collect(__cmd("Get-X", 0, [], #{"A": {__emit(__cmd("Get-Date", 1, [], #{})); x + 1}.Year}))"#,
        ),
        (
            "Get-X | Select-Object @{n='Days';e={ ($_.NotAfter - (Get-Date)).Days }}, Name",
            r#"__collect(__pipe(__cmd("Get-X", 0, [], #{}), "Select-Object", 1, [[#{"n":"Days","e":|__it| { (__it.NotAfter - (__collect(__cmd("Get-Date", 2, [], #{})))).Days }}, "Name"]], #{}))"#,
        ),
        (
            r##"Get-X -A #{ b: 1 },2 -Value #"raw"#"##,
            r##"__collect(__cmd("Get-X", 0, [], #{"A": [#{ b: 1 }, 2], "Value": #"raw"#}))"##,
        ),
        ("@(1..3) | % { $_ }", r#"__collect(__pipe(__array(1..=3), "ForEach-Object", 0, [|__it| { __it }], #{}))"#),
    ]);
}

/// Rule 13: statements.
#[test]
fn statements() {
    golden(&[
        (
            "foreach ($c in Get-CsCertificate | sort NotAfter) { $c.Thumbprint }",
            r#"for c in __each(__pipe(__cmd("Get-CsCertificate", 0, [], #{}), "Sort-Object", 1, ["NotAfter"], #{})) { __emit(c.Thumbprint) }"#,
        ),
        (
            "foreach ($i in 1..3) { Get-X -Value $i }",
            r#"for i in __each(1..=3) { __emit(__cmd("Get-X", 0, [], #{"Value": i})) }"#,
        ),
        ("foreach ($a in $b) { $a }", "for a in __each(b) { __emit(a) }"),
        ("for i in 1..3 { Get-X -Value $i }", r#"for i in 1..3 { __emit(__cmd("Get-X", 0, [], #{"Value": i})) }"#),
        (
            "try { Set-CsCertificate -Type Default -Thumbprint 00 -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }",
            r#"try { __emit(__cmd("Set-CsCertificate", 0, [], #{"Type": "Default", "Thumbprint": "00", "ErrorAction": "Stop"})) } catch (__it) { __emit(__it.FullyQualifiedErrorId) }"#,
        ),
        (
            "try { Get-X } catch (e) { Get-X -A $e }",
            r#"try { __emit(__cmd("Get-X", 0, [], #{})) } catch (e) { __emit(__cmd("Get-X", 1, [], #{"A": e})) }"#,
        ),
        ("try { f() } catch { g() }", "try { f() } catch { g() }"),
        (
            "if ($x -eq 1) { Get-X } elseif ($x) { Get-X } else { Get-X }",
            r#"if __true((__eq(x, 1))) { __collect(__cmd("Get-X", 0, [], #{})) } else if __true((x)) { __collect(__cmd("Get-X", 1, [], #{})) } else { __collect(__cmd("Get-X", 2, [], #{})) }"#,
        ),
        ("while ($n -lt 3) { $n++ }", "while __true((__lt(n, 3))) { n += 1 }"),
        ("do { Get-X } until ($x -ge 3)", r#"do { __emit(__cmd("Get-X", 0, [], #{})) } until (__ge(x, 3))"#),
        ("Set-CsCertificate -?", r#"__collect(__cmd("Get-Help", 0, ["Set-CsCertificate"], #{}))"#),
        (
            "Get-X | % {\n  $m = $_\n  $m.Name\n  if ($m.a) { return }\n  'text'\n}",
            "__collect(__pipe(__cmd(\"Get-X\", 0, [], #{}), \"ForEach-Object\", 1, [|__it| {\n  let m = __it;\n  __emit(m.Name);\n  if __true((m.a)) { return }\n  \"text\"\n}], #{}))",
        ),
        ("let b = a -eq 5;", "let b = __eq(a, 5);"),
    ]);
}

/// Values.
#[test]
fn values_and_the_stream() {
    golden(&[
        ("Get-X", r#"__collect(__cmd("Get-X", 0, [], #{}))"#),
        ("Get-X;", r#"__collect(__cmd("Get-X", 0, [], #{}));"#),
        ("Get-X\n1", "__emit(__cmd(\"Get-X\", 0, [], #{}));\n1"),
        (
            "fn f() { Get-X; Get-X }",
            r#"fn f() { __emit(__cmd("Get-X", 0, [], #{})); __collect(__cmd("Get-X", 1, [], #{})) }"#,
        ),
        (
            "fn f() { if a { Get-X } else { Get-X } }",
            r#"fn f() { if a { __collect(__cmd("Get-X", 0, [], #{})) } else { __collect(__cmd("Get-X", 1, [], #{})) } }"#,
        ),
        (
            "let v = if a { Get-X } else { Get-X };",
            r#"let v = if a { __collect(__cmd("Get-X", 0, [], #{})) } else { __collect(__cmd("Get-X", 1, [], #{})) };"#,
        ),
        ("for x in y { Get-X }", r#"for x in y { __emit(__cmd("Get-X", 0, [], #{})) }"#),
        ("loop { Get-X }", r#"loop { __emit(__cmd("Get-X", 0, [], #{})) }"#),
        (
            "try { Get-X } catch { Get-X }",
            r#"try { __emit(__cmd("Get-X", 0, [], #{})) } catch { __emit(__cmd("Get-X", 1, [], #{})) }"#,
        ),
        ("return Get-X", r#"return __collect(__cmd("Get-X", 0, [], #{}))"#),
        ("let f = || Get-X;", r#"let f = || __collect(__cmd("Get-X", 0, [], #{}));"#),
        (
            "x && Test-X; !Test-X -Quiet; Test-X || x",
            r#"x && __true(__collect(__cmd("Test-X", 0, [], #{}))); __emit(!__true(__collect(__cmd("Test-X", 1, [], #{"Quiet": true})))); __true(__collect(__cmd("Test-X", 2, [], #{}))) || x"#,
        ),
        (
            "switch x { 1 => Get-X, _ => { Get-X } }",
            r#"switch x { 1 => __collect(__cmd("Get-X", 0, [], #{})), _ => { __collect(__cmd("Get-X", 1, [], #{})) } }"#,
        ),
        (
            "switch x { 1 => Get-X, _ => { Get-X } }\n1",
            "switch x { 1 => __emit(__cmd(\"Get-X\", 0, [], #{})), _ => { __emit(__cmd(\"Get-X\", 1, [], #{})) } }\n1",
        ),
        ("let v = switch x { _ => Get-X };", r#"let v = switch x { _ => __collect(__cmd("Get-X", 0, [], #{})) };"#),
        (
            "let v = { Get-X; Get-X };",
            r#"let v = { __emit(__cmd("Get-X", 0, [], #{})); __collect(__cmd("Get-X", 1, [], #{})) };"#,
        ),
    ]);
}

/// Rule 15.
#[test]
fn parameters_of_a_runbook() {
    golden(&[(
        "// a runbook\nparam(#{ ca: #{ type: \"String\", default: \"a\\\\b\" } });\nGet-X -A $CA",
        "// a runbook\n\n__collect(__cmd(\"Get-X\", 0, [], #{\"A\": ca}))",
    )]);
}

/// A byte-order mark, a carriage return and letters outside of ASCII.
#[test]
fn encodings() {
    golden(&[
        ("\u{feff}Get-X\r\n1\r\n", "__emit(__cmd(\"Get-X\", 0, [], #{}));\r\n1\r\n"),
        (
            "let s = \"größe\"; Get-X -A ö,'ü', s",
            "let s = \"größe\"; __collect(__cmd(\"Get-X\", 0, [], #{\"A\": [\"ö\", \"ü\", \"s\"]}))",
        ),
    ]);
}
