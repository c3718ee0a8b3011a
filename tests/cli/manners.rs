//! kfk under its own name: exit codes, errors that name address, cause and remedy, where the broker is taken from, readers that go away.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::replay::dead_address;

fn kfk(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
    command.args(args).env_remove("KFK_BROKERS").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_refused_port_is_told_at_once_with_address_cause_and_remedy() {
    let dead = dead_address();
    for args in [
        ["topics", "--list", "--exclude-internal"].as_slice(),
        &["consumer-groups", "--list"],
        &["console-consumer", "--topic", "t"],
        &["console-producer", "--topic", "t"],
    ] {
        // The fastest of three: other tests may keep this machine busy.
        let timed = || {
            let started = Instant::now();
            (run(kfk(args).args(["--bootstrap-server", &dead])), started.elapsed())
        };
        let ((code, out, err), took) = [timed(), timed(), timed()].into_iter().min_by_key(|(_, took)| *took).unwrap();
        assert!(took < Duration::from_millis(200), "{args:?} took {took:?}");
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}: {err}");
        assert!(err.starts_with(&format!("error: cannot reach any broker of {dead} ")), "{err}");
        assert!(
            err.contains(&format!("  cause: {dead}: connection refused")) && err.contains("  hint: is it running? `kfk server`"),
            "{err}"
        );
    }
}

#[test]
fn what_accepts_but_never_answers_is_told_within_five_seconds() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let started = Instant::now();
    let (code, _, err) = run(&mut kfk(&["topics", "--list", "--bootstrap-server", &address]));
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    assert_eq!(code, 1);
    assert!(err.contains(&address) && err.contains("  cause: ") && err.contains("no answer") && err.contains("  hint: "), "{err}");
}

#[test]
fn the_flag_beats_the_file_and_the_file_beats_the_environment() {
    let (flag, file, environment) = (dead_address(), dead_address(), dead_address());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("client.properties");
    std::fs::write(&path, format!("bootstrap.servers={file}\n")).unwrap();
    let config = ["--command-config", path.to_str().unwrap()];
    let mut list = kfk(&["topics", "--list"]);
    assert!(run(list.env("KFK_BROKERS", &environment)).2.contains(&environment));
    assert!(run(list.args(config)).2.contains(&file));
    assert!(run(list.args(["--bootstrap-server", &flag])).2.contains(&flag));
}

#[test]
fn usage_errors_exit_with_2_and_point_to_the_help() {
    let (code, out, err) = run(&mut kfk(&["topics", "--create"]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(err, "error: Missing required argument \"[topic]\"\n  hint: `kfk topics --help` shows the options\n");
    let (code, _, err) = run(&mut kfk(&["topics", "--lis"]));
    assert_eq!(code, 2);
    assert!(err.contains("--list"), "a typing error gets a suggestion: {err}");
    let (code, out, _) = run(&mut kfk(&["topics", "--help"]));
    assert_eq!(code, 0);
    assert!(out.contains("--bootstrap-server"));
    assert_eq!(run(&mut kfk(&["nosuch"])).0, 2);
}

#[test]
fn kafkas_names_work_as_program_and_as_first_word() {
    let version = |mut command: Command| run(command.arg("--version"));
    let mut linked = kfk(&[]);
    linked.arg0("./kafka-topics");
    assert_eq!(version(linked), (0, "4.3.1\n".to_owned(), String::new()));
    assert_eq!(version(kfk(&["kafka-consumer-groups.sh"])), (0, "4.3.1\n".to_owned(), String::new()));
    let (code, out, err) = run(&mut kfk(&["kafka-topics", "-bootstrap-server", "x:1"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("Command must include exactly one action"), "{err}");
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let mut child = kfk(&["completions", "zsh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn completions_are_quick_and_silent_without_a_broker() {
    let dead = dead_address();
    let started = Instant::now();
    let line = format!("kfk topics --bootstrap-server {dead} --describe --topic a");
    let (code, out, err) = run(kfk(&["--", &line]).env("KFK_COMPLETE", "bash"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    assert!(started.elapsed() < Duration::from_millis(500));
    let (_, out, _) = run(kfk(&["--", "kfk topics --desc"]).env("KFK_COMPLETE", "bash"));
    assert_eq!(out, "--describe");
}

/// What bash gets for a line, started where no server's directory is.
fn completed(line: &str, brokers: &str) -> Vec<String> {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = kfk(&["--", line]);
    let (code, out, err) = run(command.current_dir(elsewhere.path()).env("KFK_COMPLETE", "bash").env("KFK_BROKERS", brokers));
    assert_eq!((code, err.as_str()), (0, ""), "{line}");
    out.lines().map(str::to_owned).collect()
}

#[test]
fn addresses_and_settings_complete_although_nobody_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let started = Instant::now();
    assert_eq!(completed("kfk topics --bootstrap-server ", &address), [address.as_str()]);
    assert_eq!(completed("kfk topics --describe --topic ", &address), [""; 0]);
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
    assert_eq!(completed("kfk topics --create --topic t --config clean", &address), ["cleanup.policy="]);
    assert_eq!(completed("kfk configs --alter --topic t --add-config retention.ms=5,cleanup.policy=c", &address), ["compact"]);
    assert_eq!(completed("kafka-configs --alter --entity-type groups --delete-config share.is", &address), ["share.isolation.level"]);
}

#[test]
fn names_of_what_there_is_come_from_the_broker() {
    let broker = crate::broker::start_with(&[]);
    let port = broker.bootstrap.rsplit_once(':').unwrap().1;
    let (code, _, err) = run(kfk(&["topics", "--create", "--topic", "orders", "--bootstrap-server", &broker.bootstrap]).current_dir("/"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(completed("kfk topics --describe --topic or", &broker.bootstrap), ["orders"]);
    assert_eq!(completed("kfk configs --describe --entity-type topics --entity-name or", &broker.bootstrap), ["orders"]);
    assert_eq!(completed("kfk log-dirs --broker-list ", &broker.bootstrap), ["1"]);
    // By an address that is no name of the broker's it tells the one that it advertises.
    let told = completed("kfk topics --bootstrap-server ", &format!("127.0.0.1:{port}"));
    assert!(told.contains(&broker.bootstrap) && told.contains(&format!("127.0.0.1:{port}")), "{told:?}");
}

#[test]
fn zsh_gets_the_names_as_words_and_an_answer_to_the_first_tab() {
    let (code, out, _) = run(&mut kfk(&["completions", "zsh"]));
    let first = out.lines().next().unwrap();
    assert!(first.starts_with("#compdef kfk kafka-") && !first.contains('\''), "{first}");
    assert!(out.lines().any(|l| l.starts_with("compdef ") && !l.contains('\'')), "{out}");
    assert!(out.trim_end().ends_with("_clap_dynamic_completer_kfk \"$@\"\nfi"), "{out}");
    assert_eq!(code, 0);
}
