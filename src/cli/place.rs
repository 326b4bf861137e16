//! Which home folder a run works in, opened when a verb first needs it.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::secrets::SystemSecrets;
use super::system;
use super::terminal::Terminal;
use crate::ca::{Authority, KeyStore};
use crate::command::Cancel;
use crate::config::sample::{Sample, files};
use crate::config::{Home, HomeOptions};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, ChainTo, Clock, Topology};
use crate::probe::{Prober, ProofSettings};
use crate::session::{Nowhere, Policy, Site, World};
use crate::state::State;

/// The home of a run, or the want of one; nothing is read before a verb asks.
pub(super) struct Place {
    /// Where the home is, if any place was named or is usual here.
    dir: Option<PathBuf>,
    sample: Option<Sample>,
    lease_wait: Duration,
    clock: Arc<dyn Clock>,
    terminal: Arc<Terminal>,
    cancel: Cancel,
    opened: OnceLock<Result<Arc<Home>>>,
    nowhere: Nowhere,
}

impl Place {
    /// The home in a folder; a throw-away sample world is made in it when `sample` says so.
    pub(super) fn new(
        dir: Option<PathBuf>,
        sample: Option<Sample>,
        lease_wait: Duration,
        clock: Arc<dyn Clock>,
        terminal: Arc<Terminal>,
        cancel: Cancel,
    ) -> Self {
        let nowhere = Nowhere { looked_at: dir.iter().cloned().collect(), folder: PathBuf::new() };
        Self { dir, sample, lease_wait, clock, terminal, cancel, opened: OnceLock::new(), nowhere }
    }

    /// The folder of the home, whether it is one already or not.
    ///
    /// # Errors
    /// `NoHome` where neither an option nor the environment names a place.
    pub(super) fn dir(&self) -> Result<&Path> {
        self.dir.as_deref().ok_or_else(|| {
            Error::new(
                ErrorId::NoHome,
                "no home folder: `--home`, `CERTLET_HOME`, `XDG_DATA_HOME` and `HOME` are all unset",
            )
        })
    }

    /// The home.
    ///
    /// # Errors
    /// `NoHome`, `HomeNotPrivate`; those of the making of a sample world.
    pub(super) fn home(&self) -> Result<&Arc<Home>> {
        self.opened.get_or_init(|| self.open()).as_ref().map_err(Clone::clone)
    }

    fn open(&self) -> Result<Arc<Home>> {
        let Some(dir) = &self.dir else { return Err(self.no_home()) };
        if let Some(sample) = &self.sample {
            write_files(dir, sample)?;
            let home = self.home_in(dir);
            home.populate_sample(&self.clock)?;
            return Ok(home);
        }
        if !dir.join("certlet.toml").try_exists().unwrap_or(true) {
            return Err(self.no_home());
        }
        make_private(dir, &self.terminal)?;
        Ok(self.home_in(dir))
    }

    fn home_in(&self, dir: &Path) -> Arc<Home> {
        let user = system::user();
        let options = HomeOptions {
            // A folder of somebody else's is refused, so that owner and user are one.
            owner: user.clone(),
            user,
            machine: system::machine(),
            secrets: Arc::new(SystemSecrets),
            lease_wait: self.lease_wait,
            label: World::label(self),
            on_step: None,
        };
        let cancel = self.cancel.clone();
        Arc::new(Home::new(dir, options, Arc::clone(&self.clock)).heeding(move || cancel.is_cancelled()))
    }

    /// Writes a first configuration; of a sample its first certificate too. The names of the files.
    ///
    /// # Errors
    /// `FileNotWritable` where a file of the name is there already, `HomeNotPrivate`.
    pub(super) fn init(&self, sample: &Sample) -> Result<Vec<&'static str>> {
        let dir = self.dir()?;
        if let Ok(found) = fs::metadata(dir)
            && (found.mode() & 0o1000 != 0
                || system::variable("HOME").is_some_and(|home| home == dir)
                || dir.parent().is_none())
        {
            return Err(Error::new(
                ErrorId::HomeNotPrivate,
                format!("`{}` is used for other things too", dir.display()),
            )
            .about(dir.display().to_string())
            .hint("name a folder of its own: `certlet --home DIR init`"));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| cannot_write(dir, e))?;
        make_private(dir, &self.terminal)?;
        let written = write_files(dir, sample)?;
        if !matches!(sample, Sample::Plain { .. }) {
            self.home_in(dir).populate_sample(&self.clock)?;
        }
        Ok(written)
    }

    fn no_home(&self) -> Error {
        match self.nowhere.policy() {
            Err(error) => error,
            Ok(_) => Error::new(ErrorId::NoHome, "no home folder"),
        }
    }
}

