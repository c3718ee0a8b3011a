//! Facts in the metadata log that nothing acts on yet: kept whole, so that they can be shown and a snapshot does not lose them.

use std::collections::BTreeMap;

use crate::types::Uuid;
use crate::wire::access_control_entry_record::AccessControlEntryRecord;
use crate::wire::client_quota_record::{ClientQuotaRecord, EntityData};
use crate::wire::delegation_token_record::DelegationTokenRecord;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;
use crate::wire::zk_migration_state_record::ZkMigrationStateRecord;

use super::record::MetadataRecord;

/// Type and name of every part of a quota's entity, sorted by type.
pub type QuotaEntity = Vec<(String, Option<String>)>;

/// Quotas, credentials, access rules and tokens as their records say them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    quotas: BTreeMap<(QuotaEntity, String), ClientQuotaRecord>,
    scram: BTreeMap<(i8, String), UserScramCredentialRecord>,
    acls: BTreeMap<Uuid, AccessControlEntryRecord>,
    tokens: BTreeMap<String, DelegationTokenRecord>,
    zk_migration: Option<ZkMigrationStateRecord>,
}

impl Kept {
    /// Takes in one record. Records of other kinds are not for here and change nothing.
    pub(super) fn apply(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::ClientQuota(quota) => {
                let key = (entity(&quota.entity), quota.key.clone());
                if quota.remove {
                    self.quotas.remove(&key);
                } else {
                    self.quotas.insert(key, quota.clone());
                }
            }
            MetadataRecord::UserScramCredential(credential) => {
                self.scram.insert((credential.mechanism, credential.name.clone()), credential.clone());
            }
            MetadataRecord::RemoveUserScramCredential(gone) => {
                self.scram.remove(&(gone.mechanism, gone.name.clone()));
            }
            MetadataRecord::AccessControlEntry(entry) => {
                self.acls.insert(entry.id, entry.clone());
            }
            MetadataRecord::RemoveAccessControlEntry(gone) => {
                self.acls.remove(&gone.id);
            }
            MetadataRecord::DelegationToken(token) => {
                self.tokens.insert(token.token_id.clone(), token.clone());
            }
            MetadataRecord::RemoveDelegationToken(gone) => {
                self.tokens.remove(&gone.token_id);
            }
            MetadataRecord::ZkMigrationState(state) => self.zk_migration = Some(state.clone()),
            _ => {}
        }
    }

    /// The limit `key` of exactly this entity.
    pub fn quota(&self, entity: &QuotaEntity, key: &str) -> Option<f64> {
        self.quotas.get(&(entity.clone(), key.to_string())).map(|quota| quota.value)
    }

    /// Every limit, those of one entity next to each other.
    pub fn limits(&self) -> impl Iterator<Item = (&QuotaEntity, &str, f64)> {
        self.quotas.iter().map(|((entity, key), quota)| (entity, key.as_str(), quota.value))
    }

    /// A user's credential for a SCRAM mechanism, by the mechanism's number.
    pub fn credential(&self, mechanism: i8, user: &str) -> Option<&UserScramCredentialRecord> {
        self.scram.get(&(mechanism, user.to_string()))
    }

    /// All SCRAM credentials.
    pub fn credentials(&self) -> impl Iterator<Item = &UserScramCredentialRecord> {
        self.scram.values()
    }

    /// The state of a migration from ZooKeeper, which follows the features in a snapshot.
    pub(super) fn zk_migration(&self) -> Option<MetadataRecord> {
        self.zk_migration.clone().map(MetadataRecord::from)
    }

    pub(super) fn quotas(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        self.quotas.values().cloned().map(MetadataRecord::from)
    }

    /// Access rules, credentials and tokens, in the order in which a snapshot holds them.
    pub(super) fn security(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        let acls = self.acls.values().cloned().map(MetadataRecord::from);
        let scram = self.scram.values().cloned().map(MetadataRecord::from);
        let tokens = self.tokens.values().cloned().map(MetadataRecord::from);
        acls.chain(scram).chain(tokens)
    }
}

fn entity(parts: &[EntityData]) -> QuotaEntity {
    let mut key: QuotaEntity = parts.iter().map(|part| (part.entity_type.clone(), part.entity_name.clone())).collect();
    key.sort();
    key
}
