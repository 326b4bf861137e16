//! What is to be proven of an endpoint, and how long it may take.

use std::time::Duration;

use crate::model::{
    AskedName, BindingAddress, BindingInformation, BindingProtocol, Certificate, Clock, Endpoint, Fingerprint,
    KeyFamily, Needs, ProofScope, Snapshot, TlsVersion,
};
use crate::state::Slot;

/// How many published names are asked for at one endpoint.
pub const NAME_LIMIT: usize = 100;

/// A host name that nobody has (RFC 2606), for the handshake with an unknown server name.
pub(super) const UNKNOWN_NAME: &str = "no-such-site.invalid";

/// One endpoint of one binding, and what handshakes with it must show.
#[derive(Clone, Debug)]
pub struct EndpointTask {
    /// The computer, lower case.
    pub computer: String,
    /// The site's name.
    pub site: String,
    /// `IP:port:host`.
    pub information: String,
    /// The use whose certificate belongs here; may be empty.
    pub use_name: String,
    /// What is spoken there.
    pub protocol: BindingProtocol,
    /// `host:port` to connect to; `None` when the binding declares none.
    pub endpoint: Option<String>,
    /// The server name to send first; `None` sends none.
    pub server_name: Option<String>,
    /// The names published on the binding; those beyond [`NAME_LIMIT`] make the proof partial.
    pub published_names: Vec<String>,
    /// The certificates that are to be served.
    pub slots: Vec<(Slot, Certificate)>,
    /// The roots that the use's clients have.
    pub roots: Vec<Certificate>,
    /// What a certificate of the use must be like.
    pub needs: Needs,
    /// What is to be proven; `None` is everything, an empty list nothing.
    pub scope: Option<Vec<ProofScope>>,
    /// Whether a loopback probe is the whole proof, because the server listens nowhere else.
    pub loopback_is_whole: bool,
    /// Whether the site is declared as stopped: it is not probed.
    pub stopped: bool,
    /// What is expected.
    pub expectation: Expectation,
}

/// What is expected of an endpoint.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// The certificates of the task's slots, and no others.
    Serves,
    /// No certificate at all.
    ServesNothing,
    /// Just what was observed before.
    AsBefore(Box<Snapshot>),
}

/// How hard a proof is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofSettings {
    /// So many matching handshakes in a row …
    pub matches: u32,
    /// … over this time at least.
    pub window: Duration,
    /// Within which an endpoint must have settled.
    pub deadline: Duration,
    /// Within which a handshake must be over.
    pub probe_timeout: Duration,
    /// How late the clocks of clients may be, in whole seconds: no certificate is deployed sooner after its begin.
    pub skew: Duration,
}

impl Default for ProofSettings {
    fn default() -> Self {
        Self {
            matches: 20,
            window: Duration::from_millis(500),
            deadline: Duration::from_secs(15),
            probe_timeout: Duration::from_secs(5),
            skew: Duration::from_secs(300),
        }
    }
}

/// Who looks: the clock, when to end, how many endpoints at once, and from which computer.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// Dates, deadlines and pauses.
    pub clock: &'a dyn Clock,
    /// Whether the run is to end.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// How many endpoints are looked at side by side; at least one.
    pub threads: usize,
    /// The computer from which is looked, for the evidence.
    pub host: &'a str,
}

impl Look<'_> {
    /// Waits, in slices of 40 ms so that cancellation is noticed.
    pub(super) fn pause(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !(self.cancelled)() {
            let slice = left.min(Duration::from_millis(40));
            self.clock.sleep(slice);
            left -= slice;
        }
    }
}

impl EndpointTask {
    /// Why nothing is proven here at all, if so.
    pub(super) fn not_applicable(&self) -> Option<String> {
        if !self.protocol.is_secure() {
            return Some("the binding does not speak TLS".to_owned());
        }
        if self.scope.as_ref().is_some_and(Vec::is_empty) {
            return Some("the binding declares that nothing is to be proven (`prove = []`)".to_owned());
        }
        if matches!(self.expectation, Expectation::Serves) && self.slots.is_empty() {
            return Some("no certificate is assigned here".to_owned());
        }
        None
    }

    /// The versions to look at, the newer first.
    pub(super) fn versions(&self) -> Vec<TlsVersion> {
        let wanted = |scope| self.scope.as_ref().is_some_and(|s| s.contains(&scope));
        match (wanted(ProofScope::Tls12), wanted(ProofScope::Tls13)) {
            (true, false) => vec![TlsVersion::Tls12],
            (false, true) => vec![TlsVersion::Tls13],
            _ => vec![TlsVersion::Tls13, TlsVersion::Tls12],
        }
    }

    /// Whether the binding names this version among what is to be proven.
    pub(super) fn demands(&self, version: TlsVersion) -> bool {
        let scope = match version {
            TlsVersion::Tls12 => ProofScope::Tls12,
            TlsVersion::Tls13 => ProofScope::Tls13,
        };
        self.scope.as_ref().is_some_and(|s| s.contains(&scope))
    }

