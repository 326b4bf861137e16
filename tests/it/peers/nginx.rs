//! A real nginx as the external site: proven swaps, and every way in which one can fail.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::openssl::{lies_in, served};
use super::{BRIEF, PATIENT, Running, World, fails, free, has, until};

/// A home whose external site is an nginx that runs and serves the first certificate of the home.
pub(super) struct Site {
    pub(super) world: World,
    pub(super) folder: PathBuf,
    pub(super) endpoint: String,
    /// What is served at first.
    pub(super) old: String,
    /// What is stored and serves nothing yet.
    pub(super) new: String,
    nginx: Option<Running>,
}

/// What the site's settings say where they are not the plain ones; `{d}` is its folder.
#[derive(Default)]
pub(super) struct Otherwise<'a> {
    pub(super) test: Option<&'a str>,
    pub(super) reload: Option<&'a str>,
    /// Added to the endpoints of the binding.
    pub(super) endpoint: Option<&'a str>,
    pub(super) deadline: Option<&'a str>,
}

impl Site {
    /// `None`, said aloud, where a program is missing.
    pub(super) fn start(test: &str) -> Option<Self> {
        if !has("nginx", test) || !has("openssl", test) {
            return None;
        }
        let world = World::new(PATIENT);
        let folder = world.path().join("nginx");
        fs::create_dir(&folder).unwrap();
        let (old, new) = (world.request(), world.request());
        // What nginx serves before certlet ever wrote its files.
        let d = folder.display();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=first",
            ])
            .args(["-keyout", &format!("{d}/site.key"), "-out", &format!("{d}/site.pem")])
            .output()
            .unwrap();
        assert!(made.status.success());
        let endpoint = free("127.0.0.1");
        let site = Self { nginx: Some(run(&folder, &endpoint)), world, folder, endpoint, old, new };
        site.world.external("host = \"nginx\"", "endpoint = []");
        site.declare(&Otherwise::default());
        site.world.set(&site.old).exits(0);
        assert_eq!(served(&site.endpoint), site.old);
        Some(site)
    }

    /// Writes the site's settings anew.
    pub(super) fn declare(&self, other: &Otherwise<'_>) {
        let path = self.world.path().join("certlet.toml");
        let text = fs::read_to_string(&path).unwrap();
        let (begin, end) = ("host = \"nginx\"", "[[site.binding]]");
        let from = text.find(begin).unwrap() + begin.len();
        let to = from + text[from..].find(end).unwrap();
        let d = self.folder.display();
        let nginx =
            |words: &str| format!("[\"nginx\", {words}, \"-e\", \"{d}/error.log\", \"-c\", \"{d}/nginx.conf\"]");
        let command =
            |own: Option<&str>, plain: &str| own.map_or_else(|| nginx(plain), |own| own.replace("{d}", &d.to_string()));
        let test = command(other.test, "\"-t\", \"-q\"");
        let reload = command(other.reload, "\"-s\", \"reload\"");
        let settings =
            format!("\ncertificate = \"nginx/site.pem\"\nkey = \"nginx/site.key\"\ntest = {test}\nreload = {reload}\n");
        let text = format!("{}{settings}{}", &text[..from], &text[to..]);
        let (begin, end) = ("use = \"WebServicesExternal\"\nendpoint = [", "]");
        let from = text.find(begin).unwrap() + begin.len();
        let to = from + text[from..].find(end).unwrap();
        let more = other.endpoint.map_or_else(String::new, |more| format!(", \"{more}\""));
        let text = format!("{}\"{}\"{more}{}", &text[..from], self.endpoint, &text[to..]);
        let at = text.find("deadline = \"").unwrap() + "deadline = \"".len();
        let after = at + text[at..].find('"').unwrap();
        let text = format!("{}{}{}", &text[..at], other.deadline.unwrap_or(PATIENT), &text[after..]);
        fs::write(path, text).unwrap();
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("site.pem")
    }

    /// Certificate and key as they lie there.
    pub(super) fn files(&self) -> (Vec<u8>, Vec<u8>) {
        (fs::read(self.certificate()).unwrap(), fs::read(self.folder.join("site.key")).unwrap())
    }

    /// Fails unless state, files and what is served are those of one certificate.
    #[track_caller]
    pub(super) fn is_wholly(&self, thumbprint: &str) {
        self.world.is_wholly(thumbprint);
        self.lies_there(thumbprint);
        assert_eq!(served(&self.endpoint), thumbprint);
    }

    #[track_caller]
    fn lies_there(&self, thumbprint: &str) {
        lies_in(&self.folder, thumbprint);
    }

    pub(super) fn kill(&mut self) {
        drop(self.nginx.take());
        let gone = || std::net::TcpStream::connect(&self.endpoint).is_err();
        until("nginx has ended", gone);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Also one that a reload command has started.
        if let Ok(pid) = fs::read_to_string(self.folder.join("nginx.pid")) {
            let _ = Command::new("kill").arg(pid.trim()).stderr(Stdio::null()).status();
        }
    }
}

