//! CreatePartitionsRequest, versions 0 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsRequest {
    /// Each topic that we want to create new partitions inside.
    pub topics: Vec<CreatePartitionsTopic>,
    /// The time in ms to wait for the partitions to be created.
    pub timeout_ms: i32,
    /// If true, then validate the request, but don't actually increase the number of partitions.
    pub validate_only: bool,
}

impl Message for CreatePartitionsRequest {
    const NAME: &'static str = "CreatePartitionsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 2;

        let mut out = Self::default();
        out.topics = r.structs(v, f)?;
        out.timeout_ms = r.i32()?;
        out.validate_only = r.bool()?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 2;

        w.structs(&self.topics, v, f)?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatePartitionsTopic {
    /// The topic name.
    pub name: String,
    /// The new partition count.
    pub count: i32,
    /// The new partition assignments.
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self { name: Default::default(), count: Default::default(), assignments: Some(Default::default()) }
    }
}

impl Struct for CreatePartitionsTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 2;

        let mut out = Self::default();
        out.name = r.string(f)?;
        out.count = r.i32()?;
        out.assignments = r.opt_structs(v, f)?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 2;

        w.string(&self.name, f)?;
        w.i32(self.count);
        w.opt_structs(self.assignments.as_deref(), v, f)?;
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsAssignment {
    /// The assigned broker IDs.
    pub broker_ids: Vec<i32>,
}

impl Struct for CreatePartitionsAssignment {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 2;

        let mut out = Self::default();
        out.broker_ids = r.list(f)?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 2;

        w.list(&self.broker_ids, f)?;
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for CreatePartitionsRequest {
    const KEY: ApiKey = ApiKey::CreatePartitions;
    type Response = super::create_partitions_response::CreatePartitionsResponse;
}
