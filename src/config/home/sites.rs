//! Makes the server programs of the sites that `certlet.toml` declares.

use std::sync::Arc;
use std::time::Duration;

use super::Home;
use crate::error::Result;
use crate::model::{ServerSettings, Slot, Website};
use crate::servers::{Children, FilesServer, ListenerBinding, ListenerServer, ServedListener, Server, Unbuilt};
use crate::session::{Site, World};
use crate::state::BindingKey;

/// How long a test or reload command may run.
pub(super) const CHILD_LIMIT: Duration = Duration::from_secs(60);

impl Home {
    pub(super) fn make_site(&self, website: &Website) -> Result<Arc<Site>> {
        let server: Arc<dyn Server> = match &website.server {
            ServerSettings::Listener => {
                let serving = self.serving()?;
                let wake = Arc::clone(&serving);
                let bindings: Vec<BindingKey> = website
                    .bindings
                    .iter()
                    .filter(|b| b.protocol.is_secure())
                    .map(|b| BindingKey {
                        computer: website.computer.as_str().to_ascii_lowercase(),
                        site: website.name.clone(),
                        information: b.information.to_string(),
                        slot: Slot::Any,
                    })
                    .collect();
                let is_loopback =
                    website.bindings.iter().flat_map(|b| &b.endpoints).all(crate::model::Endpoint::is_loopback);
                let listener = ListenerServer::new(
                    self.state()?,
                    self.key_source()?,
                    Arc::clone(&self.clock),
                    bindings,
                    is_loopback,
                    Arc::new(move || wake.wake()),
                );
                Arc::new(ServedListener::new(listener, serving))
            }
            ServerSettings::Files(files) => Arc::new(FilesServer::new(files.clone(), self.children())?),
            ServerSettings::Haproxy(haproxy) if haproxy.socket.is_none() => {
                Arc::new(FilesServer::new(haproxy.files.clone(), self.children())?)
            }
            other => Arc::new(Unbuilt::new(other.kind().name())),
        };
        Ok(Arc::new(Site { website: website.clone(), server }))
    }

    fn children(&self) -> Children {
        Children::new(CHILD_LIMIT, Arc::clone(&self.cancelled))
    }
}

pub(super) fn listened(website: &Website) -> Vec<ListenerBinding> {
    let of = |b: &crate::model::Binding| ListenerBinding {
        computer: website.computer.as_str().to_ascii_lowercase(),
        site: website.name.clone(),
        information: b.information.to_string(),
        protocol: b.protocol,
        endpoints: b.endpoints.clone(),
    };
    website.bindings.iter().map(of).collect()
}
