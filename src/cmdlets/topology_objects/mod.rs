//! The objects that the readers of the topology emit.

mod choice;
mod domains;
mod places;
mod services;
mod simple_urls;

pub(super) use choice::{Choice, LOCAL_STORE, missing};
pub(super) use domains::{Domain, SIP_DOMAIN};
pub(super) use places::{CLUSTER, Cluster, MACHINE, Machine, SITE, Site};
pub(super) use services::{Service, ServiceRole};
pub(super) use simple_urls::{SIMPLE_URL_CONFIGURATION, SimpleUrlConfiguration};
