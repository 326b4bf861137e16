//! Server programs that read certificate files: nginx, Apache, hitch, stunnel, and any other.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::command::Children;
use super::{Image, Material, ObjectId, ObjectState, Server, owner};
use crate::error::{Error, ErrorId, Result};
use crate::model::{CertificateFiles, FileServer, SlotFiles};
use crate::state::BindingKey;
use crate::x509::{check_pair, pem, read_any};

/// Largest file that is read as a before-image, in bytes.
const MAX_LENGTH: u64 = 16 << 20;
/// Longest chain of symlinks that is followed.
const MAX_LINKS: usize = 40;
const SCHEME: &str = "file:";

/// A site of a program that reads certificate files when it is told to.
///
/// All bindings of the site are served with the same files, one set for each slot. A file is replaced through a
/// temporary one beside it, which has the final owner and mode before it has any content. Symlinks stay: what they point
/// to is replaced.
pub struct FilesServer {
    settings: FileServer,
    owner: Option<(Option<u32>, Option<u32>)>,
    children: Children,
}

impl FilesServer {
    /// Takes the declaration of a site, whose paths are absolute.
    ///
    /// # Errors
    /// `ConfigInvalid` when this system does not know the owner.
    pub fn new(settings: FileServer, children: Children) -> Result<Self> {
        let owner = settings.owner.as_deref().map(owner::resolve).transpose()?;
        Ok(Self { settings, owner, children })
    }

    fn files(&self, binding: &BindingKey) -> Option<&CertificateFiles> {
        self.settings.slots.iter().find(|s| s.slot == binding.slot).map(|s| &s.files)
    }

    /// The image of a file, with the owner and mode that it will have.
    fn image(&self, path: &Path, content: Zeroizing<Vec<u8>>, secret: bool) -> Result<Image> {
        let (metadata, target) = look_at(path)?;
        let present = metadata.as_ref().map(|m| m.mode() & 0o7777);
        let mode = if secret {
            // A key that everybody may read does not stay so.
            self.settings.mode.unwrap_or(present.map_or(0o600, |mode| mode & 0o7770))
        } else {
            present.unwrap_or(0o644)
        };
        let (uid, gid) = self.owner.unwrap_or_default();
        let present = match &metadata {
            Some(m) => (m.uid(), m.gid()),
            None => owner::of_this_process()?,
        };
        Ok(Image {
            content,
            secret,
            mode: Some(mode),
            owner: Some((uid.unwrap_or(present.0), gid.unwrap_or(present.1))),
            target,
        })
    }

    /// Compares key and certificate of a slot as they lie there; what is not there is not compared.
    fn check_files(files: &CertificateFiles) -> Result<()> {
        let Some(bytes) = read_file(&files.certificate)? else { return Ok(()) };
        let named = |e: Error, path: &Path| {
            Error::new(e.id(), format!("`{}`: {}", path.display(), e.message())).about(shown(path))
        };
        let contents = read_any(&bytes, None).map_err(|e| named(e, &files.certificate))?;
        let Some(leaf) = contents.certificates().first() else {
            let message = format!("`{}` holds no certificate", files.certificate.display());
            return Err(Error::new(ErrorId::KeyMismatch, message).about(shown(&files.certificate)));
        };
        let path = files.key.as_ref().unwrap_or(&files.certificate);
        let apart = match &files.key {
            Some(path) => match read_file(path)? {
                Some(bytes) => Some(read_any(&bytes, None).map_err(|e| named(e, path))?),
                None => None,
            },
            None => Some(contents.clone()),
        };
        let Some(key) = apart.as_ref().and_then(|c| c.keys().first()) else {
            let message = format!("`{}` holds no private key for `{}`", path.display(), files.certificate.display());
            return Err(Error::new(ErrorId::KeyMismatch, message).about(shown(path)));
        };
        check_pair(leaf, key).map_err(|e| named(e, path))
    }
}

impl Server for FilesServer {
    fn images(&self, binding: &BindingKey, material: &Material<'_>) -> Result<Vec<(ObjectId, Image)>> {
        check_pair(material.leaf, material.key)?;
        let files = self.files(binding).ok_or_else(|| {
            let message =
                format!("the site `{}` has no files for a certificate of the slot `{}`", binding.site, binding.slot);
            Error::new(ErrorId::BindingNotFound, message).about(binding.site.clone())
        })?;
        let mut images = Vec::new();
        if let Some(path) = &files.chain {
            let text = pem::encode_certificates(material.chain);
            images.push((object(path), self.image(path, Zeroizing::new(text.into_bytes()), false)?));
        }
        let key = material.key.to_pem()?;
        if let Some(path) = &files.key {
            images.push((object(path), self.image(path, Zeroizing::new(key.as_bytes().to_vec()), true)?));
        }
        let chain = if files.chain.is_some() { &[] } else { material.chain };
        let mut text =
            Zeroizing::new(pem::encode_certificates(std::iter::once(material.leaf).chain(chain)).into_bytes());
        if files.key.is_none() {
            // One allocation of the right size: growing would leave a copy of the key behind.
            let mut both = Zeroizing::new(Vec::with_capacity(text.len() + key.len()));
            both.extend_from_slice(&text);
            both.extend_from_slice(key.as_bytes());
            text = both;
        }
        images.push((object(&files.certificate), self.image(&files.certificate, text, files.key.is_none())?));
        Ok(images)
    }

    fn objects(&self, binding: &BindingKey) -> Vec<ObjectId> {
        let Some(files) = self.files(binding) else { return Vec::new() };
        files.chain.iter().chain(&files.key).chain([&files.certificate]).map(|path| object(path)).collect()
    }

