//! What is wrong is said at the word, before anything runs.

use super::super::{Literal, LowerFailure, lower, unknown_verbs};
use super::{Sample, errors, is_incomplete, lowered};

/// Line, column and width after the id.
#[test]
fn errors_point_at_the_word() {
    for (source, expected) in [
        // Rule 8.
        ("Get-CsCertificate -Foo 1", "NamedParameterNotFound 1:19+4"),
        ("Request-CsCertificate -New -C x", "AmbiguousParameter 1:28+2"),
        ("Request-CsCertificate -New -Type Default -CA", "MissingArgument 1:42+3"),
        ("Get-CsCertificate -Type -Verbose", "MissingArgument 1:19+5"),
        ("x;\nGet-CsCertificate -Type A -ty B", "ParameterAlreadyBound 2:27+3"),
        ("Get-CsCertificate stray", "PositionalParameterNotFound 1:19+5"),
        ("Get-X | sort a b", "PositionalParameterNotFound 1:16+1"),
        // Rule 2: the blank after the backtick.
        ("Get-X `  \n -A b", "ParseError 1:8+2"),
        // Rule 11.
        ("Get-CsCertificate == 5", "ParseError 1:19+2"),
        ("Get-X ?? 5", "ParseError 1:7+2"),
        ("Get-X > out.txt", "ParseError 1:7+9"),
        ("Get-X -A b 2>&1", "ParseError 1:12+4"),
        ("Get-X >> 'out.txt'", "ParseError 1:7+12"),
        // After a bar stands a command.
        ("Get-X | Frobnicate-Y", "CommandNotFoundException 1:9+12"),
        ("Get-X | sotr z", "CommandNotFoundException 1:9+4"),
        ("Get-CsCertificate | sotr | fl", "CommandNotFoundException 1:21+4"),
        // Words of a manual.
        (
            "Set-CsCertificate -Type Default -Thumbprint <Thumbprint of certificate to use>",
            "PlaceholderNotReplaced 1:45+34",
        ),
        ("Request-CsCertificate -DomainName \"<FQDN entries>\"", "PlaceholderNotReplaced 1:36+14"),
        ("Get-X -Path Cert:\\LocalMachine\\My\\<OLD>", "PlaceholderNotReplaced 1:35+5"),
        ("$p = @{ Thumbprint = '<FULL>' }", "PlaceholderNotReplaced 1:22+8"),
        // Rule 14.
        ("let __x = 1;", "ParseError 1:5+3"),
        ("x.__emit()", "ParseError 1:3+6"),
        ("|__it| 1", "ParseError 1:2+4"),
        ("$__x", "ParseError 1:2+3"),
        ("eval(\"1\")", "ParseError 1:1+4"),
        // Where the language stops.
        ("function Foo { }", "ParseError 1:1+8"),
        ("param([string]$x)", "ParseError 1:1+5"),
        ("switch ($x) { 'ab' { 1 } }", "ParseError 1:20+1"),
        ("[int]$x", "ParseError 1:1+5"),
        ("$x = [DateTime]::Now", "ParseError 1:6+10"),
        ("Get-X -A [int]$y", "ParseError 1:10+5"),
        ("\"{0}\" -f $x", "ParseError 1:7+2"),
        ("$x = @\"\nfoo\n\"@", "ParseError 1:6+2"),
        ("try { } catch { } finally { }", "ParseError 1:19+7"),
        ("try { } catch [System.Exception] { }", "ParseError 1:15+1"),
        ("& 'C:\\x.exe'", "ParseError 1:1+1"),
        ("for ($i = 0; $i -lt 3; $i++) { }", "ParseError 1:1+3"),
        ("Get-X | % { param($a) $a }", "ParseError 1:13+5"),
        ("$env:PATH", "ParseError 1:1+5"),
        ("Get-X -A $script:x", "ParseError 1:10+8"),
        ("$^", "ParseError 1:1+2"),
        ("$_", "ParseError 1:1+2"),
        ("fn f() { $_ }", "ParseError 1:10+2"),
        ("$x = @( foreach ($a in $b) { $a } )", "ParseError 1:9+7"),
        ("let m = @p;", "ParseError 1:9+2"),
        ("(1]", "ParseError 1:3+1"),
        // Columns count characters.
        ("let é = \"öü\"; Get-CsCertificate -Foo", "NamedParameterNotFound 1:33+4"),
    ] {
        assert_eq!(errors(source), [expected], "{source}");
    }
}

