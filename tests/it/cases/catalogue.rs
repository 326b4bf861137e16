//! Every error id of the catalogue is met by somebody: each is provoked here, through the program or the library.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use certlet::command::{Args, Impact, Input, Invocation, Spec, Verb};
use certlet::session::{Deployment, Plan, Policy};
use certlet::state::{BindingKey, Expectation, RowKey, Write};
use certlet::{Engine, ErrorId, Session};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::foreign::{Foreign, self_signed};
use crate::common::{Ran, Shell, signal};
use crate::world::{CA, THREE, World};

use ErrorId as Id;

/// How an id is provoked.
#[derive(Clone, Copy)]
enum How {
    /// By a line in the sample world, which it does not change.
    Line(&'static str),
    /// By a line without a home.
    Bare(&'static str),
    /// In a world of its own; `None` where the test may not do what it needs.
    Made(fn(&World) -> Option<Ran>),
    /// By a program that embeds the library.
    Library(fn() -> ErrorId),
}

use How::{Bare, Library, Line, Made};

const PROVOKED: &[(Id, How)] = &[
    (
        Id::CertificateNotFound,
        Line("Set-CsCertificate -Type Default -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D"),
    ),
    (Id::InvalidThumbprint, Line("Set-CsCertificate -Type Default -Thumbprint '00'")),
    (Id::AmbiguousThumbprint, Made(two_of_one_thumbprint)),
    (
        Id::NoPrivateKey,
        Made(|world| {
            let other = Foreign::new();
            world.trust(&other.root);
            let thumbprint = world.import("bare.cer", other.server().certificate.as_bytes());
            set(world, &thumbprint)
        }),
    ),
    (
        Id::PrivateKeyNotExportable,
        Line(
            "$t = (Get-CsCertificate -Type Default).Thumbprint; Export-PfxCertificate -Cert \"Cert:\\LocalMachine\\My\\$t\" -FilePath C:\\o.pfx -Password x",
        ),
    ),
    (Id::CertificateExpired, Made(|world| of_other(world, &Foreign::new(), |other| other.expired().both()))),
    (
        Id::CertificateNotYetValid,
        Made(|world| {
            of_other(world, &Foreign::new(), |other| {
                other.made(|params| params.not_before = OffsetDateTime::now_utc() + Duration::DAY).both()
            })
        }),
    ),
    (Id::MissingServerAuthEku, Made(|world| of_other(world, &Foreign::new(), |other| other.client().both()))),
    (
        Id::UseNeedNotMet,
        Line("$t = (Get-CsCertificate -Type Default).Thumbprint; Set-CsCertificate -Type MPNService -Thumbprint $t"),
    ),
    (
        Id::UntrustedChain,
        Made(|world| {
            let thumbprint = world.import("self.pem", &self_signed().both());
            set(world, &thumbprint)
        }),
    ),
    (Id::UseNotValidForRole, Line("Request-CsCertificate -New -Type Internal")),
    (Id::OnlineOnlyUse, Line("Request-CsCertificate -New -Type PICWebService")),
    (
        Id::RollNeedsEffectiveDate,
        Line("$t = (Get-CsCertificate -Type Default).Thumbprint; Set-CsCertificate -Type Default -Thumbprint $t -Roll"),
    ),
    (
        Id::EffectiveDateOutOfRange,
        Line(
            "$t = (Get-CsCertificate -Type Default).Thumbprint; Set-CsCertificate -Type Default -Thumbprint $t -EffectiveDate 1/1/2020 -Roll",
        ),
    ),
    (Id::ComputerNotInTopology, Line("Request-CsCertificate -New -Type Default -ComputerFqdn pool01.contoso.net")),
    (
        Id::CaNotSpecified,
        Made(|world| {
            append(
                world,
                "[[ca]]\nconfig = 'dc02.contoso.net\\Second-CA'\nkind = \"embedded\"\nsubject = \"CN=Second-CA\"\n",
            );
            Some(world.run("Request-CsCertificate -New -Type Default"))
        }),
    ),
    (
        Id::CaAndOutput,
        Line("Request-CsCertificate -New -Type Default -CA dc01.contoso.net\\contoso-DC01-CA -Output C:\\a.req"),
    ),
    (Id::CaConfigMalformed, Line("Request-CsCertificate -New -Type Default -CA dc01.contoso.net")),
    (Id::CaUnreachable, Line("Request-CsCertificate -New -Type Default -CA nohost.contoso.net\\X")),
    (
        Id::CaAccessDenied,
        Line(
            "Request-CsCertificate -New -Type Default -CA dc01.contoso.net\\contoso-DC01-CA -CaAccount contoso\\guest -CaPassword x",
        ),
    ),
    (Id::TemplateNotFound, Line("Request-CsCertificate -New -Type Default -Template 'Web Server'")),
    (Id::TemplateAccessDenied, Line("Request-CsCertificate -New -Type Default -Template Restricted")),
    (Id::KeyTooSmall, Line("Request-CsCertificate -New -Type Default -KeySize 1024")),
    (Id::RequestDenied, Line("Request-CsCertificate -New -Type Default -PrivateKeyExportable $true")),
    (Id::RequestPending, Made(|world| Some(pending(world)))),
    (
        Id::RequestRevoked,
        Made(|world| {
            let id = waiting(world);
            manager(world, &format!("Approve-CertificateRequest -RequestId {id} -CA {CA}"));
            let serial = manager(world, &format!("Get-CertificateRequest -RequestId {id} -CA {CA}"));
            let serial = serial.objects()[0]["SerialNumber"].as_str().unwrap().to_owned();
            manager(
                world,
                &format!("Revoke-Certificate -SerialNumber {serial} -CA {CA} -Reason Superseded -Confirm:$false"),
            );
            Some(world.run(&format!("Request-CsCertificate -Retrieve -RequestId {id}")))
        }),
    ),
    (Id::RequestNotFound, Line("Request-CsCertificate -Retrieve -RequestId 999")),
    (Id::FileNotFound, Line("Import-CsCertificate -Path C:\\Certificates\\none.cer")),
    (
        Id::BadCertificateFile,
        Made(|world| {
            world.lay("bad.cer", b"not a certificate");
            Some(world.run("Import-CsCertificate -Path C:\\Certificates\\bad.cer"))
        }),
    ),
    (
        Id::BadPassword,
        Made(|world| {
            world.emits("Request-CsCertificate -New -Type Default -Template jcila -PrivateKeyExportable $true | ForEach-Object { Export-PfxCertificate -Cert \"Cert:\\LocalMachine\\My\\$($_.Thumbprint)\" -FilePath C:\\a.pfx -Password right }");
            Some(world.run("Import-CsCertificate -Path C:\\a.pfx -Password wrong"))
        }),
    ),
    (
        Id::FriendlyNameInUse,
        Made(|world| {
            let line = "Request-CsCertificate -New -Type Default -FriendlyName Twice";
            world.emits(line);
            Some(world.run(line))
        }),
    ),
    (
        Id::BindingNotFound,
        Library(|| {
            of_plan(&Plan {
                deployments: vec![Deployment {
                    binding: BindingKey {
                        computer: "here".into(),
                        site: "Shop".into(),
                        information: "*:443:".into(),
                        slot: certlet::model::Slot::Any,
                    },
                    use_name: "Shop".into(),
                    certificate: None,
                }],
                ..Plan::default()
            })
        }),
    ),
    (Id::SiteNotFound, Line("Get-Website -Name Nowhere -ErrorAction Stop")),
    (Id::NotAssigned, Line("Remove-CsCertificate -Type OAuthTokenIssuer -Confirm:$false")),
    (Id::NotInTopology, Line("Get-CsPool -Identity nowhere.contoso.net")),
    (
        Id::CertificateInUse,
        Line(
            "$t = (Get-CsCertificate -Type Default).Thumbprint; Remove-Item \"Cert:\\LocalMachine\\My\\$t\" -Confirm:$false",
        ),
    ),
    (
        Id::AmbiguousRequest,
        Made(|world| {
            append(
                world,
                "[[ca]]\nconfig = 'dc02.contoso.net\\Second-CA'\nkind = \"embedded\"\nsubject = \"CN=Second-CA\"\n\
                 next_request_id = 41\n",
            );
            for ca in [CA, "dc02.contoso.net\\Second-CA"] {
                world.emits(&format!("Request-CsCertificate -New -Type Default -CA {ca}"));
            }
            Some(world.run("Request-CsCertificate -Retrieve -RequestId 41"))
        }),
    ),
    (Id::SubmissionUnknown, Made(|_| Some(crate::peers::adcs::asked_again_after_a_cut()))),
    (Id::StepFailed, Made(|_| crate::peers::acme::record_that_is_not_set())),
    (
        Id::NotAdministrator,
        Made(|world| {
            world.edit("certlet.toml", "administrators = ['contoso\\kenmyer']", "administrators = ['contoso\\other']");
            Some(world.run("Request-CsCertificate -New -Type Default"))
        }),
    ),
    (Id::NonInteractivePrompt, Line("Remove-CsCertificate -Type Default")),
    (
        Id::ConfigInvalid,
        Made(|world| {
            world.edit("certlet.toml", "administrators =", "administratros =");
            Some(world.run("Get-CsCertificate"))
        }),
    ),
    (
        Id::TopologyInvalid,
        Made(|world| {
            world.edit("topology.toml", "default = true", "default = false");
            Some(world.run("Get-CsCertificate"))
        }),
    ),
    (Id::NoHome, Bare("Get-CsCertificate")),
    (
        Id::HomeNotPrivate,
        Made(|world| {
            if fs::metadata(world.file("")).unwrap().uid() != 0 {
                return None;
            }
            std::os::unix::fs::chown(world.file(""), Some(65534), None).unwrap();
            let ran = world.run("Get-CsCertificate");
            std::os::unix::fs::chown(world.file(""), Some(0), None).unwrap();
            Some(ran)
        }),
    ),
    (
        Id::StoreUnavailable,
        Made(|world| {
            fs::write(world.file("state.db"), [0xff; 9000]).unwrap();
            Some(world.run("Get-CsCertificate"))
        }),
    ),
    (
        Id::StoreTooNew,
        Made(|world| {
            // The version that SQLite keeps for its user stands at 60, big-endian (file format, section 1.3).
            let mut bytes = fs::read(world.file("state.db")).unwrap();
            bytes[60..64].copy_from_slice(&9999u32.to_be_bytes());
            fs::write(world.file("state.db"), bytes).unwrap();
            Some(world.run("Get-CsCertificate"))
        }),
    ),
    (
        Id::StoreLocked,
        Made(|world| {
            fs::write(world.file("passphrase"), "right").unwrap();
            world.edit(
                "certlet.toml",
                "path = \"state.db\"",
                "path = \"state.db\"\npassphrase = { file = \"passphrase\" }",
            );
            world.emits("Request-CsCertificate -New -Type Default");
            fs::write(world.file("passphrase"), "wrong").unwrap();
            Some(world.run("Request-CsCertificate -New -Type Default"))
        }),
    ),
    (
        Id::DiskFull,
        Made(|_| {
            let full = fs::OpenOptions::new().write(true).open("/dev/full").ok()?;
            let child = Shell::new().args(["--json", "-c", "1"]).command().stdout(full).output().unwrap();
            Some(Ran::of(child))
        }),
    ),
    (
        Id::Busy,
        Made(|world| {
            let thumbprint = world.full();
            let lease = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(world.file("change.lock"))
                .unwrap();
            lease.lock().unwrap();
            let line = format!("Set-CsCertificate -Type {THREE} -Thumbprint {thumbprint}");
            Some(world.shell().args(["--json", "--timeout", "500ms", "-c", &line]).run())
        }),
    ),
    (
        Id::EndpointInUse,
        Made(|world| {
            let thumbprint = world.full();
            let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            world.edit(
                "certlet.toml",
                "endpoint = [\"127.0.0.1:0\"]",
                &format!("endpoint = [\"{}\"]", stranger.local_addr().unwrap()),
            );
            set(world, &thumbprint)
        }),
    ),
    (
        Id::EndpointDown,
        Made(|world| {
            let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
            let thumbprint = world.full();
            files(world, "[\"true\"]", "[\"true\"]", &format!("endpoint = [\"{closed}\"]"));
            set(world, &thumbprint)
        }),
    ),
    (
        Id::KeyMismatch,
        Made(|world| {
            let (one, two) = (self_signed(), self_signed());
            world.lay("pair.pem", format!("{}{}", one.certificate, two.key).as_bytes());
            Some(world.run("Import-CsCertificate -Path C:\\Certificates\\pair.pem"))
        }),
    ),
    (
        Id::TestCommandFailed,
        Made(|world| {
            let thumbprint = world.full();
            files(world, "[\"/bin/false\"]", "[\"/bin/true\"]", "");
            set(world, &thumbprint)
        }),
    ),
    (
        Id::ReloadFailed,
        Made(|world| {
            let thumbprint = world.full();
            // It fails the first time alone: putting back works.
            let once = sh(world, "if [ -e once ]; then exit 0; fi; touch once; exit 1");
            files(world, "[\"/bin/true\"]", &once, "");
            set(world, &thumbprint)
        }),
    ),
    (Id::ProofFailed, Made(liar)),
    (
        Id::UndoFailed,
        Made(|world| {
            let thumbprint = world.full();
            // It cannot be told of the old one either.
            files(world, "[\"/bin/true\"]", "[\"/bin/false\"]", "");
            set(world, &thumbprint)
        }),
    ),
    (
        Id::Contested,
        Made(|world| {
            let thumbprint = world.full();
            files(world, &sh(world, "echo another hand >> site.pem; exit 1"), "[\"/bin/true\"]", "");
            set(world, &thumbprint)
        }),
    ),
    (
        Id::PlanStale,
        Library(|| {
            of_plan(&Plan {
                rows: vec![Write {
                    key: RowKey::Setting("x".into()),
                    expect: Expectation::Exactly(Box::new(certlet::state::Row::Setting("y".into()))),
                    row: None,
                }],
                ..Plan::default()
            })
        }),
    ),
    (
        Id::PolicyRefused,
        Made(|world| {
            let id = waiting(world);
            Some(world.run(&format!("Approve-CertificateRequest -RequestId {id} -CA {CA}")))
        }),
    ),
    (
        Id::CertificateBanned,
        Made(|world| {
            let thumbprint = world.full();
            world.emits(&format!("Revoke-Certificate -Thumbprint {thumbprint} -Reason KeyCompromise -Confirm:$false"));
            set(world, &thumbprint)
        }),
    ),
    (
        Id::NoTransport,
        Made(|world| {
            let thumbprint = world.full();
            world.edit(
                "certlet.toml",
                "id = 34578\nhost = \"listener\"",
                "id = 34578\nhost = \"caddy\"\nadmin = \"http://127.0.0.1:1\"\ncertificate = \"site.pem\"",
            );
            set(world, &thumbprint)
        }),
    ),
    (
        Id::ReadOnlySession,
        Library(|| {
            let policy = Policy { read_only: true, ..Policy::everything("host") };
            id_of(&Session::builder().policy(policy).build(), &Plan::default())
        }),
    ),
    (
        Id::Interrupted,
        Made(|world| {
            let child = world.shell().args(["--json", "-c", "Write-Warning begun; Start-Sleep -Seconds 60"]).start();
            Some(interrupted(child))
        }),
    ),
    (Id::TimedOut, Made(|world| Some(world.shell().args(["--json", "--timeout", "100ms", "-c", "loop {}"]).run()))),
    (Id::InvalidName, Line("Request-CsCertificate -New -Type Default -DomainName 'bad name!'")),
    (
        Id::InvalidDate,
        Line(
            "Set-CsCertificate -Type Default -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D -EffectiveDate 13/1/2026",
        ),
    ),
    (Id::PlaceholderNotReplaced, Line("Set-CsCertificate -Type Default -Thumbprint <Certificate Thumbprint>")),
    (Id::PathNotAllowed, Line("Import-CsCertificate -Path C:\\..\\..\\a.cer")),
    (Id::FileNotWritable, Line("Request-CsCertificate -New -Type Default -Output /proc/a/b.req")),
    (Id::LimitExceeded, Bare("let a = []; a.pad(1_000_000_000, 0); a")),
    (Id::ParseError, Bare("let = 1;")),
    (Id::ScriptError, Bare("throw \"no\"")),
    (
        Id::NameNotPublic,
        Made(|world| {
            append(
                world,
                "[[ca]]\nconfig = 'public.example\\acme'\nkind = \"acme\"\nclass = \"public\"\n\
             directory = \"https://127.0.0.1:1/dir\"\nchallenge = { kind = \"http-01\", listen = \"127.0.0.1:0\" }\n",
            );
            Some(world.run("Request-CsCertificate -New -Type Default -DomainName intranet -CA public.example\\acme"))
        }),
    ),
    (Id::CommandNotFoundException, Bare("Get-CsCertificat -Type Default")),
    (Id::NamedParameterNotFound, Line("Get-CsCertificate -Foo 1")),
    (Id::AmbiguousParameter, Line("Request-CsCertificate -New -Type Default -Key RSA")),
    (Id::AmbiguousParameterSet, Line("Request-CsCertificate -New -List")),
    (Id::MissingArgument, Line("Request-CsCertificate -New -Type Default -CA")),
    (Id::MissingMandatoryParameter, Line("Request-CsCertificate -New -CA dc01.contoso.net\\contoso-DC01-CA")),
    (Id::PositionalParameterNotFound, Line("Get-CsCertificate global more")),
    (Id::ParameterAlreadyBound, Line("Get-CsCertificate -Type Default -Type Default")),
    (Id::CannotConvertArgument, Line("Get-CsCertificate -Type Defualt")),
    (Id::ParameterArgumentValidationError, Line("Request-CsCertificate -New -Type Default -Country USA")),
    (Id::InputObjectNotBound, Line("'one text' | Get-CsCertificate")),
    (Id::PathNotFound, Line("(Get-CsCertificate -Type Default).Thumbprnt")),
];

#[test]
fn each_id_of_the_catalogue_is_provoked() {
    let listed: Vec<&str> = PROVOKED.iter().map(|(id, _)| id.name()).collect();
    let without: Vec<&str> = ErrorId::ALL.iter().map(|id| id.name()).filter(|id| !listed.contains(id)).collect();
    assert!(without.is_empty(), "no test provokes {without:?}");
    let shared = World::new();
    let before = shared.facts();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut faults = Vec::new();
                    while let Some((id, how)) = PROVOKED.get(next.fetch_add(1, Ordering::SeqCst)) {
                        let seen = std::panic::catch_unwind(|| fault(*id, *how, &shared));
                        faults.extend(seen.unwrap_or_else(|_| Some(format!("{id}: its preparation failed"))));
                    }
                    faults
                })
            })
            .collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(shared.facts(), before, "a refused line changed something");
}

