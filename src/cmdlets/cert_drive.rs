//! The `Cert:` drive: what its paths name, and the certificates on it.

use std::any::Any;
use std::sync::OnceLock;

use super::records::RequestRecord;
use crate::command::{Column, Facts, FromValue, Kind, Property, Record, Value, Values, View};
use crate::error::{Error, ErrorId, Result};
use crate::format::like;
use crate::model::{Certificate, CertificateSelector, Fingerprint, Moment, Purpose};
use crate::session::{Session, find_certificate};
use crate::state::{CertificateQuery, CertificateRow, Listed, RequestRow, RequestStatus, Store};

/// The stores below `Cert:\LocalMachine`, in the order in which they are listed.
pub(super) const STORES: [StoreName; 4] =
    [StoreName::Of(Store::My), StoreName::Of(Store::Ca), StoreName::Of(Store::Root), StoreName::Request];

/// A store as the drive names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreName {
    /// A store of certificates.
    Of(Store),
    /// `REQUEST`: what was asked of authorities and is not answered.
    Request,
}

impl StoreName {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Of(store) => store.name(),
            Self::Request => "REQUEST",
        }
    }
}

/// A place on the drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DrivePath {
    /// `Cert:\`.
    Root,
    /// `Cert:\LocalMachine`.
    Machine,
    /// `Cert:\LocalMachine\My`.
    Store(StoreName),
    /// `Cert:\LocalMachine\My\466D…`: the last word as it was written, a thumbprint or a pattern.
    Item(StoreName, String),
}

/// How the drive is named: in paths that are typed, and in the paths that objects carry.
const DRIVE: &str = "Cert:";
const PROVIDER: &str = r"Microsoft.PowerShell.Security\Certificate::";

impl DrivePath {
    /// Reads a path; `\` and `/` part its words, upper and lower case are the same.
    ///
    /// # Errors
    /// `PathNotFound` for what is not on the drive, with what is.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let Some(rest) = on_drive(text) else {
            return Err(not_found(text, "it is not on the `Cert:` drive")
                .hint(r"write `Cert:\LocalMachine\My`, and `\THUMBPRINT` behind it for one certificate"));
        };
        let words: Vec<&str> = rest.split(['\\', '/']).map(str::trim).filter(|word| !word.is_empty()).collect();
        let Some(location) = words.first() else { return Ok(Self::Root) };
        if location.eq_ignore_ascii_case("CurrentUser") {
            return Err(not_found(text, "certificates are kept for the machine, not for its users")
                .hint(r"`Get-ChildItem Cert:\LocalMachine\My` lists the personal store"));
        }
        if !location.eq_ignore_ascii_case("LocalMachine") {
            return Err(not_found(text, &format!("`{location}` is no location: `LocalMachine` is the only one")));
        }
        let Some(store) = words.get(1) else { return Ok(Self::Machine) };
        let Some(known) = STORES.into_iter().find(|known| known.name().eq_ignore_ascii_case(store)) else {
            let names: Vec<&str> = STORES.iter().map(|known| known.name()).collect();
            return Err(not_found(text, &format!("`{store}` is no store: there are {}", names.join(", "))));
        };
        match words.get(2..).unwrap_or_default() {
            [] => Ok(Self::Store(known)),
            [item] => Ok(Self::Item(known, (*item).to_owned())),
            _ => Err(not_found(text, "nothing stands below a certificate")),
        }
    }
}

/// What stands behind the name of the drive; `None` for a path that is elsewhere.
pub(super) fn on_drive(text: &str) -> Option<&str> {
    let text = text.trim();
    [DRIVE, PROVIDER].iter().find_map(|name| {
        text.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &text[name.len()..])
    })
}

fn not_found(path: &str, why: &str) -> Error {
    Error::new(ErrorId::PathNotFound, format!("there is no `{path}`: {why}")).about(path)
}

/// Which certificates of a store are wanted, beside the place.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// A name, or a pattern with `*`, lower case.
    pub(super) name: Option<String>,
    /// Purposes, each by its identifier or by a pattern of its name; one must fit.
    pub(super) purposes: Vec<String>,
    /// The last end of validity.
    pub(super) ends_by: Option<Moment>,
    pub(super) for_servers: bool,
}

impl Filter {
    /// Whether only the certificate itself, and not its row, can tell.
    fn needs_parsing(&self) -> bool {
        self.for_servers || !self.purposes.is_empty()
    }

    fn admits(&self, certificate: &Certificate) -> bool {
        let fits = |purpose: &Purpose| {
            // `Server Authentication (1.3.6.1.5.5.7.3.1)`
            let shown = purpose.to_string();
            let name = shown.split(" (").next().unwrap_or_default();
            self.purposes.iter().any(|wanted| purpose.oid() == wanted.trim() || like(name, wanted.trim()))
        };
        (!self.for_servers || certificate.allows(&Purpose::ServerAuth))
            && (self.purposes.is_empty() || certificate.purposes().unwrap_or_default().iter().any(fits))
    }
}