/// The home folder that an option or the environment names: `--home`, `CERTLET_HOME`, the XDG data folder.
pub(super) fn resolve(option: Option<&Path>) -> Option<PathBuf> {
    if let Some(dir) = option {
        return Some(dir.to_owned());
    }
    if let Some(dir) = system::variable("CERTLET_HOME") {
        return Some(dir);
    }
    // The XDG base directory specification has relative paths ignored.
    let data = system::variable("XDG_DATA_HOME").filter(|dir| dir.is_absolute());
    let data = data.or_else(|| system::variable("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("certlet"))
}

/// Takes the rights of group and others from a folder of one's own.
fn make_private(dir: &Path, terminal: &Terminal) -> Result<()> {
    let shown = dir.display().to_string();
    let not_private = |message: String| Error::new(ErrorId::HomeNotPrivate, message).about(shown.clone());
    let found =
        fs::metadata(dir).map_err(|e| not_private(format!("the home folder `{shown}` cannot be read")).because(e))?;
    if found.uid() != system::user_id() {
        return Err(not_private(format!("the home folder `{shown}` belongs to somebody else"))
            .hint("run certlet as its owner, or name a folder of your own with `--home`"));
    }
    let mode = found.mode() & 0o777;
    if mode & !0o700 == 0 {
        return Ok(());
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(mode & 0o700)).map_err(|e| {
        not_private(format!("the home folder `{shown}` has mode {mode:04o} and cannot be made private")).because(e)
    })?;
    terminal.note(&format!("`{shown}` had mode {mode:04o}: now only its owner can open it"));
    Ok(())
}

/// Writes the files of a first configuration, each whole or not at all, `certlet.toml` last.
fn write_files(dir: &Path, sample: &Sample) -> Result<Vec<&'static str>> {
    let mut files = files(sample);
    files.sort_by_key(|(name, _)| *name == "certlet.toml");
    for (name, _) in files.iter().rev() {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(is_there(&path));
        }
    }
    for (name, text) in &files {
        let path = dir.join(name);
        let file = tempfile::NamedTempFile::new_in(dir).map_err(|e| cannot_write(dir, e))?;
        fs::write(file.path(), text).and_then(|()| file.as_file().sync_all()).map_err(|e| cannot_write(&path, e))?;
        file.persist_noclobber(&path).map_err(|e| match e.error.kind() {
            std::io::ErrorKind::AlreadyExists => is_there(&path),
            _ => cannot_write(&path, e.error),
        })?;
    }
    fs::File::open(dir).and_then(|folder| folder.sync_all()).map_err(|e| cannot_write(dir, e))?;
    Ok(files.iter().map(|(name, _)| *name).collect())
}

fn is_there(path: &Path) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorId::FileNotWritable, format!("`{shown}` is there already, and `init` overwrites nothing"))
        .about(shown)
        .hint("edit it, or name another folder: `certlet --home DIR init`")
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    let shown = path.display().to_string();
    let id = if error.kind() == std::io::ErrorKind::StorageFull { ErrorId::DiskFull } else { ErrorId::FileNotWritable };
    Error::new(id, format!("`{shown}` cannot be written")).about(shown).because(error)
}

impl World for Place {
    fn state(&self) -> Result<Arc<dyn State>> {
        self.home()?.state()
    }

    fn existing_state(&self) -> Option<Arc<dyn State>> {
        self.home().ok()?.existing_state()
    }

    fn keys(&self) -> Result<Arc<dyn KeyStore>> {
        self.home()?.keys()
    }

    fn topology(&self) -> Result<Arc<Topology>> {
        self.home()?.topology()
    }

    fn authorities(&self) -> Result<Vec<Arc<dyn Authority>>> {
        self.home()?.authorities()
    }

    fn sites(&self) -> Result<Vec<Arc<Site>>> {
        self.home()?.sites()
    }

    fn roots(&self, clients: &ChainTo) -> Result<Vec<Certificate>> {
        self.home()?.roots(clients)
    }

    fn crls(&self) -> Result<Vec<Vec<u8>>> {
        self.home()?.crls()
    }

    fn policy(&self) -> Result<Policy> {
        self.home()?.policy()
    }

    fn prober(&self) -> Option<Arc<dyn Prober>> {
        self.home().ok()?.prober()
    }

    fn proof(&self) -> Result<ProofSettings> {
        // A look at a server of somebody's needs no home.
        match self.home() {
            Err(error) if error.id() == ErrorId::NoHome => self.nowhere.proof(),
            home => home?.proof(),
        }
    }

    fn resolve_path(&self, path: &str) -> Result<PathBuf> {
        match self.home() {
            Err(error) if error.id() == ErrorId::NoHome => self.nowhere.resolve_path(path),
            home => home?.resolve_path(path),
        }
    }

    fn lease_wait(&self) -> Duration {
        self.lease_wait
    }

    fn recover_max_age(&self) -> Duration {
        self.home().map_or(Duration::from_secs(3600), |home| home.recover_max_age())
    }

    fn proof_max_age(&self) -> Duration {
        self.home().map_or(Duration::from_secs(24 * 3600), |home| home.proof_max_age())
    }

    fn label(&self) -> Option<String> {
        self.sample.as_ref().map(|_| "[sample]".to_owned())
    }

    fn on_step(&self, step: &str) {
        if let Ok(home) = self.home() {
            home.on_step(step);
        }
    }

    fn after_commit(&self) -> Result<()> {
        self.home()?.after_commit()
    }
}
