//! Hints and the prompt.

use super::Desk;
use crate::config::sample::Sample;
use crate::model::Zone;

fn inserted(desk: &Desk, text: &str) -> Option<String> {
    desk.engine.hint(text, text.len(), None)?.inserted
}

fn shown(desk: &Desk, text: &str) -> Option<String> {
    Some(desk.engine.hint(text, text.len(), None)?.shown)
}

#[test]
fn the_last_line_of_the_history_counts_first() {
    let desk = Desk::contoso();
    let line = "Get-CsCertificate -Type Default";
    let hint = desk.engine.hint("Get-Cs", 6, Some(line)).unwrap();
    assert_eq!(hint.inserted.as_deref(), Some("Certificate -Type Default"));
    assert_eq!(desk.engine.hint(line, line.len(), Some(line)), None);
    // Only at the end.
    assert_eq!(desk.engine.hint("Get-Cs", 3, Some(line)), None);
}

#[test]
fn the_rest_of_a_word() {
    let desk = Desk::contoso();
    assert_eq!(inserted(&desk, "get-cscer").as_deref(), Some("tificate"));
    assert_eq!(inserted(&desk, "Get-CsCertificate | whe").as_deref(), Some("re-Object"));
    assert_eq!(inserted(&desk, "Set-CsCertificate -Thu").as_deref(), Some("mbprint"));
    assert_eq!(shown(&desk, "Set-CsCertificate -Thu").as_deref(), Some("mbprint <String>"));
    for text in ["", "  ", "G", "xyz", "'get-cscer", "Set-CsCertificate -"] {
        assert_eq!(shown(&desk, text), None, "{text}");
    }
}

#[test]
fn the_next_parameter() {
    let desk = Desk::contoso();
    assert_eq!(shown(&desk, "Set-CsCertificate -Type ").as_deref(), Some("<CertType[]>"));
    assert_eq!(inserted(&desk, "Set-CsCertificate -Type "), None);
    let next = inserted(&desk, "Set-CsCertificate ").unwrap();
    assert!(["-Type ", "-Thumbprint "].contains(&next.as_str()), "{next}");
}

#[test]
fn the_prompt_says_who_where_and_what_ends() {
    let desk = Desk::contoso();
    let prompt = desk.engine.prompt();
    assert_eq!(prompt.label.as_deref(), Some("[sample]"));
    assert_eq!(prompt.computer.as_deref(), Some("fe01.contoso.net"));
    let principal = prompt.principal.clone().unwrap();
    // The sample's certificate was issued for a year, 345 days ago.
    let [expiry] = prompt.ending.as_slice() else { panic!("{prompt:?}") };
    assert!((19..=20).contains(&expiry.days), "{expiry:?}");
    assert!(expiry.used_for.contains(&"Default".to_owned()), "{expiry:?}");
    assert_eq!(prompt.text(200), format!("[sample] certlet {principal}@fe01.contoso.net !{}d> ", expiry.days));
    assert_eq!(prompt.text(60), format!("[sample] certlet {principal}@fe01 !{}d> ", expiry.days));
    let warnings = prompt.warnings(&Zone::utc());
    assert!(warnings.len() == 1 && warnings[0].contains(&expiry.thumbprint), "{warnings:?}");

    let fresh = Desk::of(&Sample::Contoso).engine.prompt();
    assert!(fresh.ending.is_empty() && fresh.computer.is_some());
    let nowhere = crate::engine::Engine::new(crate::session::Session::builder().build()).prompt();
    assert!(nowhere.text(80).ends_with("> "));
}
