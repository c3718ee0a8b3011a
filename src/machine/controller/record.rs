//! The records of the metadata log and the frame each one wears as a record's value.
//!
//! ```text
//! frame version  unsigned varint   always 1
//! record kind    unsigned varint   the definition's apiKey
//! record version unsigned varint
//! body           the message, encoded in that version
//! ```
//! A version is chosen from the cluster's `metadata.version`, so that a log that Kafka 3.9 began stays readable to Kafka 3.9.

use crate::wire;
use crate::wire::{DecodeError, EncodeError, Message, Reader, Writer};
use bytes::Bytes;

use super::features::MetadataVersion;

/// The only frame version there is.
const FRAME_VERSION: u32 = 1;

/// Why bytes of the metadata log are not a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("frame version {0} is unknown")]
    Frame(u32),
    #[error("record kind {0} is unknown")]
    Kind(u32),
    #[error("{kind} has version {version}, known are {min} to {max}")]
    Version { kind: &'static str, version: u32, min: i16, max: i16 },
    #[error("{0} byte(s) are left over behind a record")]
    LeftOver(usize),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

macro_rules! metadata_records {
    ($($key:literal $variant:ident $module:ident::$message:ident)*) => {
        /// One record of the metadata log. Every kind that Kafka 4.3 defines is here, also those without behaviour yet.
        #[derive(Clone, Debug, PartialEq)]
        pub enum MetadataRecord {
            $($variant(wire::$module::$message),)*
        }

        impl MetadataRecord {
            /// The `apiKey` of the kind.
            pub fn kind(&self) -> u32 {
                match self { $(MetadataRecord::$variant(_) => $key,)* }
            }

            /// The definition's name, such as `TopicRecord`.
            pub fn name(&self) -> &'static str {
                match self { $(MetadataRecord::$variant(_) => <wire::$module::$message as Message>::NAME,)* }
            }

            /// Encodes with its frame, in the version that `metadata_version` calls for.
            pub fn encode(&self, metadata_version: MetadataVersion) -> Result<Bytes, RecordError> {
                let version = self.version(metadata_version);
                let mut out = Writer::new();
                out.uvarint(FRAME_VERSION);
                out.uvarint(self.kind());
                out.uvarint(u32::from(version.unsigned_abs()));
                match self { $(MetadataRecord::$variant(message) => message.encode(&mut out, version)?,)* }
                Ok(out.into_bytes()?)
            }

            /// Decodes one framed record; all bytes must be used up.
            pub fn decode(bytes: &Bytes) -> Result<MetadataRecord, RecordError> {
                let mut input = Reader::new(bytes.clone());
                let frame = input.uvarint()?;
                if frame != FRAME_VERSION {
                    return Err(RecordError::Frame(frame));
                }
                let kind = input.uvarint()?;
                let version = input.uvarint()?;
                let record = match kind {
                    $($key => {
                        let version = known_version::<wire::$module::$message>(version)?;
                        MetadataRecord::$variant(<wire::$module::$message as Message>::decode(&mut input, version)?)
                    })*
                    other => return Err(RecordError::Kind(other)),
                };
                match input.remaining() {
                    0 => Ok(record),
                    n => Err(RecordError::LeftOver(n)),
                }
            }
        }

        $(impl From<wire::$module::$message> for MetadataRecord {
            fn from(message: wire::$module::$message) -> Self {
                MetadataRecord::$variant(message)
            }
        })*
    };
}

metadata_records! {
    0 RegisterBroker register_broker_record::RegisterBrokerRecord
    1 UnregisterBroker unregister_broker_record::UnregisterBrokerRecord
    2 Topic topic_record::TopicRecord
    3 Partition partition_record::PartitionRecord
    4 Config config_record::ConfigRecord
    5 PartitionChange partition_change_record::PartitionChangeRecord
    7 FenceBroker fence_broker_record::FenceBrokerRecord
    8 UnfenceBroker unfence_broker_record::UnfenceBrokerRecord
    9 RemoveTopic remove_topic_record::RemoveTopicRecord
    10 DelegationToken delegation_token_record::DelegationTokenRecord
    11 UserScramCredential user_scram_credential_record::UserScramCredentialRecord
    12 FeatureLevel feature_level_record::FeatureLevelRecord
    14 ClientQuota client_quota_record::ClientQuotaRecord
    15 ProducerIds producer_ids_record::ProducerIdsRecord
    17 BrokerRegistrationChange broker_registration_change_record::BrokerRegistrationChangeRecord
    18 AccessControlEntry access_control_entry_record::AccessControlEntryRecord
    19 RemoveAccessControlEntry remove_access_control_entry_record::RemoveAccessControlEntryRecord
    20 NoOp no_op_record::NoOpRecord
    21 ZkMigrationState zk_migration_state_record::ZkMigrationStateRecord
    22 RemoveUserScramCredential remove_user_scram_credential_record::RemoveUserScramCredentialRecord
    23 BeginTransaction begin_transaction_record::BeginTransactionRecord
    24 EndTransaction end_transaction_record::EndTransactionRecord
    25 AbortTransaction abort_transaction_record::AbortTransactionRecord
    26 RemoveDelegationToken remove_delegation_token_record::RemoveDelegationTokenRecord
    27 RegisterController register_controller_record::RegisterControllerRecord
    28 ClearElr clear_elr_record::ClearElrRecord
}

fn known_version<M: Message>(version: u32) -> Result<i16, RecordError> {
    let unknown = || RecordError::Version { kind: M::NAME, version, min: M::MIN, max: M::MAX };
    let known = i16::try_from(version).map_err(|_| unknown())?;
    if (M::MIN..=M::MAX).contains(&known) { Ok(known) } else { Err(unknown()) }
}

impl MetadataRecord {
    /// The version this record is written in while the cluster is at `metadata_version`.
    fn version(&self, metadata_version: MetadataVersion) -> i16 {
        match self {
            MetadataRecord::RegisterBroker(_) => metadata_version.register_broker_version(),
            MetadataRecord::Partition(_) | MetadataRecord::PartitionChange(_) => metadata_version.partition_version(),
            MetadataRecord::BrokerRegistrationChange(change) => {
                // The lowest version that can carry what changed, as Kafka does.
                if change.cordoned_log_dirs.is_some() {
                    3
                } else if !change.log_dirs.is_empty() {
                    2
                } else if change.in_controlled_shutdown != 0 {
                    1
                } else {
                    0
                }
            }
            _ => 0,
        }
    }
}