/// Walks through a store in the order of the ends of validity.
///
/// # Errors
/// `StoreUnavailable`, and those of `each`.
pub(super) fn each_in(
    session: &Session,
    store: Store,
    filter: &Filter,
    each: &mut dyn FnMut(StoreItem) -> Result<()>,
) -> Result<()> {
    let query = CertificateQuery {
        store: Some(store),
        ends_by: filter.ends_by,
        name: filter.name.clone(),
        ..CertificateQuery::default()
    };
    if !filter.needs_parsing() {
        return session.each_listed(&query, &mut |listed| each(StoreItem::listed(session, listed)));
    }
    session.each_certificate(&query, &mut |fingerprint, row| {
        let item = StoreItem::new(session, fingerprint, row);
        // What cannot be read has no purpose.
        if item.certificate().is_some_and(|c| filter.admits(c)) { each(item) } else { Ok(()) }
    })
}

/// The certificates that the last word of a path names: one, or those that a pattern fits.
///
/// # Errors
/// `PathNotFound`, `AmbiguousThumbprint`, `StoreUnavailable`, and those of `each`.
pub(super) fn each_named(
    session: &Session,
    store: Store,
    word: &str,
    each: &mut dyn FnMut(StoreItem) -> Result<()>,
) -> Result<()> {
    if word.contains(['*', '?']) {
        return each_in(session, store, &Filter::default(), &mut |item| {
            if like(&item.listed.thumbprint.to_string(), word) { each(item) } else { Ok(()) }
        });
    }
    let path = format!(r"Cert:\LocalMachine\{}\{word}", store.name());
    let selector: CertificateSelector = word.parse().map_err(|e: Error| not_found(&path, e.message()))?;
    match find_certificate(session, &selector) {
        Ok((fingerprint, row)) if row.store == store => each(StoreItem::new(session, fingerprint, row)),
        Ok((_, row)) => Err(not_found(&path, &format!("that certificate stands in `{}`", row.store.name()))
            .hint(format!(r"`Get-Item Cert:\LocalMachine\{}\{word}` shows it", row.store.name()))),
        Err(error) if error.id() == ErrorId::CertificateNotFound => {
            Err(not_found(&path, "no certificate of the store has this thumbprint")
                .hint(format!(r"`Get-ChildItem Cert:\LocalMachine\{}` lists them", store.name())))
        }
        Err(error) => Err(error),
    }
}

/// The requests that wait for their answer; one, by its local id.
///
/// # Errors
/// `PathNotFound`, `StoreUnavailable`.
pub(super) fn waiting(session: &Session, word: Option<&str>) -> Result<Vec<RequestRecord>> {
    let waits = |r: &RequestRow| matches!(r.status, RequestStatus::Pending | RequestStatus::Submitting);
    let is_named = |r: &RequestRow| word.is_none_or(|w| w == "*" || w == r.id.to_string());
    let requests = session.state()?.requests()?;
    let found: Vec<RequestRecord> =
        requests.iter().filter(|r| waits(r) && is_named(r)).map(RequestRecord::of).collect();
    match word {
        Some(word) if found.is_empty() && word != "*" => {
            Err(not_found(&format!(r"Cert:\LocalMachine\REQUEST\{word}"), "no request that waits has this id")
                .hint("`Request-CsCertificate -List` lists the requests with their ids"))
        }
        _ => Ok(found),
    }
}

/// A certificate of a store: shown out of what lists show of it, its row and itself read only when a property asks for
/// that.
pub(super) struct StoreItem {
    session: Session,
    pub(super) listed: Listed,
    row: OnceLock<Option<CertificateRow>>,
    parsed: OnceLock<Option<Certificate>>,
    has_key: OnceLock<Option<bool>>,
}

impl StoreItem {
    pub(super) fn new(session: &Session, fingerprint: Fingerprint, row: CertificateRow) -> Self {
        let listed = Listed::of(fingerprint, &row);
        Self { row: OnceLock::from(Some(row)), ..Self::listed(session, listed) }
    }

    /// One of which no more was read than a list shows.
    fn listed(session: &Session, listed: Listed) -> Self {
        Self {
            session: session.clone(),
            listed,
            row: OnceLock::new(),
            parsed: OnceLock::new(),
            has_key: OnceLock::new(),
        }
    }