#[test]
fn several_errors_are_found_at_once() {
    let source = "Get-CsCertificate -Foo 1\nGet-CsCertificate a\nlet x = (Get-CsCertificate -Bar);";
    let found = errors(source);
    assert_eq!(
        found,
        ["NamedParameterNotFound 1:19+4", "PositionalParameterNotFound 2:19+1", "NamedParameterNotFound 3:28+4"]
    );
}

#[test]
fn the_seed_line_names_both_words_to_replace() {
    let source = "Request-CsCertificate -New -Type Default -CA <CA Server FQDN\\CA Instance> -Verbose -DomainName \"<FQDN entries>\"";
    let Err(LowerFailure::Errors(errors)) = lower(source, None, &Sample, &[]) else { panic!("{source}") };
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].message().contains("<CA Server FQDN\\CA Instance>") && errors[0].message().contains("<FQDN entries>")
    );
    assert_eq!(errors[0].target(), Some("<CA Server FQDN\\CA Instance>"));
}

#[test]
fn an_open_end_asks_for_more() {
    for source in [
        "if x {",
        "f(1,",
        "let a = [",
        "#{ a: 1",
        "Get-X `",
        "Get-X `\n",
        "Get-X |",
        "Get-X |\n",
        "Get-X | sort b |  ",
        "Get-X -A b,",
        "Get-X -A 'open",
        "Get-X -A \"open $(",
        "let t = `open",
        "let t = `a ${b",
        "/* open",
        "#\"open\"",
        "$x = @{ a = 1",
        "$x = @(",
        "Get-X | % {",
        "param(#{ a: #{",
    ] {
        assert!(is_incomplete(source), "{source}");
    }
    for source in ["Get-X", "let x = 1", "\"", "Get-X -Foo {", "x |", "Get-X -A b # `"] {
        assert!(!is_incomplete(source), "{source}");
    }
}

#[test]
fn unregistered_verbs_are_found_for_a_hint() {
    let source = "let a = 5;\nGet-CsCertifcate -Type A;\nf(Set-CsCertificat); b-c; Get-X";
    let found: Vec<String> =
        unknown_verbs(source, None, &Sample).into_iter().map(|(word, at)| format!("{word} {at}")).collect();
    assert_eq!(found, ["Get-CsCertifcate line 2, column 1", "Set-CsCertificat line 3, column 3"]);
}

#[test]
fn commands_tell_their_constants_and_places() {
    let lowered = lowered("1;\n  Set-CsCertificate -ty Default,'Web X' -Roll -Thumbprint $x | sort 5 @p");
    let [set, sort] = lowered.commands.as_slice() else { panic!("{:?}", lowered.commands) };
    assert_eq!(
        (set.verb.as_str(), set.position.line, set.position.column, set.position.width),
        ("Set-CsCertificate", 2, 3, 17)
    );
    assert!(!set.piped && !set.splats && sort.piped && sort.splats);
    let [kind, roll, thumbprint] = set.arguments.as_slice() else { panic!("{set:?}") };
    assert_eq!(kind.parameter.as_deref(), Some("Type"));
    assert_eq!((kind.position.column, kind.position.width), (21, 3));
    let [default, web] = kind.values.as_slice() else { panic!("{kind:?}") };
    assert_eq!(default.literal, Some(Literal::Text("Default".into())));
    assert_eq!((web.position.column, web.position.width), (33, 7));
    assert_eq!(web.literal, Some(Literal::Text("Web X".into())));
    assert_eq!(roll.values[0].literal, Some(Literal::Bool(true)));
    assert_eq!(thumbprint.values[0].literal, None);
    assert_eq!(sort.arguments[0].values[0].literal, Some(Literal::Int(5)));
}

