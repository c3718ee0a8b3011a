//! From options to rules: which resources are meant, and who is to be allowed or denied what.

use std::collections::BTreeMap;

use super::Args;
use super::rules::*;
use crate::cli::error::CliError;
use crate::cli::principal;
use crate::cli::tool::Context;
use crate::cli::usage::refuse;

/// The rules of each resource, in the order in which they are told.
pub(super) type Plan = BTreeMap<Resource, Vec<Access>>;

impl Args {
    /// Kafka's checks, in its order.
    pub(super) fn check(&self, cx: &Context) -> Result<(), CliError> {
        let usage = |text: &str| Err(CliError::usage(text));
        if self.connection.bootstrap_server.is_some() && self.bootstrap_controller.is_some() {
            return usage("Only one of --bootstrap-server or --bootstrap-controller must be specified");
        }
        if !self.connection.given(cx) && self.bootstrap_controller.is_none() {
            return usage("One of --bootstrap-server or --bootstrap-controller must be specified");
        }
        if [self.list, self.add, self.remove].iter().filter(|a| **a).count() != 1 {
            return usage("Command must include exactly one action: --list, --add, --remove. ");
        }
        let producer = ("producer", self.producer);
        let consumer = ("consumer", self.consumer);
        let deny_host = ("deny-host", !self.deny_host.is_empty());
        let deny_principal = ("deny-principal", !self.deny_principal.is_empty());
        let allow = [("allow-host", !self.allow_host.is_empty()), ("allow-principal", !self.allow_principal.is_empty())];
        refuse(("list", self.list), &[producer, consumer, allow[0], allow[1], deny_host, deny_principal])?;
        let inferred = [("operation", !self.operation.is_empty()), deny_principal, deny_host];
        refuse(producer, &inferred)?;
        refuse(consumer, &inferred)?;
        if !self.principal.is_empty() && !self.list {
            return usage("The --principal option is only available if --list is set");
        }
        if self.producer && self.topic.is_empty() {
            return usage("With --producer you must specify a --topic");
        }
        if self.idempotent && !self.producer {
            return usage("The --idempotent option is only available if --producer is set");
        }
        let too_much = !self.producer && (self.cluster || !self.transactional_id.is_empty());
        if self.consumer && (self.topic.is_empty() || self.group.is_empty() || too_much) {
            const WANTED: &str = "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.";
            return usage(WANTED);
        }
        Ok(())
    }

    fn pattern(&self) -> Result<i8, CliError> {
        let Some(text) = &self.resource_pattern_type else { return Ok(LITERAL) };
        pattern(text).ok_or_else(|| {
            CliError::value(format!("Cannot parse argument '{text}' of option resource-pattern-type"))
                .exception("joptsimple.OptionArgumentConversionException")
                .hint("it is literal or prefixed, and for --list and --remove also any or match")
        })
    }