    /// One of which it is known whether its key is stored.
    pub(super) fn with_key(session: &Session, fingerprint: Fingerprint, row: CertificateRow, has_key: bool) -> Self {
        Self { has_key: OnceLock::from(Some(has_key)), ..Self::new(session, fingerprint, row) }
    }

    /// Its row; `None` where it was taken out of the store since it was listed.
    pub(super) fn row(&self) -> Option<&CertificateRow> {
        self.row.get_or_init(|| self.session.stored(&self.listed.fingerprint).ok().flatten()).as_ref()
    }

    fn certificate(&self) -> Option<&Certificate> {
        self.parsed.get_or_init(|| self.session.certificate_of(self.row()?).ok()).as_ref()
    }

    fn of_row(&self, value: impl FnOnce(&CertificateRow) -> Value) -> Value {
        self.row().map(value).unwrap_or_default()
    }

    fn of_certificate(&self, value: impl FnOnce(&Certificate) -> Value) -> Value {
        self.certificate().map(value).unwrap_or_default()
    }
}

/// The kind of [`StoreItem`].
pub(super) static STORE_ITEM: Kind = Kind::new(
    "X509Certificate2",
    const {
        &[
            Property::new("Thumbprint"),
            Property::new("Subject"),
            Property::new("Issuer"),
            Property::new("NotBefore"),
            Property::new("NotAfter"),
            Property::new("SerialNumber"),
            Property::new("FriendlyName"),
            Property::new("HasPrivateKey"),
            Property::new("DnsNameList"),
            Property::new("EnhancedKeyUsageList"),
            Property::hidden("AlternativeNames"),
            Property::hidden("KeyAlgorithm"),
            Property::hidden("KeySize"),
            Property::hidden("KeyUsage"),
            Property::hidden("SignatureAlgorithm"),
            Property::hidden("DaysLeft"),
            Property::hidden("Store"),
            Property::hidden("Origin"),
            Property::hidden("Added"),
            Property::hidden("Banned"),
            Property::hidden("Fingerprint"),
            Property::hidden("PSPath"),
            Property::hidden("PSParentPath"),
        ]
    },
    View::Table(const { &[Column { property: "Thumbprint", heading: "", width: 41 }, Column::of("Subject")] }),
);

impl Record for StoreItem {
    fn kind(&self) -> &Kind {
        &STORE_ITEM
    }

