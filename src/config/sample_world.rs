//! The state that a sample world begins with: one certificate that ends in 20 days, assigned and bound.

use std::sync::Arc;

use super::Home;
use crate::ca::{Authority, Context};
use crate::error::{Error, ErrorId, Result};
use crate::model::names::compute;
use crate::model::{AlternativeName, Clock, KeyAlgorithm, NameAttribute, NameQuery, Purpose, Slot, UseName};
use crate::session::{Session, World};
use crate::state::{
    AssignmentKey, AssignmentRow, AuthorityRow, BindingKey, BoundRow, CertificateRow, Row, RowKey, Store,
    SubmissionRow, Write,
};
use crate::x509::{Issuer, PrivateKey, Profile, RequestDetails, build_request, issue, parse_certificate};

/// How long the first certificate of a sample lasts.
const DAYS: i64 = 20;
/// How long ago it was issued.
const AGE_DAYS: i64 = 345;

impl Home {
    /// Fills the fresh state of a sample world: its authority, and one certificate of it for every use that the
    /// local computer's bindings name.
    ///
    /// # Errors
    /// `ConfigInvalid`, `StoreUnavailable`.
    pub fn populate_sample(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> Result<()> {
        let (state, keys, topology) = (self.state()?, self.keys()?, self.topology()?);
        let now = clock.now();
        let local = topology.local_computer()?.clone();
        let sites = self.sites()?;
        let mut uses: Vec<UseName> = Vec::new();
        let mut bindings: Vec<BindingKey> = Vec::new();
        for site in &sites {
            for binding in site.website.bindings.iter().filter(|b| b.protocol.is_secure()) {
                let Some(use_name) = &binding.use_name else { continue };
                if site.website.computer == local && !uses.contains(use_name) {
                    uses.push(use_name.clone());
                }
                bindings.push(BindingKey {
                    computer: site.website.computer.as_str().to_ascii_lowercase(),
                    site: site.website.name.clone(),
                    information: binding.information.to_string(),
                    slot: Slot::Any,
                });
            }
        }
        let uses = topology.uses.find_all(uses.iter().map(UseName::as_str))?;
        let computed = compute(&topology, &NameQuery::new(local.clone(), uses.clone()))?;
        let cx = Context { state: &*state, keys: &*keys, now, cancelled: &|| false };
        let authority = self.first_embedded()?;
        state.write(&authority.create(&cx)?)?;
        let row_key = RowKey::Authority(authority.config().to_ascii_lowercase());
        let Some(Row::Authority(row)) = state.row(&row_key)? else {
            return Err(Error::new(ErrorId::StoreUnavailable, "the sample's authority was not made"));
        };
        let AuthorityRow { certificate, above, key, next_request_id, next_crl } = row;
        let root = parse_certificate(&certificate)?;
        let signer = keys.open(&key)?;
        let leaf_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
        let details = RequestDetails {
            subject: vec![vec![NameAttribute::named("CN", computed.subject.clone().unwrap_or_default())?]],
            alternative_names: computed.names.iter().map(|n| AlternativeName::host(&n.name.to_string())).collect(),
            purposes: vec![Purpose::ServerAuth],
            ..RequestDetails::default()
        };
        let request = build_request(&leaf_key, &details)?;
        let mut profile = Profile::server(now.plus_days(-AGE_DAYS), now.plus_days(DAYS));
        profile.not_before = profile.not_before.max(root.not_before());
        let leaf = issue(&request, &Issuer { certificate: &root, signer: &signer }, &profile)?;
        let fingerprint = leaf.fingerprint();
        // The number before the first that operators get; where there is none, the first is used up.
        let number = next_request_id.saturating_sub(1).max(1);
        let mut stored =
            CertificateRow::of(&leaf, Store::My, &format!("request {number} at {}", authority.config()), now);
        "Sample certificate, to be replaced".clone_into(&mut stored.friendly_name);
        let mut writes = vec![
            keys.seal(&leaf_key, false, now)?,
            Write::put(RowKey::Certificate(fingerprint), Row::Certificate(stored)),
            Write::put(
                RowKey::Submission(authority.config().to_ascii_lowercase(), number),
                Row::Submission(SubmissionRow {
                    requester: self.policy()?.principal,
                    computer: local.to_string(),
                    template: "WebServer".to_owned(),
                    csr: request.der().to_vec(),
                    disposition: 20,
                    message: "Issued".to_owned(),
                    certificate: leaf.der().to_vec(),
                    serial: leaf.serial().to_string(),
                    submitted: now,
                    resolved: Some(now),
                    revoked: None,
                }),
            ),
        ];
        if number >= next_request_id {
            let row = AuthorityRow { certificate, above, key, next_request_id: number + 1, next_crl };
            writes.push(Write::put(row_key, Row::Authority(row)));
        }
        let mut computers: Vec<String> = bindings.iter().map(|b| b.computer.clone()).collect();
        computers.sort();
        computers.dedup();
        for scope in computers {
            for use_name in &uses {
                let key =
                    AssignmentKey { scope: scope.clone(), use_name: use_name.as_str().to_owned(), slot: Slot::Any };
                let row = AssignmentRow { certificate: Some(fingerprint), previous: None, staged: None, updated: now };
                writes.push(Write::put(RowKey::Assignment(key), Row::Assignment(row)));
            }
        }
        for binding in bindings {
            let row = BoundRow { certificate: fingerprint, since: now };
            writes.push(Write::put(RowKey::Bound(binding.clone()), Row::Bound(row.clone())));
            writes.push(Write::put(RowKey::Listener(binding), Row::Listener(row)));
        }
        let change = serde_json::json!([{ "sample": "first certificate", "certificate": fingerprint.to_string() }]);
        let world: Arc<dyn World> = Arc::clone(self) as Arc<dyn World>;
        Session::of(world, Arc::clone(clock)).record("Initialize-Sample", "Done", change, &writes)
    }
}
