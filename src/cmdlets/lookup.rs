//! Which sites, uses and certificates a verb means, where the operator names them or leaves them away.

use std::sync::Arc;

use crate::error::{Error, ErrorId, Result};
use crate::format::like;
use crate::model::{Certificate, Fingerprint, HostName, KeyAlgorithm, Slot, Topology, UseName, nearest};
use crate::session::{Assigned, Place, Session, Site};
use crate::state::{CertificateRow, RequestRow};

/// The sites of a name or wildcard, in the order of the configuration; all of them without one.
///
/// # Errors
/// `SiteNotFound` with the nearest name; a wildcard may fit none.
pub(super) fn sites_named(session: &Session, name: Option<&str>) -> Result<Vec<Arc<Site>>> {
    let mut sites = session.sites()?;
    let Some(name) = name else { return Ok(sites) };
    let known: Vec<String> = sites.iter().map(|s| s.website.name.clone()).collect();
    sites.retain(|site| like(&site.website.name, name));
    if !sites.is_empty() || is_pattern(name) {
        return Ok(sites);
    }
    let error = Error::new(ErrorId::SiteNotFound, format!("no site is called `{name}`")).about(name);
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

/// The bindings of a site.
pub(super) fn places_at(site: &Arc<Site>) -> Vec<Place> {
    (0..site.website.bindings.len()).map(|index| Place { site: Arc::clone(site), index }).collect()
}

/// Whether a name is a wildcard pattern.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// What is bound at a binding, slot by slot, as its thumbprint; the fingerprint where the certificate is not stored.
///
/// # Errors
/// `StoreUnavailable`, `CertificateNotFound` for a certificate that the configuration names in vain.
pub(super) fn bound_thumbprints(session: &Session, place: &Place) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for slot in place.slots() {
        if let Some(fingerprint) = session.bound_at(place, slot)? {
            found.push(thumbprint_of(session, &fingerprint)?);
        }
    }
    Ok(found)
}

/// The thumbprint of a stored certificate; the fingerprint of one that is not stored.
///
/// # Errors
/// `StoreUnavailable`.
pub(super) fn thumbprint_of(session: &Session, fingerprint: &Fingerprint) -> Result<String> {
    Ok(session.stored(fingerprint)?.map_or_else(|| fingerprint.to_string(), |row| row.thumbprint.to_string()))
}

/// The verb that assigns, as whoever has these uses calls it: with uses of one's own alone, one need not know what `Cs`
/// stands for.
pub(super) fn set_verb(topology: &Topology, uses: &[UseName]) -> &'static str {
    let is_plain = uses.iter().all(|u| topology.uses.get(u).is_some_and(|u| !u.is_builtin));
    if is_plain { "Set-TlsCertificate" } else { "Set-CsCertificate" }
}

/// The uses that this computer serves: those that its bindings name and those that are assigned, in the table's order.
///
/// # Errors
/// `NoHome`, `ConfigInvalid`, `TopologyInvalid`, `StoreUnavailable`.
pub(super) fn uses_in_service(session: &Session) -> Result<Vec<UseName>> {
    let topology = session.topology()?;
    let local = topology.local_computer()?;
    let mut uses: Vec<UseName> = Vec::new();
    for place in session.places()? {
        if place.site.website.computer == *local
            && place.binding().protocol.is_secure()
            && let Some(name) = &place.binding().use_name
            && !uses.contains(name)
        {
            uses.push(name.clone());
        }
    }
    for assigned in session.assigned(None)? {
        let name: UseName = assigned.key.use_name.parse()?;
        if !uses.contains(&name) {
            uses.push(name);
        }
    }
    uses.sort_by_key(|name| topology.uses.position(name));
    Ok(uses)
}

/// The assignments that are in force on a computer: its own, and the global ones that it does not override.
///
/// # Errors
/// `NoHome`, `StoreUnavailable`, `TopologyInvalid`.
pub(super) fn assignments_on(session: &Session, computer: &HostName) -> Result<Vec<Assigned>> {
    let mut found = session.assigned(Some(&computer.as_str().to_ascii_lowercase()))?;
    let in_force = found.iter().filter(|a| a.row.certificate.is_some());
    let own: Vec<(String, Slot)> = in_force.map(|a| (a.key.use_name.clone(), a.key.slot)).collect();
    let global = session.assigned(Some("global"))?.into_iter();
    found.extend(global.filter(|a| !own.contains(&(a.key.use_name.clone(), a.key.slot))));
    Ok(found)
}

/// A certificate that a slot of a binding is to serve.
#[derive(Clone)]
pub(super) struct Wanted {
    /// The slot.
    pub(super) slot: Slot,
    /// Which certificate.
    pub(super) fingerprint: Fingerprint,
    /// The certificate as it is stored; `None` where it has vanished from the store.
    pub(super) stored: Option<(CertificateRow, Certificate)>,
}

