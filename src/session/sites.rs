//! Bindings of the local computer's sites: what is bound, and what handshakes with them must show.

use std::sync::Arc;

use super::Session;
use super::world::Site;
use crate::error::Result;
use crate::model::{Binding, Certificate, Fingerprint, HostName, NameQuery, RequestedName, SiteState, Slot, UseName};
use crate::probe::{EndpointTask, Expectation};
use crate::state::{BindingKey, Row, RowKey};

/// One binding of one site.
#[derive(Clone)]
pub(crate) struct Place {
    /// The site.
    pub(crate) site: Arc<Site>,
    /// Which of its bindings.
    pub(crate) index: usize,
}

impl Place {
    /// What the configuration says of the binding.
    pub(crate) fn binding(&self) -> &Binding {
        &self.site.website.bindings[self.index]
    }

    /// The binding's key in the state.
    pub(crate) fn key(&self, slot: Slot) -> BindingKey {
        BindingKey {
            computer: self.site.website.computer.as_str().to_ascii_lowercase(),
            site: self.site.website.name.clone(),
            information: self.binding().information.to_string(),
            slot,
        }
    }

    /// The slots of the site's server.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.site.website.server.slots()
    }

    /// `host:port` of every endpoint, as it really is: a listener's port 0 is the port that it got.
    pub(crate) fn endpoints(&self) -> Result<Vec<String>> {
        self.site.server.endpoints(&self.key(Slot::Any), &self.binding().endpoints)
    }
}

impl Session {
    /// Every binding of every site, in the order of the configuration.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub(crate) fn places(&self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for site in self.sites()? {
            for index in 0..site.website.bindings.len() {
                places.push(Place { site: Arc::clone(&site), index });
            }
        }
        Ok(places)
    }

    /// The TLS bindings of the local computer that a use's certificate belongs to.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`, `TopologyInvalid`.
    pub(crate) fn places_of(&self, use_name: &UseName) -> Result<Vec<Place>> {
        self.places_on(self.topology()?.local_computer()?, use_name)
    }

    /// The same of any computer.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub(crate) fn places_on(&self, computer: &HostName, use_name: &UseName) -> Result<Vec<Place>> {
        Ok(self
            .places()?
            .into_iter()
            .filter(|p| {
                p.site.website.computer == *computer
                    && p.binding().protocol.is_secure()
                    && p.binding().use_name.as_ref() == Some(use_name)
            })
            .collect())
    }

    /// The binding with this key.
    ///
    /// # Errors
    /// `NoHome`, `ConfigInvalid`.
    pub(crate) fn place(&self, key: &BindingKey) -> Result<Option<Place>> {
        Ok(self.places()?.into_iter().find(|p| p.key(key.slot) == *key))
    }

    /// What state says is bound there; before the first change, what the configuration says.
    ///
    /// # Errors
    /// `StoreUnavailable`, `CertificateNotFound` for a certificate that the configuration names in vain.
    pub(crate) fn bound_at(&self, place: &Place, slot: Slot) -> Result<Option<Fingerprint>> {
        if let Some(Row::Bound(row)) = self.state()?.row(&RowKey::Bound(place.key(slot)))? {
            return Ok(Some(row.certificate));
        }
        match &place.binding().certificate {
            Some(selector) if slot == Slot::Any => Ok(Some(super::find_certificate(self, selector)?.0)),
            _ => Ok(None),
        }
    }

    /// What handshakes with a binding must show, one task for each of its endpoints; one task without an
    /// endpoint where none is declared.
    ///
    /// The names asked for are those computed for the use that the certificate covers: what it lacks is
    /// warned about when it is assigned, and is no fault of the server.
    ///
    /// # Errors
    /// `TopologyInvalid`, `ConfigInvalid`, `StoreUnavailable`.
    pub(crate) fn tasks_of(
        &self,
        place: &Place,
        slots: &[(Slot, Certificate)],
        expectation: &Expectation,
    ) -> Result<Vec<EndpointTask>> {
        let binding = place.binding();
        let website = &place.site.website;
        let names = self.names_at(place)?;
        let published: Vec<String> = names
            .iter()
            .filter(|name| slots.is_empty() || slots.iter().any(|(_, c)| covers(c, name)))
            .map(ToString::to_string)
            .collect();
        let server_name = binding
            .server_name
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| binding.information.host.as_ref().map(ToString::to_string))
            .or_else(|| published.first().cloned())
            .or_else(|| names.first().map(ToString::to_string));
        let topology = self.topology()?;
        let needs =
            binding.use_name.as_ref().and_then(|u| topology.uses.get(u)).map(|u| u.needs.clone()).unwrap_or_default();
        let roots = self.roots(&needs.chain_to)?;
        let mut endpoints: Vec<Option<String>> = place.endpoints()?.into_iter().map(Some).collect();
        if endpoints.is_empty() {
            endpoints.push(None);
        }
        Ok(endpoints
            .into_iter()
            .map(|endpoint| EndpointTask {
                computer: website.computer.as_str().to_ascii_lowercase(),
                site: website.name.clone(),
                information: binding.information.to_string(),
                use_name: binding.use_name.as_ref().map_or_else(String::new, |u| u.as_str().to_owned()),
                protocol: binding.protocol,
                endpoint,
                server_name: server_name.clone(),
                published_names: published.clone(),
                slots: slots.to_vec(),
                roots: roots.clone(),
                needs: needs.clone(),
                scope: binding.prove.clone(),
                loopback_is_whole: place.site.server.is_loopback_only(),
                stopped: website.state == SiteState::Stopped,
                expectation: expectation.clone(),
            })
            .collect())
    }

    /// The names computed for the use of a binding, without wildcards and addresses.
    fn names_at(&self, place: &Place) -> Result<Vec<HostName>> {
        let Some(use_name) = &place.binding().use_name else { return Ok(Vec::new()) };
        let topology = self.topology()?;
        let query = NameQuery::new(place.site.website.computer.clone(), vec![use_name.clone()]);
        // A site on a computer that the topology does not know has no computed names.
        let Ok(computed) = crate::model::names::compute(&topology, &query) else { return Ok(Vec::new()) };
        Ok(computed
            .names
            .into_iter()
            .filter_map(|n| match n.name {
                RequestedName::Dns(name) if !name.is_wildcard() => Some(name),
                _ => None,
            })
            .collect())
    }
}

/// Whether one of the certificate's DNS names covers a host (RFC 9525 §6.3).
pub(crate) fn covers(certificate: &Certificate, host: &HostName) -> bool {
    certificate
        .dns_names()
        .any(|name| HostName::with_underscores(name).is_ok_and(|pattern| pattern == *host || pattern.covers(host)))
}
