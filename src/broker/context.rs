//! What a handler may reach: the broker, and who is asking.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Broker, share};
use crate::machine::coordinator::Context;
use crate::types::Now;

/// One endpoint that the broker tells clients of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub name: Arc<str>,
    /// As advertised.
    pub host: String,
    pub port: u16,
    /// Listens on all interfaces and nobody said what to advertise: each client is told the address that it came to.
    pub wildcard: bool,
}

impl Listener {
    /// This listener as a connection that came to `local` is told of it.
    pub fn reached_at(self: &Arc<Self>, local: SocketAddr) -> Arc<Listener> {
        if !self.wildcard {
            return self.clone();
        }
        // A socket for both families shows version 4 inside version 6.
        Arc::new(Listener { host: local.ip().to_canonical().to_string(), ..(**self).clone() })
    }
}

/// Who is at the other end of a connection.
pub struct Caller {
    pub broker: Arc<Broker>,
    pub peer: SocketAddr,
    pub listener: Arc<Listener>,
    /// What share sessions belong to.
    connection: u64,
    /// The client id of the last request, which is nearly always that of the next.
    client_id: Arc<str>,
}

impl Caller {
    pub fn new(broker: Arc<Broker>, peer: SocketAddr, listener: Arc<Listener>) -> Self {
        Caller { broker, peer, listener, connection: share::next_connection(), client_id: "".into() }
    }

    /// The context of one request.
    pub fn context(&mut self, version: i16, client_id: Option<&str>) -> Cx {
        let client_id = client_id.unwrap_or("");
        if &*self.client_id != client_id {
            self.client_id = client_id.into();
        }
        Cx {
            broker: self.broker.clone(),
            listener: self.listener.clone(),
            client_id: self.client_id.clone(),
            peer: self.peer,
            connection: self.connection,
            version,
        }
    }
}

impl Drop for Caller {
    /// What the client held in share sessions is free for others.
    fn drop(&mut self) {
        let connection = self.connection;
        if self.broker.is_stopping() || !self.broker.share.sessions.lock().has(connection) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let broker = self.broker.clone();
            runtime.spawn_blocking(move || broker.share_disconnected(connection));
        }
    }
}

/// The context of one request. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    pub broker: Arc<Broker>,
    /// Where the request came in.
    pub listener: Arc<Listener>,
    /// Empty when the client gives none.
    pub client_id: Arc<str>,
    pub peer: SocketAddr,
    /// What share sessions belong to.
    pub connection: u64,
    pub version: i16,
}

impl Cx {
    pub fn now(&self) -> Now {
        self.broker.clock.now()
    }

    /// Who asks, as coordinators want to know it.
    pub fn coordinator_context(&self) -> Context {
        Context { client_id: self.client_id.to_string(), client_host: format!("/{}", self.peer.ip()), api_version: self.version }
    }
}