    /// The families to look at.
    pub(super) fn families(&self) -> Vec<KeyFamily> {
        let wanted = |scope| self.scope.as_ref().is_some_and(|s| s.contains(&scope));
        let mut families = match (wanted(ProofScope::Ecdsa), wanted(ProofScope::Rsa)) {
            (true, false) => vec![KeyFamily::Ecdsa],
            (false, true) => vec![KeyFamily::Rsa],
            _ => vec![KeyFamily::Ecdsa, KeyFamily::Rsa],
        };
        if self.slots.iter().any(|(_, c)| family_of(c) == KeyFamily::Any) {
            families.push(KeyFamily::Any);
        }
        families
    }

    /// The certificate that is to answer an offer of this family.
    pub(super) fn assigned(&self, family: KeyFamily) -> Option<&Certificate> {
        let by_slot = |slot| self.slots.iter().find(move |(s, _)| *s == slot).map(|(_, c)| c);
        let named = match family {
            KeyFamily::Ecdsa => by_slot(Slot::Ecdsa),
            KeyFamily::Rsa => by_slot(Slot::Rsa),
            KeyFamily::Any => None,
        };
        named.or_else(|| by_slot(Slot::Any).filter(|c| family_of(c) == family))
    }

    /// SHA-256 of the certificates that are to be served.
    pub(super) fn new_leaves(&self) -> Vec<Fingerprint> {
        self.slots.iter().map(|(_, c)| c.fingerprint()).collect()
    }

    /// The server name that is sent first.
    pub(super) fn primary(&self) -> AskedName {
        match self.server_name.as_ref().or(self.published_names.first()) {
            Some(name) => AskedName::Published(name.clone()),
            None => AskedName::Absent,
        }
    }

    /// Every server name to ask for: the first, the published ones, an unknown one, none.
    pub(super) fn asked_names(&self) -> Vec<AskedName> {
        let mut names = vec![self.primary()];
        for name in self.published_names.iter().take(NAME_LIMIT) {
            let name = AskedName::Published(name.clone());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in [AskedName::Unknown, AskedName::Absent] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The protocols offered: never `acme-tls/1`, and none where the binding does not speak HTTP.
    pub(super) fn alpn(&self) -> Vec<String> {
        match self.protocol {
            BindingProtocol::Https => vec!["h2".to_owned(), "http/1.1".to_owned()],
            BindingProtocol::Http | BindingProtocol::Tls => Vec::new(),
        }
    }

    /// Whether the binding stands for every address although only loopback is looked at.
    pub(super) fn is_loopback_of_any(&self) -> bool {
        let any = match self.information.parse::<BindingInformation>() {
            Ok(information) => match information.address {
                BindingAddress::Any => true,
                BindingAddress::Ip(address) => address.is_unspecified(),
            },
            Err(_) => true,
        };
        let declared = self.scope.as_ref().is_some_and(|s| s.contains(&ProofScope::Loopback));
        any && !declared && !self.loopback_is_whole && self.is_loopback()
    }

    /// Whether the endpoint is only reached from this computer.
    pub(super) fn is_loopback(&self) -> bool {
        self.endpoint.as_ref().and_then(|e| e.parse::<Endpoint>().ok()).is_some_and(|e| e.is_loopback())
    }

    /// Whether two tasks are of the same binding.
    pub(super) fn is_of_same_binding(&self, other: &Self) -> bool {
        (&self.computer, &self.site, &self.information) == (&other.computer, &other.site, &other.information)
    }

    /// Whether a snapshot is of this endpoint.
    pub(super) fn is_of(&self, snapshot: &Snapshot) -> bool {
        (&self.computer, &self.site, &self.information) == (&snapshot.computer, &snapshot.site, &snapshot.information)
            && self.endpoint.as_deref().unwrap_or_default() == snapshot.endpoint
    }
}

/// The family of a certificate's key; `Any` for one that is neither, such as Ed25519.
pub(super) fn family_of(certificate: &Certificate) -> KeyFamily {
    match certificate.key_algorithm() {
        Some(algorithm) if algorithm.is_elliptic() => KeyFamily::Ecdsa,
        Some(_) => KeyFamily::Rsa,
        None if certificate.key_algorithm_name().starts_with("RSA") => KeyFamily::Rsa,
        None if certificate.key_algorithm_name().starts_with("EC") => KeyFamily::Ecdsa,
        None => KeyFamily::Any,
    }
}

/// What is sent for a name; a wildcard is asked for by a name that it covers.
pub(super) fn sent_name(name: &AskedName) -> Option<String> {
    match name {
        AskedName::Published(name) => {
            let name = name.strip_prefix("*.").map_or_else(|| name.clone(), |rest| format!("any-name.{rest}"));
            name.parse::<std::net::IpAddr>().is_err().then_some(name)
        }
        AskedName::Unknown => Some(UNKNOWN_NAME.to_owned()),
        AskedName::Absent => None,
    }
}