fn run(folder: &Path, endpoint: &str) -> Running {
    let d = folder.display();
    let user = if fs::metadata(folder).unwrap().uid() == 0 { "user root; " } else { "" };
    let configuration = format!(
        "{user}worker_processes 1; daemon off; pid {d}/nginx.pid; error_log {d}/error.log info;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_body_temp_path {d}/t; proxy_temp_path {d}/t; fastcgi_temp_path {d}/t;\n\
         uwsgi_temp_path {d}/t; scgi_temp_path {d}/t;\n\
         server {{ listen {endpoint} ssl; server_name webpool01.contoso.com; ssl_protocols TLSv1.2 TLSv1.3;\n\
         ssl_certificate {d}/site.pem; ssl_certificate_key {d}/site.key; location / {{ return 200 \"ok\\n\"; }} }} }}\n"
    );
    fs::create_dir(folder.join("t")).unwrap();
    fs::write(folder.join("nginx.conf"), configuration).unwrap();
    start_again(folder, endpoint)
}

fn start_again(folder: &Path, endpoint: &str) -> Running {
    let d = folder.display();
    let mut command = Command::new("nginx");
    // Debian has it where the search path of a user does not look.
    command.env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin");
    let child = command
        .args(["-e", &format!("{d}/error.log"), "-c", &format!("{d}/nginx.conf")])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running::new(child);
    until("nginx listens", || std::net::TcpStream::connect(endpoint).is_ok());
    running
}

#[test]
fn a_swap_is_proven_and_openssl_agrees() {
    let Some(site) = Site::start("a_swap_is_proven_and_openssl_agrees") else { return };
    let ran = site.world.set(&site.new).exits(0);
    assert!(ran.objects().iter().all(|o| o["PreviousThumbprint"] == site.old.as_str()), "{ran:#?}");
    site.is_wholly(&site.new);
    let proofs = site.world.run("Test-TlsBinding -Type WebServicesExternal").exits(0).objects();
    assert_eq!((&proofs[0]["Verdict"], &proofs[0]["ActualThumbprint"]), (&"Proven".into(), &site.new.as_str().into()));
    assert_eq!(proofs[0]["Endpoint"], site.endpoint.as_str());
    // A second Set writes nothing.
    let (inode, files) = (fs::metadata(site.certificate()).unwrap().ino(), site.files());
    site.world.set(&site.new).exits(0);
    assert_eq!((fs::metadata(site.certificate()).unwrap().ino(), site.files()), (inode, files));
}

#[test]
fn an_nginx_that_was_not_told_is_told_by_the_next_set() {
    let Some(site) = Site::start("an_nginx_that_was_not_told_is_told_by_the_next_set") else { return };
    site.declare(&Otherwise { reload: Some("[\"/bin/true\"]"), deadline: Some(BRIEF), ..Otherwise::default() });
    let error = fails(site.world.set(&site.new), 3, "ProofFailed");
    assert_eq!(error["target"], site.endpoint.as_str());
    site.is_wholly(&site.old);
    site.declare(&Otherwise::default());
    site.world.set(&site.new).exits(0);
    site.is_wholly(&site.new);
    // The files are right and the program serves something else: somebody restarted it with other files.
    let new = site.files();
    site.world.set(&site.old).exits(0);
    fs::write(site.folder.join("site.pem"), &new.0).unwrap();
    fs::write(site.folder.join("site.key"), &new.1).unwrap();
    site.world.set(&site.old).exits(0);
    site.is_wholly(&site.old);
}

#[test]
fn a_reload_that_fails_is_put_back() {
    let Some(site) = Site::start("a_reload_that_fails_is_put_back") else { return };
    site.declare(&Otherwise { reload: Some("[\"/bin/false\"]"), deadline: Some(BRIEF), ..Otherwise::default() });
    let before = site.files();
    // It fails on the way back as well; but what is served was looked at, and is the old one.
    fails(site.world.set(&site.new), 3, "ReloadFailed");
    assert_eq!(site.files(), before);
    site.is_wholly(&site.old);
}

#[test]
fn a_test_that_fails_is_put_back_and_nothing_is_reloaded() {
    let Some(site) = Site::start("a_test_that_fails_is_put_back_and_nothing_is_reloaded") else { return };
    let reload = "[\"/bin/sh\", \"-c\", \"touch {d}/reloaded\"]";
    let test = "[\"/bin/sh\", \"-c\", \"echo no such thing >&2; exit 1\"]";
    site.declare(&Otherwise { test: Some(test), reload: Some(reload), ..Otherwise::default() });
    let before = site.files();
    let error = fails(site.world.set(&site.new), 3, "TestCommandFailed");
    assert!(error["message"].as_str().unwrap().contains("no such thing"), "{error}");
    assert_eq!(site.files(), before);
    site.is_wholly(&site.old);
}