/// What is to be served at a binding: what is assigned to its use; what is bound, where it names no use.
///
/// # Errors
/// `StoreUnavailable`, `BadCertificateFile`, `CertificateNotFound`.
pub(super) fn wanted_at(session: &Session, place: &Place, assigned: &[Assigned]) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    for slot in place.slots() {
        let fingerprint = match &place.binding().use_name {
            None => session.bound_at(place, slot)?,
            Some(name) => assigned_to(session, assigned, name, slot)?,
        };
        if let Some(fingerprint) = fingerprint {
            wanted.push(Wanted { slot, fingerprint, stored: stored(session, &fingerprint)? });
        }
    }
    Ok(wanted)
}

/// The certificate of a use for a slot: that of the slot itself, else one whose key is of the slot's family.
fn assigned_to(session: &Session, assigned: &[Assigned], name: &UseName, slot: Slot) -> Result<Option<Fingerprint>> {
    let of_use = || assigned.iter().filter(|a| a.key.use_name.eq_ignore_ascii_case(name.as_str()));
    if let Some(exact) = of_use().filter(|a| a.key.slot == slot).find_map(|a| a.row.certificate) {
        return Ok(Some(exact));
    }
    for fingerprint in of_use().filter_map(|a| a.row.certificate) {
        let Some((_, certificate)) = stored(session, &fingerprint)? else { continue };
        let elliptic = certificate.key_algorithm().is_some_and(KeyAlgorithm::is_elliptic);
        let fits = match slot {
            Slot::Any => true,
            Slot::Ecdsa => elliptic,
            Slot::Rsa => !elliptic,
        };
        if fits {
            return Ok(Some(fingerprint));
        }
    }
    Ok(None)
}

fn stored(session: &Session, fingerprint: &Fingerprint) -> Result<Option<(CertificateRow, Certificate)>> {
    let Some(row) = session.stored(fingerprint)? else { return Ok(None) };
    let certificate = session.certificate_of(&row)?;
    Ok(Some((row, certificate)))
}

/// The requests made from here to an authority, `(offline)` for request files, with a number: the authority's, else the
/// local one.
///
/// # Errors
/// `CaUnreachable` for an authority that is neither known nor was asked, `RequestNotFound`; `AmbiguousRequest` for a
/// number that exists at two authorities.
pub(super) fn requests_named(session: &Session, ca: Option<&str>, number: Option<i64>) -> Result<Vec<RequestRow>> {
    let mut rows = session.state()?.requests()?;
    if let Some(ca) = ca {
        let is_offline = ca.eq_ignore_ascii_case("(offline)");
        rows.retain(|r| if is_offline { r.ca.is_empty() } else { is_same_authority(&r.ca, ca) });
        if rows.is_empty() && !is_offline {
            // An authority that is known has no request; any other is a mistake.
            session.authority(ca)?;
        }
    }
    let Some(id) = number else { return Ok(rows) };
    let number = u32::try_from(id).ok();
    let mut found: Vec<RequestRow> =
        rows.iter().filter(|r| number.is_some() && r.request_id == number).cloned().collect();
    if found.is_empty() {
        found = rows.into_iter().filter(|r| i64::try_from(r.id) == Ok(id)).collect();
    }
    match found.len() {
        0 => Err(Error::new(ErrorId::RequestNotFound, format!("no request has the number {id}")).about(id.to_string())),
        1 => Ok(found),
        _ => {
            let places: Vec<String> = found.iter().map(|r| format!("`-CA '{}'`", r.ca)).collect();
            let names: Vec<String> = found.iter().map(|r| format!("`{}`", r.ca)).collect();
            let text = format!("request {id} exists at {}", names.join(" and "));
            Err(Error::new(ErrorId::AmbiguousRequest, text)
                .about(id.to_string())
                .hint(format!("add {}", places.join(" or "))))
        }
    }
}

/// Whether two spellings mean one authority: the host may be given by its short name.
fn is_same_authority(known: &str, given: &str) -> bool {
    let Some((host, instance)) = known.split_once('\\') else { return false };
    let Some((wanted, of)) = given.split_once('\\') else { return false };
    let short = host.split('.').next().unwrap_or(host);
    instance.eq_ignore_ascii_case(of) && (host.eq_ignore_ascii_case(wanted) || short.eq_ignore_ascii_case(wanted))
}

/// The number that an operator knows the request by.
pub(super) fn request_number(row: &RequestRow) -> String {
    row.request_id.map_or_else(|| row.id.to_string(), |id| id.to_string())
}
