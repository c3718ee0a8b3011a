//! Rules in words: the kinds of resources, patterns and operations, and how Kafka's tool writes them.

use crate::client::admin::{AclBinding, AclFilter};

/// Names of resource types from number 2 on.
const RESOURCES: [&str; 6] = ["TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"];
pub(super) const TOPIC: i8 = 2;
pub(super) const GROUP: i8 = 3;
pub(super) const CLUSTER: i8 = 4;
pub(super) const TRANSACTIONAL_ID: i8 = 5;
pub(super) const DELEGATION_TOKEN: i8 = 6;
pub(super) const USER: i8 = 7;
/// The cluster is a resource of this name.
pub(super) const CLUSTER_NAME: &str = "kafka-cluster";

/// Names of pattern types from number 1 on.
const PATTERNS: [&str; 4] = ["ANY", "MATCH", "LITERAL", "PREFIXED"];
pub(super) const LITERAL: i8 = 3;

/// Names of operations from number 1 on.
const OPERATIONS: [&str; 15] = [
    "ANY",
    "ALL",
    "READ",
    "WRITE",
    "CREATE",
    "DELETE",
    "ALTER",
    "DESCRIBE",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
    "CREATE_TOKENS",
    "DESCRIBE_TOKENS",
    "TWO_PHASE_COMMIT",
];
pub(super) const ALL: i8 = 2;
pub(super) const READ: i8 = 3;
pub(super) const WRITE: i8 = 4;
pub(super) const CREATE: i8 = 5;
const DELETE: i8 = 6;
const ALTER: i8 = 7;
pub(super) const DESCRIBE: i8 = 8;
const CLUSTER_ACTION: i8 = 9;
const DESCRIBE_CONFIGS: i8 = 10;
const ALTER_CONFIGS: i8 = 11;
pub(super) const IDEMPOTENT_WRITE: i8 = 12;
const CREATE_TOKENS: i8 = 13;
const DESCRIBE_TOKENS: i8 = 14;
const TWO_PHASE_COMMIT: i8 = 15;

pub(super) const DENY: i8 = 2;
pub(super) const ALLOW: i8 = 3;

fn name(names: &[&'static str], first: i8, number: i8) -> &'static str {
    usize::try_from(i16::from(number) - i16::from(first)).ok().and_then(|at| names.get(at)).copied().unwrap_or("UNKNOWN")
}

fn number(names: &[&str], first: i8, wanted: &str) -> Option<i8> {
    let at = names.iter().position(|n| n.eq_ignore_ascii_case(wanted))?;
    Some(first + i8::try_from(at).ok()?)
}

pub(super) fn resource_name(kind: i8) -> &'static str {
    name(&RESOURCES, 2, kind)
}

pub(super) fn pattern_name(kind: i8) -> &'static str {
    name(&PATTERNS, 1, kind)
}

pub(super) fn operation_name(operation: i8) -> &'static str {
    name(&OPERATIONS, 1, operation)
}

pub(super) fn permission_name(permission: i8) -> &'static str {
    name(&["DENY", "ALLOW"], 2, permission)
}

pub(super) fn pattern(name: &str) -> Option<i8> {
    number(&PATTERNS, 1, name)
}

/// `DescribeConfigs`, in whatever case; 0 for what is none.
pub(super) fn operation(name: &str) -> i8 {
    let joined: Vec<String> = OPERATIONS.iter().map(|n| n.replace('_', "")).collect();
    let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
    number(&joined, 1, name.trim()).unwrap_or(0)
}

/// What can be allowed for a kind of resource.
pub(super) fn operations_of(kind: i8) -> &'static [i8] {
    match kind {
        TOPIC => &[ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS],
        GROUP => &[ALL, READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS],
        CLUSTER => &[ALL, CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE],
        TRANSACTIONAL_ID => &[ALL, WRITE, DESCRIBE, TWO_PHASE_COMMIT],
        DELEGATION_TOKEN => &[ALL, DESCRIBE],
        USER => &[ALL, CREATE_TOKENS, DESCRIBE_TOKENS],
        _ => &[],
    }
}

/// Some resources: of a kind, with a name, or matching one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource {
    pub kind: i8,
    pub name: String,
    pub pattern: i8,
}

impl Resource {
    pub fn of(binding: &AclBinding) -> Resource {
        Resource { kind: binding.resource_type, name: binding.resource_name.clone(), pattern: binding.pattern_type }
    }

    /// All its rules.
    pub fn filter(&self) -> AclFilter {
        AclFilter { resource_type: self.kind, resource_name: Some(self.name.clone()), pattern_type: self.pattern, ..AclFilter::ANY }
    }

    /// One rule of it.
    pub fn with(&self, entry: &Access) -> AclBinding {
        let Access { principal, host, operation, permission } = entry.clone();
        let (resource_type, resource_name, pattern_type) = (self.kind, self.name.clone(), self.pattern);
        AclBinding { resource_type, resource_name, pattern_type, principal, host, operation, permission }
    }

    /// As Java writes it.
    pub fn shown(&self) -> String {
        let (kind, pattern) = (resource_name(self.kind), pattern_name(self.pattern));
        format!("ResourcePattern(resourceType={kind}, name={}, patternType={pattern})", self.name)
    }
}

/// Who may do what from where, or may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub principal: String,
    pub host: String,
    pub operation: i8,
    pub permission: i8,
}

impl Access {
    pub fn of(binding: &AclBinding) -> Access {
        let AclBinding { principal, host, operation, permission, .. } = binding.clone();
        Access { principal, host, operation, permission }
    }

    /// As Java writes it.
    pub fn shown(&self) -> String {
        let (operation, permission) = (operation_name(self.operation), permission_name(self.permission));
        format!("(principal={}, host={}, operation={operation}, permissionType={permission})", self.principal, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!((operation("describeConfigs"), operation_name(10)), (DESCRIBE_CONFIGS, "DESCRIBE_CONFIGS"));
        assert_eq!((operation("Fly"), operation_name(99), operation("All")), (0, "UNKNOWN", ALL));
        assert_eq!((pattern("prefixed"), pattern("x"), pattern_name(LITERAL)), (Some(4), None, "LITERAL"));
        assert_eq!((resource_name(USER), permission_name(DENY), resource_name(-128)), ("USER", "DENY", "UNKNOWN"));
    }
}
