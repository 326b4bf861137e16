//! C114, C116, C120: what the topology and its sites are, and the topology as XML.

use std::fs;

use serde_json::{Value, json};

use crate::world::{World, text};

#[test]
fn c114_the_bindings_of_a_site() {
    let world = World::new();
    let line = "Get-IISSiteBinding \"Lync Server External Web Site\"";
    let shown = world.emits(&format!("{line} | Select-Object protocol, bindingInformation, sslFlags"));
    let row =
        |protocol, information| json!({"protocol": protocol, "bindingInformation": information, "sslFlags": "None"});
    assert_eq!(shown, [row("http", "*:8080:"), row("https", "*:4443:")]);
    let heading = world.show(line).exits(0).stdout;
    let words: Vec<&str> = heading.lines().find(|l| !l.trim().is_empty()).unwrap().split_whitespace().collect();
    assert_eq!(words, ["protocol", "bindingInformation", "sslFlags"]);

    let bound = world.emits(&format!("{line} -Protocol https | Select-Object -ExpandProperty CertificateHash"));
    assert_eq!(bound, world.emits("Get-WebBinding -Port 4443 | Select-Object -ExpandProperty certificateHash"));
    assert_eq!(world.emits(&format!("{line} \"*:4443:\"")).len(), 1);
    assert!(world.emits(&format!("{line} \"*:443:\"")).is_empty());
    world.refuses("Get-IISSiteBinding \"Lync Server Extrenal Web Site\"", 1, "SiteNotFound");
    let names = "Get-IISSite \"Lync Server Internal Web Site\", \"Lync Server External Web Site\" | Select-Object -ExpandProperty Name";
    assert_eq!(world.emits(names), ["Lync Server Internal Web Site", "Lync Server External Web Site"]);
}

#[test]
fn c116_the_computers_of_a_pool() {
    let world = World::new();
    let computers = world.emits("Get-CsPool -Identity pool01.contoso.net | Select-Object -ExpandProperty Computers");
    assert_eq!(computers, ["fe01.contoso.net", "fe02.contoso.net"]);
    assert_eq!(world.emits("(Get-CsPool pool01.contoso.net).Services.Count"), [json!(3)]);
    let error = world.refuses("Get-CsPool pool02.contoso.net", 1, "NotInTopology");
    assert!(error["hints"].to_string().contains("pool01.contoso.net"), "{error:#?}");
    // A wildcard is no identity; a filter may fit none.
    world.refuses("Get-CsPool pool*", 1, "NotInTopology");
    assert!(world.emits("Get-CsPool -Filter nothing*").is_empty());
    world.refuses("Get-CsPool -Site Dublin", 1, "NotInTopology");
    world.refuses("Get-CsPool -Identity pool01.contoso.net -Filter *", 2, "AmbiguousParameterSet");
}

