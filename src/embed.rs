//! A broker inside a program: [`Server`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::broker::{self, OtherPartitions, Running, StartError, TopicRefused, WantedTopic};
use crate::config::{BrokerConfig, ConfigError};

/// A broker in this process, ready in milliseconds: for tests, or as an embedded log. As many as you like; each has a directory and a port
/// of its own.
///
/// Without further words it listens on a free port of 127.0.0.1 and keeps its data in a temporary directory, which goes when it stops:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = kfk::Server::builder().topic("orders", 3).start().await?;
///
/// // Any Kafka client works on server.bootstrap(); here, this crate's own.
/// let settings = [("bootstrap.servers".to_string(), server.bootstrap())].into();
/// let admin = kfk::client::Admin::new(kfk::config::ClientConfig::parse(&settings)?);
/// let topics = admin.list_topics(false).await?;
/// assert_eq!(topics[0].name, "orders");
///
/// server.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// Dropped without [`stop`](Server::stop), the broker ends as after a crash: what was acknowledged is in the files.
pub struct Server {
    running: Running,
    data_dir: PathBuf,
    /// Taken away after the broker.
    temporary: Option<tempfile::TempDir>,
    differing: Vec<OtherPartitions>,
}

/// Why a [`Server`] does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting has a bad value.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory's name cannot be a setting.
    #[error("the data directory {0} is not UTF-8")]
    DataDir(PathBuf),
    /// No temporary directory could be made.
    #[error("cannot make a temporary directory: {0}")]
    Temporary(std::io::Error),
    /// The port is taken, the directory is in use or cannot be read, ...
    #[error(transparent)]
    Start(#[from] StartError),
    /// A topic could not be made.
    #[error(transparent)]
    Topic(#[from] TopicRefused),
}

/// What a [`Server`] is to be like.
#[derive(Clone, Debug, Default)]
pub struct ServerBuilder {
    data_dir: Option<PathBuf>,
    settings: Vec<(String, String)>,
    topics: Vec<WantedTopic>,
}

impl ServerBuilder {
    /// Keeps the data in `dir`, which is made if it is not there and stays when the server stops. Without it: a temporary directory.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// Listens on `HOST:PORT`; port 0 picks a free one. Without it: `127.0.0.1:0`.
    pub fn listen(self, address: &str) -> Self {
        self.set("listeners", format!("PLAINTEXT://{address}"))
    }

    /// A setting by Kafka's name, as in `server.properties`; a later one wins. An unknown name has no effect.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Has this topic when it is ready. One that is there already stays as it is.
    pub fn topic(self, name: impl Into<String>, partitions: i32) -> Self {
        self.wanted(WantedTopic { name: name.into(), partitions: Some(partitions), settings: Vec::new() })
    }

    /// Has this topic, with settings of its own, when it is ready.
    pub fn wanted(mut self, topic: WantedTopic) -> Self {
        self.topics.push(topic);
        self
    }

    /// Starts the broker on the caller's runtime. When this returns it accepts connections and has its topics.
    pub async fn start(self) -> Result<Server, ServerError> {
        let temporary = match self.data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("kfk-").tempdir().map_err(ServerError::Temporary)?),
        };
        let data_dir = self.data_dir.or_else(|| temporary.as_ref().map(|t| t.path().to_owned())).unwrap_or_default();
        let text = data_dir.to_str().ok_or_else(|| ServerError::DataDir(data_dir.clone()))?;
        let own = [
            ("log.dirs", text),
            ("listeners", "PLAINTEXT://127.0.0.1:0"),
            // A group in a test should not wait for members that do not come.
            ("group.initial.rebalance.delay.ms", "0"),
        ];
        let settings = own.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().chain(self.settings);
        let (config, _warnings) = BrokerConfig::parse(settings)?;
        let running = broker::start(config).await?;
        let differing = match running.have_topics(self.topics).await {
            Ok(differing) => differing,
            Err(e) => {
                running.stop().await;
                return Err(e.into());
            }
        };
        Ok(Server { running, data_dir, temporary, differing })
    }
}

impl Server {
    /// A server with every default; see [`ServerBuilder`] for what may differ.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// `HOST:PORT` for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.addr().to_string()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.running.addr()
    }

    /// Where metrics are shown over HTTP, if `kfk.metrics.listener` was set.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.running.metrics_address()
    }

    /// Where the files are: Kafka's own, `{topic}-{partition}/00000000000000000000.log` and so on.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Topics asked for that were there already, with other numbers of partitions.
    pub fn differing_topics(&self) -> &[OtherPartitions] {
        &self.differing
    }

    /// Stops as a broker does in order: connections end, files are synced, a temporary directory goes.
    pub async fn stop(self) {
        self.running.stop().await;
        drop(self.temporary);
    }
}