#[test]
fn a_secret_is_not_among_the_constants() {
    let lowered = lowered("Import-CsCertificate -Path a -Password hunter2");
    assert!(!format!("{:?}", lowered.commands).contains("hunter2"));
}

#[test]
fn positions_lead_back_to_the_source() {
    let source = "let a = 1;\nGet-X -A `\n  $a.b -Value (c.d) | % { $_.e }; let f = g;\nzz";
    let lowered = lowered(source);
    let lines: Vec<&str> = source.split('\n').collect();
    let output: Vec<&str> = lowered.text.split('\n').collect();
    let mut found = 0;
    for word in ["a = 1", "a.b", "c.d", ".e }", "let f = g", "zz"] {
        let (line, column) = place(&output, word);
        let (line, column) = lowered.map.original(line, column);
        let there: String = lines[line as usize - 1].chars().skip(column as usize - 1).collect();
        assert!(there.starts_with(word), "{word}: {there}");
        found += 1;
    }
    assert_eq!(found, 6);
    // What is made up stands for the command that it was made of.
    let (line, column) = place(&output, "\"ForEach-Object\"");
    assert_eq!(lowered.map.original(line, column), (3, 23));
}

fn place(lines: &[&str], word: &str) -> (u32, u32) {
    let index = lines.iter().position(|line| line.contains(word)).expect("the word is there");
    let before = lines[index].find(word).expect("the word is there");
    (index as u32 + 1, lines[index][..before].chars().count() as u32 + 1)
}

#[test]
fn a_runbook_declares_its_parameters() {
    let source = "# head\nparam(#{\n  ca: #{ type: \"String\", default: \"dc01\\\\x\", help: \"the CA\" },\n  days: #{ type: \"Int\", default: -30 },\n  \
                  uses: #{ default: [\"a\", 'bc', 1.5, true, ()] },\n  name: #{},\n});\nGet-X -A $CA";
    let lowered = lowered(source);
    let parameters = lowered.params.expect("a block").parameters;
    let [ca, days, uses, name] = parameters.as_slice() else { panic!("{parameters:?}") };
    assert_eq!((ca.name.as_str(), ca.kind.as_str(), ca.help.as_deref()), ("ca", "String", Some("the CA")));
    assert_eq!(ca.default, Some(Literal::Text("dc01\\x".into())));
    assert_eq!((ca.position.line, ca.position.column, ca.position.width), (3, 3, 2));
    assert_eq!(days.default, Some(Literal::Int(-30)));
    let list = vec![
        Literal::Text("a".into()),
        Literal::Text("bc".into()),
        Literal::Float(1.5),
        Literal::Bool(true),
        Literal::Null,
    ];
    assert_eq!(uses.default, Some(Literal::List(list)));
    assert_eq!((name.kind.as_str(), &name.default), ("String", &None));
    assert!(lowered.text.ends_with("__collect(__cmd(\"Get-X\", 0, [], #{\"A\": ca}))"));
}

#[test]
fn a_runbook_declares_only_constants() {
    for (source, expected) in [
        ("param(#{ a: #{ default: f() } });", "ParseError 1:25+1"),
        ("param(#{ a: #{ type: 1 } });", "ParseError 1:22+1"),
        ("param(#{ a: #{ kind: \"x\" } });", "ParseError 1:16+4"),
        ("param(#{ a: 1 });", "ParseError 1:13+1"),
        ("param(#{ a: #{}, A: #{} });", "ParseError 1:18+1"),
        ("param(#{ __a: #{} });", "ParseError 1:10+3"),
    ] {
        assert_eq!(errors(source), [expected], "{source}");
    }
    assert!(lowered("param(1)").params.is_none());
}

#[test]
fn names_of_an_earlier_entry_are_assigned_to() {
    let lowered = lower("$Cert = 1", None, &Sample, &["cert"]).expect("it lowers");
    assert_eq!(lowered.text, "cert = 1");
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    let deep = "Get-X -A (".repeat(200);
    assert_eq!(errors(&deep).len(), 1);
    let brackets = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(lower(&brackets, None, &Sample, &[]).expect("it lowers").text, brackets);
}