    fn observe(&self, object: &ObjectId) -> Result<ObjectState> {
        Ok(self.read(object)?.map_or(ObjectState::Absent, |image| image.state()))
    }

    fn read(&self, object: &ObjectId) -> Result<Option<Image>> {
        let path = path_of(object)?;
        let Some(content) = read_file(path)? else { return Ok(None) };
        let (Some(metadata), target) = look_at(path)? else { return Ok(None) };
        let secret = content.windows(11).any(|w| w == b"PRIVATE KEY") || std::str::from_utf8(&content).is_err();
        let (mode, owner) = (Some(metadata.mode() & 0o7777), Some((metadata.uid(), metadata.gid())));
        Ok(Some(Image { content, secret, mode, owner, target }))
    }

    fn put(&self, object: &ObjectId, image: Option<&Image>) -> Result<()> {
        let path = path_of(object)?;
        match image {
            Some(image) => write(path, image).map_err(|e| not_written(path, e)),
            None => remove(path).map_err(|e| not_written(path, e)),
        }
    }

    fn activation(&self) -> String {
        if self.settings.test.is_empty() && self.settings.reload.is_empty() {
            return String::new();
        }
        format!("{} && {}", self.settings.test.join(" "), self.settings.reload.join(" "))
    }

    fn check(&self) -> Result<()> {
        self.children.run_unless_cancelled(&self.settings.test).map_err(|why| {
            if self.children.is_cancelled() {
                let message = format!("interrupted while the test command of `{}` ran", self.settings.preset);
                return Error::new(ErrorId::Interrupted, message);
            }
            Error::new(
                ErrorId::TestCommandFailed,
                format!("the test command of `{}` failed: {why}", self.settings.preset),
            )
        })?;
        // Apache's own test passes a key that does not fit, and its reload then ends the server.
        self.settings.slots.iter().try_for_each(|SlotFiles { files, .. }| Self::check_files(files))
    }

    fn activate(&self) -> Result<()> {
        self.children.run(&self.settings.reload).map_err(|why| {
            Error::new(ErrorId::ReloadFailed, format!("the reload command of `{}` failed: {why}", self.settings.preset))
        })
    }
}

fn object(path: &Path) -> ObjectId {
    ObjectId(format!("{SCHEME}{}", path.display()))
}

fn path_of(object: &ObjectId) -> Result<&Path> {
    let path = object.0.strip_prefix(SCHEME).map(Path::new).filter(|path| path.is_absolute());
    path.ok_or_else(|| {
        Error::new(ErrorId::PathNotAllowed, format!("`{}` names no file of a server program", object.0))
            .about(object.0.clone())
    })
}

/// The metadata of what a path leads to, and where its symlink points.
fn look_at(path: &Path) -> Result<(Option<fs::Metadata>, Option<String>)> {
    let target = fs::read_link(path).ok().map(|t| t.display().to_string());
    match fs::metadata(path) {
        Ok(metadata) => Ok((Some(metadata), target)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((None, target)),
        Err(error) => Err(not_read(path, error)),
    }
}

fn read_file(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(not_read(path, error)),
    };
    let length = file.metadata().map_err(|e| not_read(path, e))?.len();
    if length > MAX_LENGTH {
        let message = format!("`{}` has {length} bytes: no certificate file is that long", path.display());
        return Err(Error::new(ErrorId::BadCertificateFile, message).about(shown(path)));
    }
    // Of its full size at once: growing would leave copies of a key behind.
    let mut content = Zeroizing::new(Vec::with_capacity(length as usize + 1));
    file.take(MAX_LENGTH).read_to_end(&mut content).map_err(|e| not_read(path, e))?;
    Ok(Some(content))
}

/// The file behind a chain of symlinks, which need not be there.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its symlinks lead in a circle"))
}

fn write(path: &Path, image: &Image) -> io::Result<()> {
    if let Some(target) = &image.target {
        link(path, Path::new(target))?;
    }
    let path = behind_links(path)?;
    let folder = path.parent().ok_or(ErrorKind::NotFound)?;
    let mut temporary =
        tempfile::Builder::new().prefix(".certlet-").permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    if let Some((uid, gid)) = image.owner {
        chown(temporary.path(), Some(uid), Some(gid))?;
    }
    if let Some(mode) = image.mode {
        temporary.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    temporary.write_all(&image.content)?;
    temporary.as_file().sync_all()?;
    temporary.persist(&path).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}

/// Makes a path the symlink that it was.
fn link(path: &Path, target: &Path) -> io::Result<()> {
    if fs::read_link(path).is_ok_and(|there| there == target) {
        return Ok(());
    }
    let folder = path.parent().ok_or(ErrorKind::NotFound)?;
    let temporary = tempfile::Builder::new().prefix(".certlet-").make_in(folder, |at| symlink(target, at))?;
    temporary.persist(path).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    let path = behind_links(path)?;
    match fs::remove_file(&path) {
        Ok(()) => path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn not_read(path: &Path, error: io::Error) -> Error {
    let message = format!("`{}` cannot be read: {error}", path.display());
    Error::new(ErrorId::BadCertificateFile, message).about(shown(path)).because(error)
}

fn not_written(path: &Path, error: io::Error) -> Error {
    let id = if error.kind() == ErrorKind::StorageFull { ErrorId::DiskFull } else { ErrorId::FileNotWritable };
    Error::new(id, format!("`{}` cannot be written: {error}", path.display())).about(shown(path)).because(error)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
