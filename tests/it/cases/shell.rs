//! C81–C102: how the command lines themselves behave.

use crate::world::{CA, COMPUTED, THREE, World, text};

#[test]
fn c81_case_does_not_matter() {
    let world = World::new();
    let lower = world.emits("get-cscertificate -type webservicesinternal");
    assert_eq!(lower, world.emits("Get-CsCertificate -Type WebServicesInternal"));
    assert_eq!((lower.len(), &lower[0]["Use"]), (1, &"WebServicesInternal".into()));
}

#[test]
fn c82_a_parameter_by_its_beginning() {
    let uses =
        World::new().emits("Get-CsCertificate -Ty Default,WebServicesInternal | Select-Object -ExpandProperty Use");
    assert_eq!(uses, ["Default", "WebServicesInternal"]);
}

#[test]
fn c83_a_misspelt_use() {
    let error = World::new().refuses("Get-CsCertificate -Type Defualt", 2, "CannotConvertArgument");
    let message = text(&error, "message");
    for name in THREE.split(',').chain(["AudioVideoAuthentication", "OAuthTokenIssuer"]) {
        assert!(message.contains(name), "{name}: {message}");
    }
    assert_eq!((&error["target"], &error["line"], &error["column"]), (&"Defualt".into(), &1.into(), &25.into()));
}

#[test]
fn nothing_runs_before_a_fault_is_found() {
    let world = World::new();
    let line = "Remove-CsCertificate -Type Default -Force; Get-CsCertificate -Type Defualt";
    world.refuses(line, 2, "CannotConvertArgument");
}

#[test]
fn c85_an_unknown_parameter() {
    let error = World::new().refuses("Get-CsCertificate -Foo 1", 2, "NamedParameterNotFound");
    assert_eq!((&error["target"], &error["column"]), (&"-Foo".into(), &19.into()));
}

#[test]
fn c86_an_unknown_command() {
    let error = World::new().refuses("Get-CsCertificat", 2, "CommandNotFoundException");
    assert!(error["hints"].to_string().contains("Get-CsCertificate"), "{error:#?}");
}

#[test]
fn c88_nobody_is_there_to_say_the_type() {
    let error = World::new().refuses(&format!("Request-CsCertificate -New -CA {CA}"), 2, "MissingMandatoryParameter");
    assert_eq!(error["target"], "Type");
}

#[test]
fn c89_a_parameter_without_its_value() {
    let error = World::new().refuses("Request-CsCertificate -New -Type Default -CA", 2, "MissingArgument");
    assert_eq!(error["target"], "-CA");
}

#[test]
fn c92_parameters_from_a_table() {
    let world = World::new();
    let full = world.full();
    let script =
        format!("$p = @{{ Type = 'Default','WebServicesInternal'; Thumbprint = '{full}' }}; Set-CsCertificate @p");
    let records = world.emits(&format!("{script} | Select-Object -ExpandProperty Use"));
    assert_eq!(records, ["Default", "WebServicesInternal"]);
    assert!(
        world
            .emits("Get-CsCertificate -Type Default,WebServicesInternal")
            .iter()
            .all(|c| c["Thumbprint"] == full.as_str())
    );
}

#[test]
fn c94_a_date_written_as_text() {
    let world = World::new();
    assert!(world.emits("Get-CsCertificate | Where-Object {$_.NotAfter -lt \"9/1/2018\"}").is_empty());
    // As text, `9/…` comes after whatever begins with another digit; as a date it lies in the past.
    assert_eq!(world.emits("Get-CsCertificate | Where-Object {$_.NotAfter -gt \"9/1/2018\"}").len(), 3);
}

#[test]
fn c95_the_names_line_by_line() {
    let line = "Get-CsCertificate -Type Default | Select-Object -ExpandProperty AlternativeNames";
    let world = World::new();
    assert_eq!(world.emits(line), COMPUTED);
    assert_eq!(world.show(line).exits(0).stdout.lines().collect::<Vec<_>>(), COMPUTED);
}

#[test]
fn c97_equality_without_case() {
    let found = World::new()
        .emits("Get-CsCertificate | Where-Object {$_.Issuer -eq \"cn=CONTOSO-dc01-ca, dc=contoso, dc=net\"}");
    assert_eq!(found.len(), 3);
}

#[test]
fn c99_an_error_that_is_caught() {
    let line =
        "try { Set-CsCertificate -Type Default -Thumbprint 00 -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }";
    assert_eq!(World::new().emits(line), ["InvalidThumbprint,Set-CsCertificate"]);
}

#[test]
fn c101_nothing_takes_the_piped_object() {
    World::new().refuses("\"x\" | Get-CsCertificate", 1, "InputObjectNotBound");
}

#[test]
fn c102_whole_lists_as_json() {
    let world = World::new();
    let texts = world.emits("Get-CsCertificate | ConvertTo-Json");
    assert_eq!(texts.len(), 1);
    let list: Vec<serde_json::Value> = serde_json::from_str(texts[0].as_str().unwrap()).unwrap();
    assert_eq!(list.len(), 3);
    assert!(list.iter().all(|c| c["AlternativeNames"] == serde_json::json!(COMPUTED)), "{list:#?}");
}
