//! `kfk acls`, `kafka-acls.sh`: who may do what with which topic, group or other resource.

mod plan;
mod rules;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::PathBuf;

use self::plan::Plan;
use self::rules::{Access, Resource, operation_name, pattern_name, permission_name, resource_name};
use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, stderr_line};
use super::out::facts::{Column, Facts, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::{names, principal, usage};
use crate::client::Admin;
use crate::client::admin::{AclBinding, AclFilter};

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Controllers to ask instead of brokers, separated by commas.
    #[arg(long, value_name = "HOST:PORT,...", value_hint = clap::ValueHint::Other)]
    pub bootstrap_controller: Option<String>,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// List rules: of the resources that are named, or all.
    #[arg(long, help_heading = "Action")]
    pub list: bool,

    /// Add rules.
    #[arg(long, help_heading = "Action")]
    pub add: bool,

    /// Remove rules; without principals all of the resources that are named.
    #[arg(long, help_heading = "Action")]
    pub remove: bool,

    /// Do not ask before removing.
    #[arg(long, help_heading = "Action")]
    pub force: bool,

    /// A topic; '*' is all of them. Repeatable, as the other resources.
    #[arg(long, value_name = "TOPIC", help_heading = "Resource", add = names::topics())]
    pub topic: Vec<String>,

    /// A group.
    #[arg(long, value_name = "GROUP", help_heading = "Resource", add = names::groups())]
    pub group: Vec<String>,

    /// The cluster itself.
    #[arg(long, help_heading = "Resource")]
    pub cluster: bool,

    /// A transactional id.
    #[arg(long, value_name = "ID", help_heading = "Resource")]
    pub transactional_id: Vec<String>,

    /// A delegation token.
    #[arg(long, value_name = "ID", help_heading = "Resource")]
    pub delegation_token: Vec<String>,

    /// A user, for rules about their tokens.
    #[arg(long, value_name = "PRINCIPAL", help_heading = "Resource")]
    pub user_principal: Vec<String>,

    /// literal (the default) or prefixed; for --list and --remove also any, or match: whatever applies to a resource of this name.
    #[arg(long, value_name = "TYPE", help_heading = "Resource")]
    pub resource_pattern_type: Option<String>,

    /// What is allowed or denied: Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs,
    /// IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit, All. Default: All. Repeatable.
    #[arg(long, value_name = "OPERATION", help_heading = "Rule")]
    pub operation: Vec<String>,

    /// Who is allowed: User:name, User:'*'. Repeatable.
    #[arg(long, value_name = "PRINCIPAL", help_heading = "Rule")]
    pub allow_principal: Vec<String>,

    /// Who is denied, whatever else is allowed. Repeatable.
    #[arg(long, value_name = "PRINCIPAL", help_heading = "Rule")]
    pub deny_principal: Vec<String>,

    /// From where those allowed are. Default: from anywhere. Repeatable.
    #[arg(long, value_name = "HOST", help_heading = "Rule")]
    pub allow_host: Vec<String>,

    /// From where those denied are. Default: from anywhere. Repeatable.
    #[arg(long, value_name = "HOST", help_heading = "Rule")]
    pub deny_host: Vec<String>,

    /// What a producer needs: Write, Describe and Create of --topic, Write and Describe of --transactional-id.
    #[arg(long, help_heading = "Rule")]
    pub producer: bool,

    /// With --producer: IdempotentWrite of the cluster.
    #[arg(long, help_heading = "Rule")]
    pub idempotent: bool,

    /// What a consumer needs: Read and Describe of --topic, Read of --group.
    #[arg(long, help_heading = "Rule")]
    pub consumer: bool,

    /// With --list: only rules of this principal. Repeatable.
    #[arg(long, value_name = "PRINCIPAL")]
    pub principal: Vec<String>,

    /// How to print what is listed.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

impl Args {
    async fn work(&self, plan: &Plan, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        match (self.list, self.add) {
            (true, _) => self.show(&admin, cx).await,
            (_, true) => add(&admin, plan, cx).await,
            _ => self.take(&admin, plan, cx).await,
        }
    }

    async fn show(&self, admin: &Admin, cx: &Context) -> Result<(), CliError> {
        let resources = self.resources()?;
        let mut found = Vec::new();
        if resources.is_empty() {
            found = admin.describe_acls(&AclFilter::ANY).await?;
        }
        for resource in resources {
            found.extend(admin.describe_acls(&resource.filter()).await?);
        }
        found.sort_by_key(|b| (Resource::of(b), Access::of(b).shown()));
        found.dedup();
        let mut out = Out::stdout();
        let format = Format::pick(self.output, cx);
        let principals: Vec<String> =
            self.principal.iter().map(|p| Ok(principal::parse(p)?.to_string())).collect::<Result<_, CliError>>()?;
        found.retain(|b| principals.is_empty() || principals.contains(&b.principal));
        facts(&found).print(&mut out, format, |out| {
            if principals.is_empty() {
                print(out, &found.iter().collect::<Vec<_>>())?;
            }
            principals.iter().try_for_each(|principal| {
                out.line(format!("ACLs for principal `{principal}`"))?;
                print(out, &found.iter().filter(|b| b.principal == *principal).collect::<Vec<_>>())
            })
        })?;
        out.flush()
    }

    async fn take(&self, admin: &Admin, plan: &Plan, cx: &Context) -> Result<(), CliError> {
        for (resource, rules) in plan {
            let shown = resource.shown();
            let question = match rules.is_empty() {
                true => format!("Are you sure you want to delete all ACLs for resource filter `{shown}`? (y/n)"),
                false => {
                    let rules = lines(rules).join("\n");
                    format!("Are you sure you want to remove ACLs: \n {rules}\n from resource filter `{shown}`? (y/n)")
                }
            };
            if !self.force && !confirmed(&question, cx)? {
                continue;
            }
            let filter = |rule: &Access| AclFilter {
                principal: Some(rule.principal.clone()),
                host: Some(rule.host.clone()),
                operation: rule.operation,
                permission: rule.permission,
                ..resource.filter()
            };
            let filters: Vec<AclFilter> = if rules.is_empty() { vec![resource.filter()] } else { rules.iter().map(filter).collect() };
            let removed = admin.delete_acls(&filters).await?;
            if !cx.is_kafka() {
                stderr_line(format!("{}: {} rules removed", resource.name, removed.len()));
            }
        }
        Ok(())
    }
}

/// What is there already is told and left alone.
async fn add(admin: &Admin, plan: &Plan, cx: &Context) -> Result<(), CliError> {
    for (resource, rules) in plan {
        let there = admin.describe_acls(&resource.filter()).await?;
        let (known, new): (Vec<&Access>, Vec<&Access>) = rules.iter().partition(|rule| there.contains(&resource.with(rule)));
        for rule in known {
            cx.say(format!("Acl (pattern={}, entry={}) already exists.", resource.shown(), rule.shown()))?;
        }
        if new.is_empty() {
            continue;
        }
        let entries = lines(&new.iter().map(|rule| (*rule).clone()).collect::<Vec<_>>()).join("\n");
        cx.say(format!("Adding ACLs for resource `{}`: \n {entries}\n", resource.shown()))?;
        let bindings: Vec<AclBinding> = new.iter().map(|rule| resource.with(rule)).collect();
        admin.create_acls(&bindings).await?;
    }
    Ok(())
}

fn lines(rules: &[Access]) -> Vec<String> {
    rules.iter().map(|rule| format!("\t{}", rule.shown())).collect()
}

fn confirmed(question: &str, cx: &Context) -> Result<bool, CliError> {
    cx.say(question)?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|e| CliError::failed("cannot read the answer from standard input").cause(e.to_string()))?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

/// Kafka's blocks, one a resource.
fn print(out: &mut Out, found: &[&AclBinding]) -> Result<(), CliError> {
    let mut blocks: BTreeMap<Resource, Vec<Access>> = BTreeMap::new();
    found.iter().for_each(|b| blocks.entry(Resource::of(b)).or_default().push(Access::of(b)));
    for (resource, rules) in blocks {
        out.line(format!("Current ACLs for resource `{}`:\n{}\n", resource.shown(), lines(&rules).join("\n")))?;
    }
    Ok(())
}

fn facts(found: &[AclBinding]) -> Facts {
    const COLUMNS: &[Column] = &[
        text("resource"),
        text("resource_type"),
        text("pattern_type"),
        text("principal"),
        text("host"),
        text("operation"),
        text("permission"),
    ];
    let row = |b: &AclBinding| {
        let (kind, pattern) = (resource_name(b.resource_type), pattern_name(b.pattern_type));
        let (operation, permission) = (operation_name(b.operation), permission_name(b.permission));
        row![&b.resource_name, kind, pattern, &b.principal, &b.host, operation, permission]
    };
    Facts::new(COLUMNS, found.iter().map(row))
}

impl Tool for Args {
    const COMMAND: &'static str = "acls";
    const KAFKA: &'static str = "kafka-acls";
    const ABOUT: &'static str = "List, add and remove the rules of who may do what.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check(cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let plan = if self.list { Plan::new() } else { self.plan()? };
        self.resources()?;
        let connection = ConnectionArgs { bootstrap_controller: self.bootstrap_controller.clone(), ..self.connection.clone() };
        let done = connect::run(&connection, properties, cx, connect::ADMIN, async |properties| self.work(&plan, &properties, cx).await);
        done.map(|()| Exit::OK).map_err(|e| match e.kind {
            Kind::Failed if !e.java.class.is_empty() => e.wrapped_in("java.util.concurrent.ExecutionException"),
            _ => e,
        })
    }

    /// Everything but wrong usage is told on standard output.
    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        if matches!(error.kind, Kind::Usage | Kind::Parse) {
            usage::report(error, entry);
            return Exit::FAILED;
        }
        let mut out = Out::stdout();
        let told = out.line(format!("Error while executing ACL command: {}\n{}\n", error.kafka_message(), error.as_java()));
        // Nobody reads it any more: nothing left to tell.
        let _ = told.and_then(|()| out.flush());
        Exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::out::facts::{Cell, assert_documented};

    #[test]
    fn a_rule_is_one_row() {
        let resource = Resource { kind: rules::TOPIC, name: "orders".into(), pattern: rules::LITERAL };
        let access = Access { principal: "User:a".into(), host: "*".into(), operation: rules::READ, permission: rules::ALLOW };
        let facts = facts(&[resource.with(&access)]);
        assert_documented("kfk acls --list", facts.columns);
        let shown: Vec<String> = facts.rows[0].iter().map(Cell::to_text).collect();
        assert_eq!(shown, ["orders", "TOPIC", "LITERAL", "User:a", "*", "READ", "ALLOW"]);
    }
}
