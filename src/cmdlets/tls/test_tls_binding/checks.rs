//! What can be found out about a binding without shaking hands.

use crate::cmdlets::lookup::{Wanted, bound_thumbprints, wanted_at};
use crate::error::{Error, ErrorId, Result};
use crate::model::{
    BindingProtocol, Certificate, HostName, MissingNames, Remedy, ServerKind, Slot, Topology, UseName, Verdict,
};
use crate::session::{Assigned, Place, Session, fitness};

/// A binding and what is to be said of it before any handshake.
pub(super) struct Examined {
    pub(super) place: Place,
    pub(super) wanted: Vec<Wanted>,
    pub(super) expected_port: Option<u16>,
    pub(super) faults: Vec<Fault>,
    /// What is worth a verbose line.
    pub(super) remarks: Vec<String>,
    /// The missing names with their rules, in one sentence.
    pub(super) missing_names: Option<String>,
}

/// Something that spoils the verdict.
pub(super) struct Fault {
    pub(super) verdict: Verdict,
    pub(super) problem: String,
    pub(super) remedy: Option<String>,
}

impl Fault {
    fn new(verdict: Verdict, problem: impl Into<String>, remedy: impl Into<Option<String>>) -> Self {
        Self { verdict, problem: problem.into(), remedy: remedy.into() }
    }
}

/// Looks at configuration, state and certificates of a binding.
///
/// # Errors
/// `NoHome`, `ConfigInvalid`, `TopologyInvalid`, `StoreUnavailable`: the look itself failed.
pub(super) fn examine(session: &Session, place: &Place, assigned: &[Assigned]) -> Result<Examined> {
    let mut found = Examined {
        place: place.clone(),
        wanted: Vec::new(),
        expected_port: None,
        faults: Vec::new(),
        remarks: Vec::new(),
        missing_names: None,
    };
    match wanted_at(session, place, assigned) {
        Ok(wanted) => found.wanted = wanted,
        Err(error) => found.add_lookup(error)?,
    }
    found.check_port(session)?;
    found.check_bound(session)?;
    for wanted in found.wanted.clone() {
        found.check_certificate(session, &wanted)?;
    }
    Ok(found)
}

/// The https port that the topology names for a web use on a computer.
pub(super) fn expected_port(topology: &Topology, computer: &HostName, use_name: &UseName) -> Option<u16> {
    let (pool, _) = topology.pool_of(computer)?;
    let web = pool.web.as_ref()?;
    match use_name.as_str() {
        "WebServicesInternal" => Some(web.internal.https),
        "WebServicesExternal" => Some(web.external.https),
        _ => None,
    }
}

impl Examined {
    pub(super) fn site(&self) -> &str {
        &self.place.site.website.name
    }

    pub(super) fn use_name(&self) -> Option<&UseName> {
        self.place.binding().use_name.as_ref()
    }

    /// The certificates that are to be served.
    pub(super) fn slots(&self) -> Vec<(Slot, Certificate)> {
        self.wanted.iter().filter_map(|w| w.stored.as_ref().map(|(_, c)| (w.slot, c.clone()))).collect()
    }

    /// The thumbprints of what is to be served; the fingerprint of what has vanished from the store.
    pub(super) fn expected(&self) -> Vec<String> {
        let shown = |w: &Wanted| w.stored.as_ref().map_or_else(|| w.fingerprint.to_string(), |(row, _)| row.thumbprint.to_string());
        self.wanted.iter().map(shown).collect()
    }

    /// The line that mends what a proof found.
    pub(super) fn remedy(&self, remedy: Remedy) -> String {
        let binding = &self.place.binding().information;
        match remedy {
            Remedy::Bind | Remedy::MendChain => self.assign_again().unwrap_or_else(name_a_use),
            Remedy::Replace => self.request_again().unwrap_or_else(name_a_use),
            Remedy::Start if self.place.site.website.server.kind() == ServerKind::Listener => "certlet serve".to_owned(),
            Remedy::Start => "start the server, or write `state = \"Stopped\"` for its site in `certlet.toml`".to_owned(),
            Remedy::DeclareEndpoint => "add `endpoint = [\"HOST:PORT\"]` to the binding in `certlet.toml`".to_owned(),
            Remedy::WidenEndpoints => {
                "add an endpoint that is not on loopback to the binding in `certlet.toml`, or `prove = [\"loopback\"]`".to_owned()
            }
            Remedy::Staple => "switch on OCSP stapling in the server's own configuration".to_owned(),
            Remedy::Configure => format!("look at the server's own configuration of `{binding}`"),
            Remedy::Retry => format!("Test-TlsBinding -Name \"{}\"", self.site()),
        }
    }

