//! Records on their way to a cluster: sent in the background, every loss remembered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cli::connect::{Properties, set_default};
use crate::cli::error::CliError;
use crate::client::producer::{Delivery, OutgoingRecord};
use crate::client::{Error, Producer, ProducerConfig};

#[derive(Debug, Default)]
struct Lost {
    count: u64,
    /// The number of the first one, and why.
    first: Option<(u64, Error)>,
}

/// A producer that counts.
pub(super) struct Sending {
    pub producer: Producer,
    lost: Arc<Mutex<Lost>>,
    /// Called by the client when a record is lost.
    on_failure: Arc<dyn Fn(u64, Error) + Send + Sync>,
    /// Records that were given to the producer.
    pub sent: u64,
    patience: Duration,
}

impl Sending {
    pub fn new(mut properties: Properties) -> Result<Sending, CliError> {
        for (key, value) in [("linger.ms", "20"), ("batch.size", "131072"), ("buffer.memory", "67108864"), ("client.id", "kfk-copy")] {
            set_default(&mut properties, key, value);
        }
        let config = ProducerConfig::parse(&properties.into_iter().collect()).map_err(|e| CliError::config(e.to_string()))?;
        let patience = Duration::from_millis(config.delivery_timeout_ms);
        let lost: Arc<Mutex<Lost>> = Arc::default();
        let shared = lost.clone();
        let on_failure = Arc::new(move |number, error| {
            let mut lost = shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            lost.count += 1;
            if lost.first.as_ref().is_none_or(|(first, _)| number < *first) {
                lost.first = Some((number, error));
            }
        });
        Ok(Sending { producer: Producer::new(config)?, lost, on_failure, sent: 0, patience })
    }

    /// Sends one record; waits only for room. Errors: it cannot be sent at all, or one before it is lost.
    pub async fn send(&mut self, record: OutgoingRecord<'_>) -> Result<(), CliError> {
        self.sent += 1;
        let delivery = Delivery::OnFailure(self.sent, self.on_failure.clone());
        let topic = record.topic;
        self.producer.send_with(record, delivery).await.map_err(|e| super::topics::missing(e, topic))
    }

    /// Waits until the fate of every record is known. Errors: one is lost.
    pub async fn settle(&self) -> Result<(), CliError> {
        self.producer.flush().await;
        self.verdict()
    }

    /// Errors: a record is lost.
    pub fn verdict(&self) -> Result<(), CliError> {
        let lost = self.lost.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some((number, error)) = &lost.first else { return Ok(()) };
        let first = CliError::from(error.clone());
        let why = first.cause.map_or(first.message.clone(), |cause| format!("{}: {cause}", first.message));
        let text = format!("{} of {} records were not written, the first was number {number}", lost.count, self.sent);
        Err(CliError::failed(text).cause(why))
    }

    pub async fn close(&self) {
        self.producer.close(self.patience).await;
    }
}