    /// The resources that are named; none: all.
    pub(super) fn resources(&self) -> Result<Vec<Resource>, CliError> {
        let pattern = self.pattern()?;
        let mut all = Vec::new();
        let mut add = |kind: i8, names: &[String]| {
            all.extend(names.iter().map(|name| Resource { kind, name: name.trim().to_owned(), pattern }));
        };
        add(TOPIC, &self.topic);
        add(GROUP, &self.group);
        add(TRANSACTIONAL_ID, &self.transactional_id);
        add(DELEGATION_TOKEN, &self.delegation_token);
        add(USER, &self.user_principal);
        if pattern == LITERAL && (self.cluster || self.idempotent) {
            all.push(cluster());
        }
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// What to add, or to remove.
    pub(super) fn plan(&self) -> Result<Plan, CliError> {
        if self.add {
            let pattern = self.pattern()?;
            if pattern < LITERAL {
                let name = pattern_name(pattern);
                return Err(CliError::usage(format!("A '--resource-pattern-type' value of '{name}' is not valid when adding acls.")));
            }
        }
        let mut plan = Plan::new();
        let mut put = |resource: &Resource, rules: &[Access]| {
            let known = plan.entry(resource.clone()).or_default();
            known.extend(rules.iter().filter(|r| !known.contains(r)).cloned().collect::<Vec<_>>());
            known.sort_by_key(Access::shown);
        };
        if !self.producer && !self.consumer {
            let asked: Vec<i8> = self.operation.iter().map(|o| operation(o)).collect();
            let rules = self.rules(if asked.is_empty() { &[ALL] } else { &asked })?;
            self.some_resources()?.iter().for_each(|r| put(r, &rules));
        }
        let of_kind = |all: &[Resource], kind: i8| all.iter().filter(|r| r.kind == kind).cloned().collect::<Vec<_>>();
        if self.producer {
            let resources = self.some_resources()?;
            let (topics, ids) = (self.rules(&[WRITE, DESCRIBE, CREATE])?, self.rules(&[WRITE, DESCRIBE])?);
            of_kind(&resources, TOPIC).iter().for_each(|r| put(r, &topics));
            of_kind(&resources, TRANSACTIONAL_ID).iter().for_each(|r| put(r, &ids));
            if self.idempotent {
                put(&cluster(), &self.rules(&[IDEMPOTENT_WRITE])?);
            }
        }
        if self.consumer {
            let resources = self.some_resources()?;
            let (topics, groups) = (self.rules(&[READ, DESCRIBE])?, self.rules(&[READ])?);
            of_kind(&resources, TOPIC).iter().for_each(|r| put(r, &topics));
            of_kind(&resources, GROUP).iter().for_each(|r| put(r, &groups));
        }
        supported(&plan)?;
        if self.add && plan.values().any(Vec::is_empty) {
            return Err(CliError::usage("You must specify one of: --allow-principal, --deny-principal when trying to add ACLs."));
        }
        Ok(plan)
    }

    fn some_resources(&self) -> Result<Vec<Resource>, CliError> {
        let all = self.resources()?;
        if all.is_empty() {
            const NONE: &str = "You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token \
                                <Delegation Token ID>";
            return Err(CliError::usage(NONE));
        }
        Ok(all)
    }

    fn rules(&self, operations: &[i8]) -> Result<Vec<Access>, CliError> {
        let mut all = Vec::new();
        for (principals, hosts, permission) in
            [(&self.allow_principal, &self.allow_host, ALLOW), (&self.deny_principal, &self.deny_host, DENY)]
        {
            let anywhere = vec!["*".to_owned()];
            for principal in principals {
                let principal = principal::parse(principal)?.to_string();
                for host in if hosts.is_empty() { &anywhere } else { hosts } {
                    let rule = |operation: &i8| Access {
                        principal: principal.clone(),
                        host: host.trim().to_owned(),
                        operation: *operation,
                        permission,
                    };
                    all.extend(operations.iter().map(rule));
                }
            }
        }
        Ok(all)
    }
}

fn cluster() -> Resource {
    Resource { kind: CLUSTER, name: CLUSTER_NAME.to_owned(), pattern: LITERAL }
}

fn supported(plan: &Plan) -> Result<(), CliError> {
    for (resource, rules) in plan {
        let known = operations_of(resource.kind);
        if rules.iter().any(|r| !known.contains(&r.operation)) {
            let names: Vec<&str> = known.iter().map(|o| operation_name(*o)).collect();
            let kind = resource_name(resource.kind);
            return Err(CliError::usage(format!("ResourceType {kind} only supports operations [{}]", names.join(", "))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(args: &Args) -> Vec<String> {
        let plan = args.plan().unwrap();
        plan.iter().flat_map(|(r, all)| all.iter().map(|a| format!("{} {}", r.name, a.shown())).collect::<Vec<_>>()).collect()
    }

    fn args() -> Args {
        Args { add: true, topic: vec!["t".into()], allow_principal: vec!["User:a".into()], ..Args::default() }
    }

    #[test]
    fn a_consumer_that_produces_gets_the_rules_of_both() {
        let both = Args { producer: true, consumer: true, idempotent: true, group: vec!["g".into()], ..args() };
        let entry = |op: &str| format!("(principal=User:a, host=*, operation={op}, permissionType=ALLOW)");
        let expected = [
            format!("t {}", entry("CREATE")),
            format!("t {}", entry("DESCRIBE")),
            format!("t {}", entry("READ")),
            format!("t {}", entry("WRITE")),
            format!("g {}", entry("READ")),
            format!("kafka-cluster {}", entry("IDEMPOTENT_WRITE")),
        ];
        assert_eq!(shown(&both), expected);
    }

    #[test]
    fn without_an_operation_all_are_meant_and_a_host_belongs_to_its_principal() {
        let denied = Args { deny_principal: vec!["User:b".into()], deny_host: vec!["10.0.0.1".into()], ..args() };
        assert_eq!(
            shown(&denied),
            [
                "t (principal=User:a, host=*, operation=ALL, permissionType=ALLOW)",
                "t (principal=User:b, host=10.0.0.1, operation=ALL, permissionType=DENY)"
            ]
        );
    }

    #[test]
    fn what_does_not_fit_a_resource_is_refused() {
        let told = |args: Args| args.plan().unwrap_err().message;
        let fly = Args { operation: vec!["Fly".into()], group: vec!["g".into()], topic: vec![], ..args() };
        assert_eq!(told(fly), "ResourceType GROUP only supports operations [ALL, READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]");
        assert!(told(Args { topic: vec![], ..args() }).starts_with("You must provide at least one resource"));
        assert!(told(Args { allow_principal: vec![], ..args() }).starts_with("You must specify one of: --allow-principal"));
        assert!(told(Args { resource_pattern_type: Some("match".into()), ..args() }).contains("value of 'MATCH' is not valid"));
    }
}
