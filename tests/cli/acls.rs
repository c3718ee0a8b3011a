//! `kafka-acls` and `kafka-delegation-tokens`: what a broker without an authorizer answers; and with one, if the environment names it.

use crate::broker;
use crate::offsets::fast_properties;
use crate::pattern::without_java;
use crate::replay::Replay;
use crate::transcript::Case;

/// `HOST:PORT,HOST:PORT`: a broker and a controller with Kafka's `StandardAuthorizer`, `super.users=User:ANONYMOUS` and no rules.
const AUTHORIZER: &str = "KFK_REPLAY_AUTHORIZER";

#[test]
fn acls_replay() {
    let broker = broker::start();
    let authorizer = std::env::var(AUTHORIZER).ok();
    if authorizer.is_none() {
        println!("skipped in part: {AUTHORIZER} names no broker with an authorizer");
    }
    Replay {
        file: "kafka-acls",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| true,
        side_by_side: |_| false,
        before: &|_, case, dir| {
            fast_properties(dir);
            sort_entries(case);
            // This tool tells of failures on standard output: rule E1 holds there.
            case.stdout = without_java(&case.stdout);
            if let Some(at) = case.stdout.find("Error while executing ACL command: Cannot invoke \"java.io.Console") {
                // Kafka's tool takes an answer from a terminal only.
                case.stdout.truncate(at);
                case.exit = Some(0);
            }
            match authorizer.as_deref().and_then(|addresses| addresses.split_once(',')) {
                Some((broker, controller)) => {
                    case.command = case.command.replace("localhost:19220", broker).replace("localhost:19221", controller);
                }
                None if needs_rules(case) => case.command = "needs an authorizer".to_owned(),
                None => {}
            }
        },
    }
    .run();
}

fn needs_rules(case: &Case) -> bool {
    let alone = case.stderr.contains("<option table>") || case.stdout.contains("IllegalArgument") || case.stdout.contains("joptsimple");
    case.command.contains("localhost:1922") && !alone
}

/// Rules come out of Java hash sets: rule E5.
fn sort_entries(case: &mut Case) {
    let mut lines: Vec<String> = Vec::new();
    let mut entries: Vec<String> = Vec::new();
    let mut first = String::new();
    for line in case.stdout.split_inclusive('\n') {
        match line.find("\t(principal=") {
            Some(at) => {
                if entries.is_empty() {
                    first = line[..at].to_owned();
                }
                entries.push(line[at..].to_owned());
            }
            None => {
                flush(&mut lines, &mut entries, &first);
                lines.push(line.to_owned());
            }
        }
    }
    flush(&mut lines, &mut entries, &first);
    case.stdout = lines.concat();
}

fn flush(lines: &mut Vec<String>, entries: &mut Vec<String>, first: &str) {
    entries.sort();
    for (at, entry) in entries.drain(..).enumerate() {
        lines.push(if at == 0 { format!("{first}{entry}") } else { entry });
    }
}

#[test]
fn delegation_tokens_replay() {
    let broker = broker::start();
    Replay {
        file: "kafka-delegation-tokens",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, _, dir| std::fs::write(dir.join("dt.properties"), "").unwrap(),
    }
    .run();
}
