//! A second ACME server, Caddy's, which looks at the real ports 80, 443 and 53 of a network of its own.

use std::fs;
use std::process::{Command, Stdio};

use super::{BRIEF, World, absent, has};

/// What runs inside: loopback, name server, Caddy, then the program once for each challenge.
const INSIDE: &str = r#"set -e
d=$1; certlet=$2
ip link set lo up
printf '127.0.0.1 localhost\n' > $d/hosts; mount --bind $d/hosts /etc/hosts
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:2\n' > $d/resolv; mount --bind $d/resolv /etc/resolv.conf
pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 '' -dns01 127.0.0.1:53 -http01 '' -https01 '' -tlsalpn01 '' \
  -management 127.0.0.1:8055 > $d/names.log 2>&1 & names=$!
HOME=$d XDG_DATA_HOME=$d XDG_CONFIG_HOME=$d caddy run --config $d/Caddyfile --adapter caddyfile > $d/caddy.log 2>&1 & caddy=$!
trap 'kill $names $caddy' EXIT
n=0; until [ -s $d/data/pki/authorities/local/root.crt ] && (exec 3<>/dev/tcp/127.0.0.1/8443) 2>/dev/null \
  && (exec 3<>/dev/tcp/127.0.0.1/8055) 2>/dev/null; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.1; done
for kind in http tls dns; do
  code=0
  env -i $certlet --home $d/.. --json -c "Request-CsCertificate -New -Type WebServicesExternal -CA caddy\\$kind -KeyAlg ECDH_P256 \
    -DomainName '$([ $kind = dns ] && echo '*.')$kind.contoso.com'" > $d/$kind.out 2> $d/$kind.err || code=$?
  echo $code > $d/$kind.code
done
"#;

const CADDYFILE: &str = "{
\tadmin 127.0.0.1:2019
\tskip_install_trust
\tauto_https disable_redirects
\tstorage file_system FOLDER/data
}
https://localhost:8443 {
\tbind 127.0.0.1
\ttls internal
\tacme_server {
\t\tlifetime 12h
\t}
}
";

#[test]
fn every_challenge_with_a_server_that_looks_at_the_real_ports() {
    let test = "every_challenge_with_a_server_that_looks_at_the_real_ports";
    if !["caddy", "pebble-challtestsrv", "unshare", "ip", "bash", "python3"].iter().all(|program| has(program, test)) {
        return;
    }
    let unshare = if may(&["-nm"]) {
        "-nm"
    } else if may(&["-Urnm"]) {
        "-Urnm"
    } else {
        return absent(test, "no network of its own can be made here");
    };
    let world = World::new(BRIEF);
    let folder = world.path().join("caddy");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("Caddyfile"), CADDYFILE.replace("FOLDER", &folder.display().to_string())).unwrap();
    let record = "import json, sys, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:8055/' + \
                  sys.argv[1], json.dumps({'host': sys.argv[2] + '.', 'value': sys.argv[3]}).encode())";
    let command = |verb: &str| format!("[\"python3\", \"-c\", \"{record}\", \"{verb}\", \"{{name}}\", \"{{value}}\"]");
    let challenges = [
        ("http", "{ kind = \"http-01\", listen = \"127.0.0.1:80\" }".to_owned()),
        ("tls", "{ kind = \"tls-alpn-01\", listen = \"127.0.0.1:443\" }".to_owned()),
        (
            "dns",
            format!(
                "{{ kind = \"dns-01\", set = {}, clear = {}, resolver = \"127.0.0.1:53\", wait = \"5s\" }}",
                command("set-txt"),
                command("clear-txt")
            ),
        ),
    ];
    let file = world.path().join("certlet.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (kind, challenge) in &challenges {
        let ca = format!(
            "\n[[ca]]\nconfig = 'caddy\\{kind}'\nkind = \"acme\"\nclass = \"private\"\ndirectory = \
             \"https://localhost:8443/acme/local/directory\"\nroots = [\"caddy/data/pki/authorities/local/root.crt\"]\n\
             challenge = {challenge}\n"
        );
        text.push_str(&ca);
    }
    fs::write(file, text).unwrap();
    let script = folder.join("inside.sh");
    fs::write(&script, INSIDE).unwrap();
    let ran = Command::new("unshare")
        .args([unshare, "bash"])
        .arg(&script)
        .arg(&folder)
        .arg(env!("CARGO_BIN_EXE_certlet"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let read = |name: String| fs::read_to_string(folder.join(name)).unwrap_or_default();
    for (kind, _) in challenges {
        let said = format!("{kind}: {ran:?}\n{}\n{}", read(format!("{kind}.err")), read("caddy.log".into()));
        assert_eq!(read(format!("{kind}.code")).trim(), "0", "{said}");
        let objects: Vec<serde_json::Value> = serde_json::from_str(&read(format!("{kind}.out"))).unwrap();
        let names = objects[0]["AlternativeNames"].as_array().unwrap();
        let wanted = if kind == "dns" { "*.dns.contoso.com".to_owned() } else { format!("{kind}.contoso.com") };
        assert!(names.iter().any(|n| *n == wanted.as_str()), "{said}");
    }
}

fn may(words: &[&str]) -> bool {
    Command::new("unshare")
        .args(words)
        .arg("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
