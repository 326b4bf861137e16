//! What `Test-TlsBinding` emits.

use std::any::Any;

use super::checks::{Examined, Fault};
use crate::command::{Column, Kind, Property, Record, Value, View};
use crate::error::Result;
use crate::model::{EndpointProof, HostName, Outcome, UseName, Verdict};

/// The verdict over one endpoint of one binding, or over a use without a binding.
pub(super) struct TlsBindingTest {
    computer: String,
    site: Option<String>,
    use_name: Option<String>,
    protocol: Option<&'static str>,
    information: Option<String>,
    endpoint: Option<String>,
    expected_port: Option<u16>,
    port: Option<u16>,
    expected: Vec<String>,
    actual: Option<String>,
    pub(super) verdict: Verdict,
    problem: Option<String>,
    remedy: Option<String>,
}

impl TlsBindingTest {
    /// The records of a binding: one for each proof, or, where nothing was to be proven, one for each endpoint.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub(super) fn of(examined: &Examined, proofs: &[&EndpointProof]) -> Result<Vec<Self>> {
        if !proofs.is_empty() {
            return Ok(proofs.iter().map(|proof| Self::proven(examined, proof)).collect());
        }
        let mut endpoints: Vec<Option<String>> = examined.place.endpoints()?.into_iter().map(Some).collect();
        if endpoints.is_empty() {
            endpoints.push(None);
        }
        let nothing = || Fault {
            verdict: Verdict::NotApplicable,
            problem: "the binding names no use and nothing is bound".to_owned(),
            remedy: Some("name a `use` for the binding in `certlet.toml`".to_owned()),
        };
        let blank = endpoints.into_iter().map(|endpoint| {
            let mut record = Self::blank(examined, endpoint);
            let nothing = nothing();
            let faults: Vec<&Fault> = if examined.faults.is_empty() { vec![&nothing] } else { examined.faults.iter().collect() };
            record.take(&faults);
            record
        });
        Ok(blank.collect())
    }

    fn proven(examined: &Examined, proof: &EndpointProof) -> Self {
        let endpoint = Some(proof.endpoint.clone()).filter(|e| !e.is_empty());
        let mut record = Self::blank(examined, endpoint);
        record.actual = proof.actual.map(|t| t.to_string());
        let remedy = match proof.remedy {
            Some(remedy) => Some(examined.remedy(remedy)),
            None if examined.is_stopped() => {
                Some("start the server and write `state = \"Started\"` for its site in `certlet.toml`".to_owned())
            }
            None => None,
        };
        let problem = silence(proof).or_else(|| proof.problem.clone()).unwrap_or_default();
        let seen = Fault { verdict: proof.verdict, problem, remedy };
        let mut faults: Vec<&Fault> = examined.faults.iter().collect();
        faults.push(&seen);
        record.take(&faults);
        record
    }

    /// A use that no binding names.
    pub(super) fn unbound(
        computer: &HostName,
        use_name: &UseName,
        site: Option<String>,
        expected: Vec<String>,
        expected_port: Option<u16>,
    ) -> Self {
        let problem = match (&site, expected.is_empty()) {
            (_, true) => format!("nothing is assigned for `{use_name}`, and no binding names it"),
            (Some(site), false) => format!("no binding names `{use_name}`, which `{site}` normally serves"),
            (None, false) => format!("no binding names `{use_name}`: there is no endpoint to look at"),
        };
        let remedy = site.as_ref().map(|site| {
            let port = expected_port.unwrap_or(443);
            format!(
                "add to the site `{site}` in `certlet.toml`: [[site.binding]] protocol = \"https\", information = \"*:{port}:\", \
                 use = \"{use_name}\", endpoint = [\"HOST:{port}\"]"
            )
        });
        Self {
            computer: computer.as_str().to_owned(),
            site,
            use_name: Some(use_name.as_str().to_owned()),
            protocol: None,
            information: None,
            endpoint: None,
            expected_port,
            port: None,
            expected,
            actual: None,
            verdict: Verdict::NotApplicable,
            problem: Some(problem),
            remedy,
        }
    }

    fn blank(examined: &Examined, endpoint: Option<String>) -> Self {
        let (website, binding) = (&examined.place.site.website, examined.place.binding());
        Self {
            computer: website.computer.as_str().to_owned(),
            site: Some(website.name.clone()),
            use_name: examined.use_name().map(|u| u.as_str().to_owned()),
            protocol: Some(binding.protocol.name()),
            information: Some(binding.information.to_string()),
            endpoint,
            expected_port: examined.expected_port,
            port: Some(binding.information.port),
            expected: examined.expected(),
            actual: None,
            verdict: Verdict::NotApplicable,
            problem: None,
            remedy: None,
        }
    }

    /// Takes the worst verdict, every problem, the gravest first, and the remedy of the gravest.
    fn take(&mut self, faults: &[&Fault]) {
        let mut faults: Vec<&&Fault> = faults.iter().collect();
        faults.sort_by_key(|f| std::cmp::Reverse(f.verdict));
        self.verdict = faults.first().map_or(Verdict::NotApplicable, |f| f.verdict);
        let problems: Vec<&str> = faults.iter().map(|f| f.problem.as_str()).filter(|p| !p.is_empty()).collect();
        self.problem = Some(problems.join("; ")).filter(|p| !p.is_empty());
        self.remedy = faults.iter().find_map(|f| f.remedy.clone());
    }
}