    fn value(&self, index: usize) -> Value {
        let listed = &self.listed;
        match index {
            0 => Value::from(listed.thumbprint.to_string()),
            1 => Value::text(&listed.subject),
            2 => self.of_row(|row| Value::text(&row.issuer)),
            3 => self.of_row(|row| row.not_before.into()),
            4 => listed.not_after.into(),
            5 => self.of_row(|row| Value::text(&row.serial)),
            6 => self.of_row(|row| Value::text(&row.friendly_name)),
            7 => (*self.has_key.get_or_init(|| self.session.has_key(self.row()?).ok())).into(),
            8 => self.of_row(|row| Value::list(row.names.iter().map(Value::text))),
            9 => self.of_certificate(|c| {
                Value::list(c.purposes().unwrap_or_default().iter().map(|p| Value::from(p.to_string())))
            }),
            10 => {
                self.of_certificate(|c| Value::list(c.alternative_names().iter().map(|n| Value::from(n.to_string()))))
            }
            11 => self.of_certificate(|c| Value::text(c.key_algorithm_name())),
            12 => self.of_certificate(|c| i64::from(c.key_bits()).into()),
            13 => self.of_certificate(|c| Value::optional_text(c.key_usage().map(|u| u.to_string()))),
            14 => self.of_certificate(|c| Value::text(c.signature_algorithm())),
            15 => listed.not_after.since(self.session.now()).div_euclid(86_400).into(),
            16 => listed.store.name().into(),
            17 => self.of_row(|row| Value::text(&row.origin)),
            18 => self.of_row(|row| row.added.into()),
            19 => self.of_row(|row| Value::optional_text(row.banned.as_ref())),
            20 => Value::from(listed.fingerprint.to_string()),
            21 => Value::from(format!(r"{PROVIDER}LocalMachine\{}\{}", listed.store.name(), listed.thumbprint)),
            22 => Value::from(format!(r"{PROVIDER}LocalMachine\{}", listed.store.name())),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.listed.thumbprint.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A folder of the drive: a location or a store.
pub(super) struct StoreFolder {
    name: &'static str,
    parent: &'static str,
}

impl StoreFolder {
    pub(super) const MACHINE: Self = Self { name: "LocalMachine", parent: "" };

    pub(super) fn of(store: StoreName) -> Self {
        Self { name: store.name(), parent: r"LocalMachine\" }
    }
}

static STORE_FOLDER: Kind =
    Kind::new("X509Store", const { &[Property::new("Name"), Property::hidden("PSPath")] }, View::ByCount);

impl Record for StoreFolder {
    fn kind(&self) -> &Kind {
        &STORE_FOLDER
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => self.name.into(),
            1 => Value::from(format!("{PROVIDER}{}{}", self.parent, self.name)),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.name.to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A stored certificate as a parameter takes it: a thumbprint, a path of the drive, or an object that has a thumbprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredCertificate(String);

impl StoredCertificate {
    /// Finds it.
    ///
    /// # Errors
    /// `CertificateNotFound`, `PathNotFound`, `AmbiguousThumbprint`.
    pub(super) fn find(&self, session: &Session) -> Result<(Fingerprint, CertificateRow)> {
        if on_drive(&self.0).is_none() {
            return find_certificate(session, &self.0.parse()?);
        }
        match DrivePath::parse(&self.0)? {
            DrivePath::Item(StoreName::Of(store), word) if !word.contains(['*', '?']) => {
                let mut found = None;
                each_named(session, store, &word, &mut |item| {
                    found = item.row().cloned().map(|row| (item.listed.fingerprint, row));
                    Ok(())
                })?;
                found.ok_or_else(|| not_found(&self.0, "no certificate of the store has this thumbprint"))
            }
            _ => Err(not_found(&self.0, "it names no single certificate")
                .hint(r"`Get-ChildItem Cert:\LocalMachine\My` lists them; pipe those that you mean")),
        }
    }
}

impl FromValue for StoredCertificate {
    const TYPE: &'static str = "Certificate";
    const VALUES: Values = Values::Thumbprints;

    fn from_value(value: &Value, facts: &dyn Facts) -> Result<Self> {
        match value {
            // The fingerprint is never ambiguous.
            Value::Object(_) => {
                let digest = value.property("Fingerprint").or_else(|| value.property("Thumbprint"));
                let digest = digest.filter(|digest| !digest.is_null());
                Self::from_value(&digest.ok_or_else(|| crate::command::cannot_convert(value, Self::TYPE))?, facts)
            }
            other => {
                let text = String::from_value(other, facts)?;
                if on_drive(&text).is_none() {
                    text.parse::<CertificateSelector>()?;
                }
                Ok(Self(text))
            }
        }
    }

    fn normalise(value: &Value, facts: &dyn Facts) -> Result<Value> {
        Self::from_value(value, facts).map(|found| Value::from(found.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_read_as_windows_reads_them() {
        let my = StoreName::Of(Store::My);
        for (text, path) in [
            ("Cert:", DrivePath::Root),
            (r"cert:\", DrivePath::Root),
            (r"CERT:\localmachine", DrivePath::Machine),
            (r"Cert:\LocalMachine\My", DrivePath::Store(my)),
            ("cert:/localmachine/my/", DrivePath::Store(my)),
            (r"Cert:\LocalMachine\CA", DrivePath::Store(StoreName::Of(Store::Ca))),
            (r"Cert:\LocalMachine\root", DrivePath::Store(StoreName::Of(Store::Root))),
            (r"Cert:\LocalMachine\Request", DrivePath::Store(StoreName::Request)),
            (r"Cert:\LocalMachine\My\00", DrivePath::Item(my, "00".into())),
            (r"Microsoft.PowerShell.Security\Certificate::LocalMachine\My", DrivePath::Store(my)),
        ] {
            assert_eq!(DrivePath::parse(text).unwrap(), path, "{text}");
        }
        for text in [
            "",
            "My",
            r"C:\LocalMachine\My",
            "Certs:",
            r"Cert:\CurrentUser\My",
            r"Cert:\Everyone",
            r"Cert:\LocalMachine\WebHosting",
            r"Cert:\LocalMachine\..\My",
            r"Cert:\LocalMachine\My\00\00",
        ] {
            assert_eq!(DrivePath::parse(text).unwrap_err().id(), ErrorId::PathNotFound, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_not_found(text in "(Cert:|cert:|LocalMachine|CurrentUser|My|CA|\\\\|/|[0-9A-F]{2}|\\PC){0,8}") {
            match DrivePath::parse(&text) {
                Err(error) => prop_assert_eq!(error.id(), ErrorId::PathNotFound),
                Ok(path) => {
                    let again = match &path {
                        DrivePath::Root => DRIVE.to_owned(),
                        DrivePath::Machine => r"Cert:\LocalMachine".to_owned(),
                        DrivePath::Store(store) => format!(r"Cert:\LocalMachine\{}", store.name()),
                        DrivePath::Item(store, word) => format!(r"Cert:\LocalMachine\{}\{word}", store.name()),
                    };
                    prop_assert_eq!(DrivePath::parse(&again).unwrap(), path);
                }
            }
        }
    }
}