/// What was seen when it was not the id.
fn fault(id: ErrorId, how: How, shared: &World) -> Option<String> {
    let ran = match how {
        Line(line) => Some(shared.run(line)),
        Bare(line) => Some(Shell::new().args(["--json", "-c", line]).run()),
        Made(make) => make(&World::new()),
        Library(provoke) => {
            let found = provoke();
            return (found != id).then(|| format!("{id}: the library said {found}"));
        }
    };
    let Some(ran) = ran else {
        assert!(
            std::env::var_os("CERTLET_PEERS").is_none_or(|wish| wish != "required"),
            "{id} cannot be provoked here"
        );
        return None;
    };
    let said: Vec<Value> = ran.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let is_said = said.iter().any(|m| m["id"] == id.name() && (m["stream"] == "error" || m["stream"] == "warning"));
    (!is_said).then(|| format!("{id}: {ran:#?}"))
}

#[expect(clippy::unnecessary_wraps, reason = "as the table takes it")]
fn set(world: &World, thumbprint: &str) -> Option<Ran> {
    Some(world.run(&format!("Set-CsCertificate -Type {THREE} -Thumbprint {thumbprint}")))
}

/// Assigns a certificate of another authority, which is trusted.
fn of_other(world: &World, other: &Foreign, made: impl FnOnce(&Foreign) -> Vec<u8>) -> Option<Ran> {
    world.trust(&other.root);
    let thumbprint = world.import("other.pem", &made(other));
    set(world, &thumbprint)
}