/// That nobody answers, said once where every handshake came to the same.
fn silence(proof: &EndpointProof) -> Option<String> {
    let mut outcomes = proof.evidence.iter().map(|e| &e.outcome);
    let Some(Outcome::Down(why)) = outcomes.next() else { return None };
    if !outcomes.all(|o| matches!(o, Outcome::Down(_))) {
        return None;
    }
    if proof.endpoint.ends_with(":0") {
        return Some("nobody serves it: its port is chosen when the listener starts".to_owned());
    }
    Some(format!("it does not answer: {why}"))
}

pub(super) static TLS_BINDING_TEST: Kind = Kind::new(
    "TlsBindingTest",
    const {
        &[
            Property::new("Computer"),
            Property::new("Site"),
            Property::new("Use"),
            Property::new("Protocol"),
            Property::new("BindingInformation"),
            Property::new("Endpoint"),
            Property::new("ExpectedPort"),
            Property::new("Port"),
            Property::new("ExpectedThumbprint"),
            Property::new("ActualThumbprint"),
            Property::new("Verdict"),
            Property::new("Problem"),
            Property::new("Remedy"),
        ]
    },
    View::Table(
        const { &[Column::of("Site"), Column::of("Use"), Column::of("Endpoint"), Column::of("Verdict"), Column::of("Problem")] },
    ),
);

impl Record for TlsBindingTest {
    fn kind(&self) -> &Kind {
        &TLS_BINDING_TEST
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.computer),
            1 => Value::optional_text(self.site.as_ref()),
            2 => Value::optional_text(self.use_name.as_ref()),
            3 => self.protocol.into(),
            4 => Value::optional_text(self.information.as_ref()),
            5 => Value::optional_text(self.endpoint.as_ref()),
            6 => self.expected_port.map(i64::from).into(),
            7 => self.port.map(i64::from).into(),
            8 => match self.expected.as_slice() {
                [] => Value::Null,
                [one] => Value::text(one),
                several => Value::list(several.iter().map(Value::text)),
            },
            9 => Value::optional_text(self.actual.as_ref()),
            10 => self.verdict.name().into(),
            11 => Value::optional_text(self.problem.as_ref()),
            12 => Value::optional_text(self.remedy.as_ref()),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        let place = self.endpoint.as_ref().or(self.site.as_ref()).or(self.use_name.as_ref());
        Some(format!("{}: {}", place.map_or("", String::as_str), self.verdict))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
