//! The other members of a pool: what their sites, where they are served from this state, have bound.

use super::{Place, Session};
use crate::error::Result;
use crate::model::{Fingerprint, HostName, ServerSettings, UseName};

/// A member of the pool on which some uses have another certificate.
#[derive(Clone, Debug)]
pub(crate) struct Differing {
    /// The member.
    pub(crate) computer: HostName,
    /// The uses.
    pub(crate) uses: Vec<UseName>,
    /// What is bound there instead, each once; empty where nothing is.
    pub(crate) bound: Vec<Fingerprint>,
}

impl Session {
    /// The other members of a computer's pool whose bindings for some uses have another certificate than this one.
    ///
    /// Only sites of the built-in listener count: what another computer's files hold is not known here.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`, `TopologyInvalid`, `StoreUnavailable`, `CertificateNotFound` for a certificate that the
    /// configuration names in vain.
    pub(crate) fn differing_members(
        &self,
        computer: &HostName,
        uses: &[UseName],
        fingerprint: Fingerprint,
    ) -> Result<Vec<Differing>> {
        let topology = self.topology()?;
        let (pool, _) = topology.resolve_computer(computer)?;
        let mut members = Vec::new();
        for other in pool.computers.iter().filter(|c| *c != computer) {
            let mut member = Differing { computer: other.clone(), uses: Vec::new(), bound: Vec::new() };
            for use_name in uses {
                let places = self.places_on(other, use_name)?;
                for place in places.iter().filter(|p| p.site.website.server == ServerSettings::Listener) {
                    let bound = self.all_bound_at(place)?;
                    if bound.contains(&fingerprint) {
                        continue;
                    }
                    if !member.uses.contains(use_name) {
                        member.uses.push(use_name.clone());
                    }
                    let new = bound.into_iter().filter(|f| !member.bound.contains(f)).collect::<Vec<_>>();
                    member.bound.extend(new);
                }
            }
            if !member.uses.is_empty() {
                members.push(member);
            }
        }
        Ok(members)
    }

    fn all_bound_at(&self, place: &Place) -> Result<Vec<Fingerprint>> {
        let mut bound = Vec::new();
        for slot in place.slots() {
            bound.extend(self.bound_at(place, slot)?);
        }
        Ok(bound)
    }
}
