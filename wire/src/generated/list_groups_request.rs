//! ListGroupsRequest, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsRequest {
    /// The states of the groups we want to list. If empty, all groups are returned with their state. (versions 4+)
    pub states_filter: Vec<String>,
    /// The types of the groups we want to list. If empty, all groups are returned with their type. (version 5)
    pub types_filter: Vec<String>,
}

impl Message for ListGroupsRequest {
    const NAME: &'static str = "ListGroupsRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        if v >= 4 {
            out.states_filter = r.list(f)?;
        }
        if v >= 5 {
            out.types_filter = r.list(f)?;
        }
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        if v >= 4 {
            w.list(&self.states_filter, f)?;
        } else if !self.states_filter.is_empty() {
            return Err(EncodeError::absent("StatesFilter", v));
        }
        if v >= 5 {
            w.list(&self.types_filter, f)?;
        } else if !self.types_filter.is_empty() {
            return Err(EncodeError::absent("TypesFilter", v));
        }
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for ListGroupsRequest {
    const KEY: ApiKey = ApiKey::ListGroups;
    type Response = super::list_groups_response::ListGroupsResponse;
}