    /// A failed look-up of a certificate is a finding; that the state cannot be read is not.
    fn add_lookup(&mut self, error: Error) -> Result<()> {
        match error.id() {
            ErrorId::CertificateNotFound | ErrorId::BadCertificateFile | ErrorId::AmbiguousThumbprint => {
                let hint = error.hints().into_iter().next();
                if !self.faults.iter().any(|f| f.problem == error.message()) {
                    self.faults.push(Fault::new(Verdict::Contradicted, error.message(), hint));
                }
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn check_port(&mut self, session: &Session) -> Result<()> {
        let Some(use_name) = self.use_name().cloned() else { return Ok(()) };
        let website = &self.place.site.website;
        let topology = session.topology()?;
        self.expected_port = expected_port(&topology, &website.computer, &use_name);
        let (Some(wanted), binding) = (self.expected_port, self.place.binding()) else { return Ok(()) };
        if binding.protocol != BindingProtocol::Https || binding.information.port == wanted {
            return Ok(());
        }
        let mut others = session.places()?.into_iter().filter(|p| {
            p.site.website.computer == website.computer && p.binding().use_name.as_ref() == Some(&use_name)
        });
        if others.any(|p| p.binding().protocol == BindingProtocol::Https && p.binding().information.port == wanted) {
            return Ok(());
        }
        let mut right = binding.information.clone();
        right.port = wanted;
        let problem = format!("https is on port {}, the topology says {wanted}", binding.information.port);
        let remedy = match website.server.kind() {
            ServerKind::Iis => format!(
                "Set-WebBinding -Name \"{}\" -BindingInformation \"{}\" -PropertyName Port -Value {wanted}",
                website.name, binding.information
            ),
            _ => format!("write `information = \"{right}\"` for the binding in `certlet.toml`, or correct the port in the topology"),
        };
        self.faults.push(Fault::new(Verdict::Contradicted, problem, remedy));
        Ok(())
    }

    fn check_bound(&mut self, session: &Session) -> Result<()> {
        let bound = match bound_thumbprints(session, &self.place) {
            Ok(bound) => bound,
            Err(error) => return self.add_lookup(error),
        };
        let Some(use_name) = self.use_name().cloned() else { return Ok(()) };
        let expected = self.expected();
        let problem = match (bound.is_empty(), expected.is_empty()) {
            (true, true) => format!("the binding has no certificate, and none is assigned for `{use_name}`"),
            (true, false) => "the binding has no certificate".to_owned(),
            (false, true) => format!("`{}` is bound, and nothing is assigned for `{use_name}`", bound.join("`, `")),
            (false, false) if bound == expected => return Ok(()),
            (false, false) => format!("`{}` is bound, assigned is `{}`", bound.join("`, `"), expected.join("`, `")),
        };
        let remedy = match bound.first().filter(|_| expected.is_empty()) {
            Some(bound) => Some(format!("Set-CsCertificate -Type {use_name} -Thumbprint {bound}")),
            None => self.assign_again().or_else(|| self.request_again()),
        };
        self.faults.push(Fault::new(Verdict::Contradicted, problem, remedy));
        Ok(())
    }

    fn check_certificate(&mut self, session: &Session, wanted: &Wanted) -> Result<()> {
        let Some((row, certificate)) = &wanted.stored else {
            let problem = format!("the assigned certificate `{}` is not in the store", wanted.fingerprint);
            self.faults.push(Fault::new(Verdict::Contradicted, problem, self.request_again()));
            return Ok(());
        };
        let uses: Vec<UseName> = self.use_name().cloned().into_iter().collect();
        for finding in fitness(session, row, certificate, &uses, session.now())? {
            if finding.is_obstacle {
                let remedy = match finding.error.id() {
                    ErrorId::NoPrivateKey | ErrorId::UntrustedChain => finding.error.hints().into_iter().next(),
                    _ => self.request_again(),
                };
                self.faults.push(Fault::new(Verdict::Contradicted, finding.error.message(), remedy));
            } else {
                self.remarks.push(finding.error.message().to_owned());
            }
        }
        if uses.is_empty() {
            return Ok(());
        }
        let computer = &self.place.site.website.computer;
        let difference = match session.name_difference(computer, &uses, certificate) {
            Ok(difference) => difference,
            // A site on a computer that the topology does not know has no computed names.
            Err(error) if error.id() == ErrorId::ComputerNotInTopology => return Ok(()),
            Err(error) => {
                self.faults.push(Fault::new(Verdict::Partial, error.message(), None));
                return Ok(());
            }
        };
        if difference.missing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = difference.missing.iter().map(|m| format!("`{}`", m.name)).collect();
        let verdict = match session.topology()?.policy.missing_names {
            MissingNames::Warn => Verdict::Partial,
            MissingNames::Error => Verdict::Contradicted,
        };
        self.faults.push(Fault::new(verdict, format!("the certificate lacks {}", names.join(", ")), self.request_again()));
        let reasons: Vec<String> = difference.missing.iter().map(|m| format!("`{}` ({})", m.name, m.reason)).collect();
        self.missing_names = Some(format!("certificate `{}` lacks computed names: {}", row.thumbprint, reasons.join("; ")));
        Ok(())
    }

    fn assign_again(&self) -> Option<String> {
        let stored = self.wanted.iter().find_map(|w| w.stored.as_ref())?;
        Some(format!("Set-CsCertificate -Type {} -Thumbprint {}", self.use_name()?, stored.0.thumbprint))
    }

    fn request_again(&self) -> Option<String> {
        let name = self.use_name()?;
        Some(format!("Request-CsCertificate -New -Type {name} | Set-CsCertificate -Type {name}"))
    }
}

fn name_a_use() -> String {
    "name a `use` for the binding in `certlet.toml`, so that a certificate can be assigned".to_owned()
}
