//! Access control: who may do what with which resource. Kinds of things are numbered as on the wire.

use kfk_wire::create_acls_request::{AclCreation, CreateAclsRequest};
use kfk_wire::delete_acls_request::{DeleteAclsFilter, DeleteAclsRequest};
use kfk_wire::describe_acls_request::DescribeAclsRequest;

use super::Admin;
use crate::client::error::{Error, check};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AclBinding {
    /// 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation token, 7 user.
    pub resource_type: i8,
    /// The resource's name, or the beginning of it.
    pub resource_name: String,
    /// 3 the name itself, 4 a beginning of names.
    pub pattern_type: i8,
    /// `User:name`.
    pub principal: String,
    /// An address, or `*`.
    pub host: String,
    /// 2 all, 3 read, 4 write, 5 create ...
    pub operation: i8,
    /// 2 deny, 3 allow.
    pub permission: i8,
}

/// Which rules are meant. `None` and 1 stand for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFilter {
    /// As in [`AclBinding`].
    pub resource_type: i8,
    /// Any name if `None`.
    pub resource_name: Option<String>,
    /// As in [`AclBinding`]; 2: all that would apply to a resource of this name.
    pub pattern_type: i8,
    /// Any principal if `None`.
    pub principal: Option<String>,
    /// Any host if `None`.
    pub host: Option<String>,
    /// As in [`AclBinding`].
    pub operation: i8,
    /// As in [`AclBinding`].
    pub permission: i8,
}

impl AclFilter {
    /// All rules.
    pub const ANY: AclFilter =
        AclFilter { resource_type: 1, resource_name: None, pattern_type: 1, principal: None, host: None, operation: 1, permission: 1 };
}

impl Admin {
    /// The rules that `filter` matches.
    pub async fn describe_acls(&self, filter: &AclFilter) -> Result<Vec<AclBinding>, Error> {
        let f = filter.clone();
        let request = DescribeAclsRequest {
            resource_type_filter: f.resource_type,
            resource_name_filter: f.resource_name,
            pattern_type_filter: f.pattern_type,
            principal_filter: f.principal,
            host_filter: f.host,
            operation: f.operation,
            permission_type: f.permission,
        };
        let answer = self.retrying("describing ACLs", || async {
            let answer = self.client.call_any(&request).await?;
            check(answer.error_code, answer.error_message.as_deref()).map(|()| answer)
        });
        let mut all = Vec::new();
        for resource in answer.await?.resources {
            all.extend(resource.acls.into_iter().map(|acl| AclBinding {
                resource_type: resource.resource_type,
                resource_name: resource.resource_name.clone(),
                pattern_type: resource.pattern_type,
                principal: acl.principal,
                host: acl.host,
                operation: acl.operation,
                permission: acl.permission_type,
            }));
        }
        Ok(all)
    }

    /// Adds rules. Errors: the first that any of them met with.
    pub async fn create_acls(&self, bindings: &[AclBinding]) -> Result<(), Error> {
        let creation = |b: &AclBinding| AclCreation {
            resource_type: b.resource_type,
            resource_name: b.resource_name.clone(),
            resource_pattern_type: b.pattern_type,
            principal: b.principal.clone(),
            host: b.host.clone(),
            operation: b.operation,
            permission_type: b.permission,
        };
        let request = CreateAclsRequest { creations: bindings.iter().map(creation).collect() };
        self.retrying("adding ACLs", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(answer.results.iter().map(|r| r.error_code)).await?;
            answer.results.iter().try_for_each(|r| check(r.error_code, r.error_message.as_deref()))
        })
        .await
    }

    /// Removes the rules that any of `filters` matches, and gives them. Errors: the first that any of them met with.
    pub async fn delete_acls(&self, filters: &[AclFilter]) -> Result<Vec<AclBinding>, Error> {
        let filter = |f: &AclFilter| DeleteAclsFilter {
            resource_type_filter: f.resource_type,
            resource_name_filter: f.resource_name.clone(),
            pattern_type_filter: f.pattern_type,
            principal_filter: f.principal.clone(),
            host_filter: f.host.clone(),
            operation: f.operation,
            permission_type: f.permission,
        };
        let request = DeleteAclsRequest { filters: filters.iter().map(filter).collect() };
        let answer = self.retrying("removing ACLs", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(answer.filter_results.iter().map(|r| r.error_code)).await?;
            answer.filter_results.iter().try_for_each(|r| check(r.error_code, r.error_message.as_deref())).map(|()| answer)
        });
        let mut removed = Vec::new();
        for acl in answer.await?.filter_results.into_iter().flat_map(|r| r.matching_acls) {
            check(acl.error_code, acl.error_message.as_deref())?;
            removed.push(AclBinding {
                resource_type: acl.resource_type,
                resource_name: acl.resource_name,
                pattern_type: acl.pattern_type,
                principal: acl.principal,
                host: acl.host,
                operation: acl.operation,
                permission: acl.permission_type,
            });
        }
        Ok(removed)
    }
}
