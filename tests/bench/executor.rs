//! A proven change: what it takes above the server's own swap and the window in which it is watched.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use divan::Bencher;

use super::world::{USES, World, clean, engine, ran, request};

const NGINX: &str = "/usr/sbin/nginx";
/// How long each change is watched in these worlds.
const WINDOW: &str = "window = \"100ms\"";

/// Three endpoints of the built-in listener, 20 handshakes with each over 100 ms.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn set_on_the_listener(bencher: Bencher) {
    let world = World::new();
    declare(&world, |text| text);
    let home = world.home();
    home.start_serving().unwrap();
    let engine = engine(&home);
    let thumbprints = [request(&engine), request(&engine)];
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        engine.eval(&set(USES, &thumbprints[turn % 2])).unwrap()
    });
    home.stop_serving();
}

/// One endpoint of nginx: new files, `nginx -t`, reload, 20 handshakes over 100 ms.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn set_on_nginx(bencher: Bencher) {
    if !Path::new(NGINX).exists() {
        eprintln!("SKIPPED set_on_nginx: no `{NGINX}` here");
        return;
    }
    let world = World::new();
    let nginx = Nginx::start(&world.path().join("nginx"));
    declare(&world, |text| nginx.declare(&text));
    let engine = engine(&world.home());
    let thumbprints = [request(&engine), request(&engine)];
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        engine.eval(&set("WebServicesExternal", &thumbprints[turn % 2])).unwrap()
    });
}

/// What nginx itself takes: `nginx -t` and `nginx -s reload`, without waiting for the new workers.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn nginx_test_and_reload(bencher: Bencher) {
    if !Path::new(NGINX).exists() {
        eprintln!("SKIPPED nginx_test_and_reload: no `{NGINX}` here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let nginx = Nginx::start(&folder.path().join("nginx"));
    bencher.bench_local(|| {
        ran(clean(NGINX).args(["-t", "-q"]).args(nginx.words()));
        ran(clean(NGINX).args(["-s", "reload"]).args(nginx.words()))
    });
}

fn set(uses: &str, thumbprint: &str) -> String {
    format!("Set-CsCertificate -Type {uses} -Thumbprint {thumbprint} | Out-Null")
}

/// Changes `certlet.toml`, whose window becomes a short one.
fn declare(world: &World, change: impl Fn(String) -> String) {
    let path = world.path().join("certlet.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("window = \"500ms\""));
    fs::write(path, change(text.replace("window = \"500ms\"", WINDOW))).unwrap();
}

struct Nginx {
    folder: String,
    address: String,
    child: Child,
}

impl Nginx {
    /// Starts an nginx in a new folder, on a free port, with a certificate of its own making.
    fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("t")).unwrap();
        let d = folder.to_str().unwrap().to_owned();
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=first"];
        let files = ["-keyout", &format!("{d}/site.key"), "-out", &format!("{d}/site.pem")];
        ran(clean("openssl").args(["req", "-x509"]).args(key).args(files));
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let configuration = format!(
            "worker_processes 1; daemon off; pid {d}/nginx.pid; error_log {d}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; client_body_temp_path {d}/t; proxy_temp_path {d}/t; fastcgi_temp_path {d}/t;\n\
             uwsgi_temp_path {d}/t; scgi_temp_path {d}/t;\n\
             server {{ listen {address} ssl; ssl_certificate {d}/site.pem; ssl_certificate_key {d}/site.key; }} }}\n"
        );
        fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let mut nginx = clean(NGINX);
        let child = nginx.args(["-e", &format!("{d}/error.log"), "-c", &format!("{d}/nginx.conf")]).spawn().unwrap();
        let nginx = Self { folder: d, address, child };
        let begin = Instant::now();
        while std::net::TcpStream::connect(&nginx.address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }

    fn words(&self) -> [String; 4] {
        ["-e".to_owned(), format!("{}/error.log", self.folder), "-c".to_owned(), format!("{}/nginx.conf", self.folder)]
    }

    /// The external site of the sample as this nginx.
    fn declare(&self, text: &str) -> String {
        let d = &self.folder;
        let words = self.words().map(|word| format!("\"{word}\"")).join(", ");
        let (before, site) = text.split_once("name = \"Lync Server External Web Site\"").unwrap();
        let nginx = format!(
            "host = \"nginx\"\ncertificate = \"{d}/site.pem\"\nkey = \"{d}/site.key\"\n\
             test = [\"nginx\", \"-t\", \"-q\", {words}]\nreload = [\"nginx\", \"-s\", \"reload\", {words}]"
        );
        let endpoint = format!("endpoint = [\"{}\"]", self.address);
        let site =
            site.replacen("host = \"listener\"", &nginx, 1).replacen("endpoint = [\"127.0.0.1:0\"]", &endpoint, 1);
        format!("{before}name = \"Lync Server External Web Site\"{site}")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // TERM ends the workers too; KILL would leave them.
        let _ = clean("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
