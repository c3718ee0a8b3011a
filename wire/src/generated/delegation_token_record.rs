//! DelegationTokenRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DelegationTokenRecord {
    /// The delegation token owner.
    pub owner: String,
    /// The delegation token requester.
    pub requester: String,
    /// The principals which can renew this token.
    pub renewers: Vec<String>,
    /// The time at which this timestamp was issued.
    pub issue_timestamp: i64,
    /// The time at which this token cannot be renewed any more.
    pub max_timestamp: i64,
    /// The next time at which this token must be renewed.
    pub expiration_timestamp: i64,
    /// The token id.
    pub token_id: String,
}

impl Message for DelegationTokenRecord {
    const NAME: &'static str = "DelegationTokenRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.owner = r.string(true)?;
        out.requester = r.string(true)?;
        out.renewers = r.list(true)?;
        out.issue_timestamp = r.i64()?;
        out.max_timestamp = r.i64()?;
        out.expiration_timestamp = r.i64()?;
        out.token_id = r.string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.owner, true)?;
        w.string(&self.requester, true)?;
        w.list(&self.renewers, true)?;
        w.i64(self.issue_timestamp);
        w.i64(self.max_timestamp);
        w.i64(self.expiration_timestamp);
        w.string(&self.token_id, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for DelegationTokenRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("owner", &self.owner, v);
        o.put("requester", &self.requester, v);
        o.put("renewers", &self.renewers, v);
        o.put("issueTimestamp", &self.issue_timestamp, v);
        o.put("maxTimestamp", &self.max_timestamp, v);
        o.put("expirationTimestamp", &self.expiration_timestamp, v);
        o.put("tokenId", &self.token_id, v);
        o.done()
    }
}

impl DelegationTokenRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 10;
}
