//! Which parts are shown in colours.

use super::Desk;
use crate::engine::Style;

fn painted(desk: &Desk, text: &str) -> Vec<(String, Style)> {
    let parts = desk.engine.highlight(text);
    for pair in parts.windows(2) {
        assert!(pair[0].range.end <= pair[1].range.start, "{text}: {parts:?}");
    }
    parts.into_iter().map(|part| (text[part.range].to_owned(), part.style)).collect()
}

#[test]
fn parts_of_a_command_line() {
    let mut desk = Desk::contoso();
    desk.run("$x = 1");
    let text = "let y = Get-CsCertificate -Type Default -Identity \"a $x\" | ? { $_.Use -eq 'b' } # why";
    let expected = [
        ("let", Style::Keyword),
        ("Get-CsCertificate", Style::Verb),
        ("-Type", Style::Parameter),
        ("-Identity", Style::Parameter),
        ("\"a ", Style::Text),
        ("$x", Style::Variable),
        ("\"", Style::Text),
        ("?", Style::Verb),
        ("$_", Style::Variable),
        ("'b'", Style::Text),
        ("# why", Style::Comment),
    ];
    assert_eq!(painted(&desk, text), expected.map(|(word, style)| (word.to_owned(), style)));
    assert_eq!(painted(&desk, "x + 12"), [("x".to_owned(), Style::Variable), ("12".to_owned(), Style::Number)]);
}

#[test]
fn an_unknown_verb_shows_as_soon_as_it_cannot_become_one() {
    let desk = Desk::contoso();
    let unknown = |text: &str| painted(&desk, text).iter().any(|(_, style)| *style == Style::Unknown);
    for text in ["Get-Cs", "Get-", "get-cscertif", "Get-CsCertificate", "Get-CsCertificate -Ty", "Get-CsCertificate -"]
    {
        assert!(!unknown(text), "{text}");
    }
    for text in ["Get-Csx", "Get-Cs -Type", "get-cscertifcate", "Get-CsCertificate -Foo", "1 | % { Get-Foo }"] {
        assert!(unknown(text), "{text}");
    }
    // Names with a dash between them are a subtraction.
    for text in ["total-count", "let Get = 5; Get-Foo", "x.Get-Foo", "'Get-Foo'"] {
        assert!(!unknown(text), "{text}");
    }
}