fn append(world: &World, text: &str) {
    let path = world.file("certlet.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "\n" + text).unwrap();
}

fn pending(world: &World) -> Ran {
    world.run("Request-CsCertificate -New -Type Default -Template WebServerApproval").exits(0)
}

/// The number of a request that waits for somebody else's approval.
fn waiting(world: &World) -> u64 {
    pending(world).objects()[0]["RequestId"].as_u64().unwrap()
}

/// Runs a line as the authority's administrator.
#[track_caller]
fn manager(world: &World, line: &str) -> Ran {
    let (own, other) = ("principal = 'contoso\\kenmyer'", "principal = 'contoso\\caadmin'");
    let (admins, more) =
        ("administrators = ['contoso\\kenmyer']", "administrators = ['contoso\\kenmyer', 'contoso\\caadmin']");
    world.edit("certlet.toml", own, other);
    world.edit("certlet.toml", admins, more);
    let ran = world.run(line).exits(0);
    world.edit("certlet.toml", other, own);
    world.edit("certlet.toml", more, admins);
    ran
}

/// The external site becomes files in the home.
fn files(world: &World, test: &str, reload: &str, binding: &str) {
    world.edit(
        "certlet.toml",
        "id = 34578\nhost = \"listener\"",
        &format!("id = 34578\nhost = \"files\"\ncertificate = \"site.pem\"\nkey = \"site.key\"\ntest = {test}\nreload = {reload}"),
    );
    let old = "use = \"WebServicesExternal\"\nendpoint = [\"127.0.0.1:0\"]";
    world.edit("certlet.toml", old, &format!("use = \"WebServicesExternal\"\n{binding}"));
}

/// A command of shell words that is run in the home.
fn sh(world: &World, words: &str) -> String {
    format!("[\"/bin/sh\", \"-c\", \"cd {}; {words}\"]", world.file("").display())
}

fn two_of_one_thumbprint(world: &World) -> Option<Ran> {
    let thumbprint = world.full();
    // Two certificates with one SHA-1 are not made in a test: the index is told so.
    let state = rusqlite::Connection::open(world.file("state.db")).unwrap();
    let same = "UPDATE certificates SET thumbprint = (SELECT thumbprint FROM certificates WHERE hex(thumbprint) = ?1)";
    state.execute(same, [&thumbprint]).unwrap();
    drop(state);
    set(world, &thumbprint)
}

/// A server that goes on serving what it began with.
fn liar(world: &World) -> Option<Ran> {
    world.edit("certlet.toml", "deadline = \"15s\"", "deadline = \"2s\"");
    let address = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let other = Foreign::new();
    world.trust(&other.root);
    let first = other.server();
    fs::write(world.file("liar.pem"), first.both()).unwrap();
    let thumbprint = world.full();
    let mut server = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &address.to_string(), "-cert", "liar.pem", "-key", "liar.pem"])
        .current_dir(world.file(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    while std::net::TcpStream::connect(address).is_err() && server.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    files(world, "[\"/bin/true\"]", "[\"/bin/true\"]", &format!("endpoint = [\"{address}\"]"));
    let ran = set(world, &thumbprint);
    server.kill().unwrap();
    server.wait().unwrap();
    ran
}

/// Interrupts a run once it has said something.
fn interrupted(mut child: Child) -> Ran {
    use std::io::{BufRead, BufReader, Read};
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    messages.read_line(&mut stderr).unwrap();
    signal(&child, "INT");
    messages.read_to_string(&mut stderr).unwrap();
    let mut ran = Ran::of(child.wait_with_output().unwrap());
    ran.stderr = stderr;
    ran
}

static COMMIT: Spec = Spec {
    name: "Invoke-HostPlan",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Commit a plan of the host's",
    description: "Commits what the host planned.",
    sets: &[],
    parameters: &[],
    input: Input::None,
    emits: None,
    changes: Impact::Medium,
    examples: &[],
    related: &[],
};

fn of_plan(plan: &Plan) -> ErrorId {
    id_of(&Session::builder().policy(Policy::everything("host")).build(), plan)
}

/// What a session says when a host's verb commits a plan.
fn id_of(session: &Session, plan: &Plan) -> ErrorId {
    let plan = plan.clone();
    let verb =
        Verb::with(&COMMIT, move |cx: &mut Invocation<'_>, _: &Args| cx.session().commit(plan.clone(), cx).map(drop));
    let base = Engine::new(session.clone());
    let engine = Engine::builder(session.clone()).registry(base.registry().with(verb)).build();
    engine.eval("Invoke-HostPlan").unwrap_err().id()
}
