//! The file server against a real nginx: a swap is proven, a bad pair is refused and the old one is served on.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::contract_tests::{binding, children, files, material, put_all, words};
use super::{FilesServer, Server};
use crate::error::ErrorId;
use crate::model::{BindingProtocol, Clock, FileServer, Needs, ServerKind, Snapshot, Verdict};
use crate::probe::testing::{Authority, Issued, WallClock};
use crate::probe::{
    Control, EndpointTask, Expectation, Look, ProofSettings, RustlsProber, negative_control, observe, prove,
};
use crate::state::Slot;

const NGINX: &str = "/usr/sbin/nginx";

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        // TERM ends the workers too; KILL would leave them.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path) -> (Nginx, String) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let d = dir.display();
    let configuration = format!(
        "worker_processes 1; daemon off; pid {d}/nginx.pid; error_log {d}/error.log info;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_body_temp_path {d}/t; proxy_temp_path {d}/t; fastcgi_temp_path {d}/t;\n\
         uwsgi_temp_path {d}/t; scgi_temp_path {d}/t;\n\
         server {{ listen {address} ssl; server_name a.example; ssl_protocols TLSv1.2 TLSv1.3;\n\
         ssl_certificate {d}/site.pem; ssl_certificate_key {d}/site.key; location / {{ return 200 \"ok\\n\"; }} }} }}\n"
    );
    std::fs::create_dir(dir.join("t")).unwrap();
    std::fs::write(dir.join("nginx.conf"), configuration).unwrap();
    let child = Command::new(NGINX)
        .args(["-e", &format!("{d}/error.log"), "-c", &format!("{d}/nginx.conf")])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let nginx = Nginx(child);
    let begin = Instant::now();
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(10), "nginx does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    (nginx, address)
}

#[test]
fn a_swap_is_proven_and_a_bad_pair_is_refused() {
    if !Path::new(NGINX).exists() {
        crate::x509::testing::absent("a_swap_is_proven_and_a_bad_pair_is_refused", NGINX);
        return;
    }
    let authority = Authority::new("Nginx");
    let (old, new) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().display();
    let server = FilesServer::new(
        FileServer {
            preset: ServerKind::Nginx,
            test: words(&format!("{NGINX} -t -q -e {d}/error.log -c {d}/nginx.conf")),
            reload: words(&format!("{NGINX} -s reload -e {d}/error.log -c {d}/nginx.conf")),
            ..files(dir.path(), Some("site.key"), None)
        },
        children(),
    )
    .unwrap();
    put_all(&server, &server.images(&binding(), &material(&old)).unwrap());
    let (_nginx, address) = start(dir.path());

    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    let prober = RustlsProber::new(Arc::clone(&clock));
    let cancelled = || false;
    let look = Look { clock: &*clock, cancelled: &cancelled, threads: 1, host: "here" };
    let task = |issued: &Issued, expectation: Expectation| EndpointTask {
        computer: "fe01".to_owned(),
        site: "Site".to_owned(),
        information: "127.0.0.1:443:".to_owned(),
        use_name: "Default".to_owned(),
        protocol: BindingProtocol::Https,
        endpoint: Some(address.clone()),
        server_name: Some("a.example".to_owned()),
        published_names: vec!["a.example".to_owned()],
        slots: vec![(Slot::Any, issued.leaf.clone())],
        roots: vec![authority.root.clone()],
        needs: Needs::default(),
        scope: None,
        loopback_is_whole: false,
        stopped: false,
        expectation,
    };
    let settings = ProofSettings { deadline: Duration::from_secs(10), ..ProofSettings::default() };
    let verdict = |task: EndpointTask, before: Option<&[Snapshot]>| {
        let proof = prove(&prober, &[task], before, &settings, &look).remove(0);
        (proof.verdict, proof.problem)
    };

    let change = task(&new, Expectation::Serves);
    let before = observe(&prober, std::slice::from_ref(&change), settings.probe_timeout, &look);
    let recorded = [old.leaf.fingerprint()];
    let controls = [Control { task: &change, before: &before[0], recorded: &recorded }];
    assert_eq!(negative_control(&controls).unwrap(), Vec::new());

    let before_images: Vec<_> =
        server.objects(&binding()).iter().map(|o| (o.clone(), server.read(o).unwrap().unwrap())).collect();
    put_all(&server, &server.images(&binding(), &material(&new)).unwrap());
    server.check().unwrap();
    server.activate().unwrap();
    assert_eq!(verdict(change, Some(&before)), (Verdict::Proven, None));

    // The key of the old one beside the new one: refused, and nothing changes for clients.
    let proven = observe(&prober, &[task(&new, Expectation::Serves)], settings.probe_timeout, &look).remove(0);
    put_all(&server, &before_images[..1]);
    let error = server.check().unwrap_err();
    assert!(error.id() == ErrorId::TestCommandFailed && error.message().contains("key values mismatch"), "{error}");
    assert_eq!(server.activate().unwrap_err().id(), ErrorId::ReloadFailed);
    let same = task(&new, Expectation::AsBefore(Box::new(proven)));
    assert_eq!(verdict(same, None), (Verdict::Proven, None));

    put_all(&server, &before_images);
    server.check().unwrap();
    server.activate().unwrap();
    let back = task(&old, Expectation::AsBefore(Box::new(before[0].clone())));
    assert_eq!(verdict(back, None), (Verdict::Proven, None));
}