#[test]
fn readers_of_the_topology() {
    let world = World::new();
    let site = &world.emits("Get-CsSite redmond")[0];
    assert_eq!(
        (&site["Identity"], &site["SiteId"], &site["DisplayName"]),
        (&json!("Site:Redmond"), &json!(1), &json!("Redmond"))
    );
    assert_eq!((&site["SiteType"], site["Pools"].as_array().unwrap().len()), (&json!("CentralSite"), 6));
    assert_eq!(world.emits("Get-CsSite")[0], world.emits("Get-CsSite Site:Redmond")[0]);

    assert_eq!(
        world.emits("Get-CsSipDomain"),
        [json!({"Identity": "contoso.com", "Name": "contoso.com", "IsDefault": true})]
    );
    let local = json!({"Identity": "fe01.contoso.net", "Pool": "pool01.contoso.net", "Fqdn": "fe01.contoso.net"});
    assert_eq!(world.emits("Get-CsComputer -Local"), [local]);
    world.refuses("Get-CsComputer fe03.contoso.net", 1, "ComputerNotInTopology");

    let web = &world.emits("Get-CsService WebServer:pool01.contoso.net")[0];
    for (property, value) in [
        ("InternalFqdn", json!("webpool01.contoso.net")),
        ("ExternalFqdn", json!("webpool01.contoso.com")),
        ("PrimaryHttpPort", json!(80)),
        ("PrimaryHttpsPort", json!(443)),
        ("ExternalHttpPort", json!(8080)),
        ("ExternalHttpsPort", json!(4443)),
        ("PublishedExternalHttpsPort", json!(443)),
    ] {
        assert_eq!(web[property], value, "{property}");
    }
    let edge = &world.emits("Get-CsService -EdgeServer")[0];
    assert_eq!(edge["AccessEdgeExternalFqdn"], "access.contoso.com");
    assert_eq!(
        world.emits("Get-CsService -Director | Select-Object -ExpandProperty PoolFqdn"),
        ["dirpool01.contoso.net"]
    );
    world.refuses("Get-CsService -Director -WebServer", 1, "AmbiguousParameterSet");

    let urls = &world.emits("Get-CsSimpleUrlConfiguration -Identity GLOBAL")[0];
    assert_eq!(urls["Identity"], "Global");
    let meet = &urls["SimpleUrl"][0];
    let of_meet = (&meet["Component"], &meet["Domain"], &meet["ActiveUrl"], &meet["SimpleUrlEntry"][0]["Url"]);
    let address = json!("https://meet.contoso.com");
    assert_eq!(of_meet, (&json!("Meet"), &json!("contoso.com"), &address, &address));
    world.refuses("Get-CsSimpleUrlConfiguration site:Dublin", 1, "NotInTopology");
}

/// Everything that the readers tell.
fn all(world: &World) -> Vec<Vec<Value>> {
    let lines = [
        "Get-CsPool | Select-Object *",
        "Get-CsComputer",
        "Get-CsSite",
        "Get-CsSipDomain",
        "Get-CsService",
        "Get-CsSimpleUrlConfiguration",
        "Get-TlsName -Type Default,WebServicesInternal,WebServicesExternal",
    ];
    lines.map(|line| world.emits(line)).into()
}

#[test]
fn c120_the_topology_as_xml_reads_back() {
    let world = World::new();
    let before = all(&world);
    assert!(before.iter().all(|rows| !rows.is_empty()));
    world.emits(r"Get-CsTopology -AsXml | Out-File C:\topology.xml");
    fs::copy(world.file("drive_c/topology.xml"), world.file("topology.xml")).unwrap();
    // The old one is out of the way: what follows can only come from the XML.
    fs::rename(world.file("topology.toml"), world.file("old.toml")).unwrap();
    world.edit("certlet.toml", "topology = \"topology.toml\"", "topology = \"topology.xml\"");
    assert_eq!(all(&world), before);

    // A list is merged in order: the later file says which computer is the local one.
    fs::write(world.file("more.toml"), "version = 1\n[forest]\nlocal_computer = \"fe02.contoso.net\"\n").unwrap();
    world.edit("certlet.toml", "topology = \"topology.xml\"", "topology = [\"topology.xml\", \"more.toml\"]");
    assert_eq!(text(&world.emits("Get-CsComputer -Local")[0], "Identity"), "fe02.contoso.net");

    let xml = fs::read_to_string(world.file("topology.xml")).unwrap();
    let (line, _) = xml.lines().enumerate().find(|(_, l)| l.contains("SiteId=\"1\"")).unwrap();
    fs::write(world.file("topology.xml"), xml.replacen("SiteId=\"1\"", "SiteId=\"one\"", 1)).unwrap();
    let ran = world.run("Get-CsPool").exits(2);
    let errors = crate::world::said(&ran, "error");
    assert_eq!((&errors[0]["id"], errors[0]["line"].as_u64()), (&json!("TopologyInvalid"), Some(line as u64 + 1)));
}