#[test]
fn an_nginx_that_is_down_is_refused_and_nothing_changes() {
    let Some(mut site) = Site::start("an_nginx_that_is_down_is_refused_and_nothing_changes") else { return };
    site.kill();
    let before = site.files();
    fails(site.world.set(&site.new), 1, "EndpointDown");
    assert_eq!(site.files(), before);
    site.world.is_wholly(&site.old);
}

#[test]
fn an_nginx_killed_by_its_reload_needs_a_person() {
    let Some(site) = Site::start("an_nginx_killed_by_its_reload_needs_a_person") else { return };
    let reload = "[\"/bin/sh\", \"-c\", \"kill $(cat {d}/nginx.pid); sleep 0.3\"]";
    site.declare(&Otherwise { reload: Some(reload), deadline: Some(BRIEF), ..Otherwise::default() });
    fails(site.world.set(&site.new), 4, "UndoFailed");
    // The files and the rows are the old ones again all the same; nobody serves them.
    site.lies_there(&site.old);
    assert_eq!(super::openssl::look(&site.endpoint, "webpool01.contoso.com").map(|s| s.chain), None);
    site.world.is_wholly(&site.old);
}

#[test]
fn an_nginx_killed_by_its_reload_and_revived_by_the_next_is_put_back() {
    let Some(site) = Site::start("an_nginx_killed_by_its_reload_and_revived_by_the_next_is_put_back") else { return };
    // As a service manager does: the first call ends it, the second starts it.
    let reload = "[\"/bin/sh\", \"-c\", \"if [ -e {d}/ended ]; then nginx -e {d}/error.log -c {d}/nginx.conf >/dev/null 2>&1 & \
                  else touch {d}/ended; kill $(cat {d}/nginx.pid); sleep 0.3; fi\"]";
    site.declare(&Otherwise { reload: Some(reload), deadline: Some("6s"), ..Otherwise::default() });
    fails(site.world.set(&site.new), 3, "ProofFailed");
    site.is_wholly(&site.old);
}

#[test]
fn what_another_hand_mends_meanwhile_is_left_alone() {
    let Some(site) = Site::start("what_another_hand_mends_meanwhile_is_left_alone") else { return };
    let test = "[\"/bin/sh\", \"-c\", \"echo mended by hand > {d}/site.pem\"]";
    site.declare(&Otherwise { test: Some(test), ..Otherwise::default() });
    let before = site.files();
    let error = fails(site.world.set(&site.new), 4, "Contested");
    assert!(error["hints"].to_string().contains("site.pem"), "{error}");
    assert_eq!(fs::read_to_string(site.certificate()).unwrap(), "mended by hand\n");
    // Half a pair is no better than none: the key is left as well, and nginx was told nothing.
    assert_ne!(site.files().1, before.1);
    assert_eq!(served(&site.endpoint), site.old);
    assert_eq!(site.world.assigned(), vec![site.old.clone(); 3]);
    // The other sites were put back.
    assert_eq!(site.world.bound(), vec![site.old.clone(); 3]);
}

#[test]
fn owner_mode_and_symlinks_stay() {
    let Some(site) = Site::start("owner_mode_and_symlinks_stay") else { return };
    let real = site.folder.join("real");
    fs::create_dir(&real).unwrap();
    fs::rename(site.certificate(), real.join("current.pem")).unwrap();
    std::os::unix::fs::symlink("real/current.pem", site.certificate()).unwrap();
    let key = site.folder.join("site.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(real.join("current.pem"), fs::Permissions::from_mode(0o604)).unwrap();
    let is_root = fs::metadata(&key).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&key, Some(0), Some(33)).unwrap();
        std::os::unix::fs::chown(real.join("current.pem"), Some(33), Some(33)).unwrap();
    }
    let facts = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        (found.mode() & 0o7777, found.uid(), found.gid())
    };
    let before = (facts(&key), facts(&site.certificate()));
    let stays = || {
        assert_eq!((facts(&key), facts(&site.certificate())), before);
        assert_eq!(fs::read_link(site.certificate()).unwrap(), Path::new("real/current.pem"));
    };
    site.world.set(&site.new).exits(0);
    stays();
    site.is_wholly(&site.new);
    // And when it is put back.
    site.declare(&Otherwise { reload: Some("[\"/bin/true\"]"), deadline: Some(BRIEF), ..Otherwise::default() });
    fails(site.world.set(&site.old), 3, "ProofFailed");
    stays();
    site.is_wholly(&site.new);
}
