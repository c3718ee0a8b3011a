//! Profiles, the project's file and the environment: what counts before what, and where it is said to come from.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::replay::dead_address;

/// A home and a working directory of its own.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(place.project().join("src")).unwrap();
        // Nothing above is looked at.
        std::fs::create_dir(place.project().join(".git")).unwrap();
        place
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn write(&self, path: &str, text: &str) -> String {
        let path = self.dir.path().join(path);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs kfk in the project's `src`.
    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        for name in ["KFK_BROKERS", "KFK_COMMAND_CONFIG", "KFK_OUTPUT", "KFK_PROFILE"] {
            command.env_remove(name);
        }
        command.args(args).current_dir(self.project().join("src")).env("XDG_CONFIG_HOME", self.dir.path().join("config"));
        let output = command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args, &[]);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        out
    }

    /// Which broker a command looks for.
    fn asked(&self, args: &[&str], variables: &[(&str, &str)]) -> String {
        let (code, _, err) = self.run(&[&["topics", "--list"], args].concat(), variables);
        assert_eq!(code, 1, "{err}");
        let after = err.split("cannot reach any broker of ").nth(1).unwrap_or_else(|| panic!("{err}"));
        after.split(' ').next().unwrap().to_owned()
    }

    /// Setting, value and source, as `kfk profile show` has them.
    fn shown(&self, variables: &[(&str, &str)]) -> Vec<[Value; 3]> {
        let (code, out, err) = self.run(&["profile", "show", "--explain", "-o", "json"], variables);
        assert_eq!(code, 0, "{err}");
        let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
        rows.iter().map(|row| ["setting", "value", "from"].map(|field| row[field].clone())).collect()
    }
}

fn name_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_is_nearer_to_the_command_counts_more() {
    let place = Place::new();
    let [flag, file, variable, project, profile] = [(); 5].map(|()| dead_address());
    // Nothing but the default: nobody may listen there, or somebody.
    assert_eq!(place.shown(&[])[0], ["bootstrap.servers", "localhost:9092", "default"]);
    place.ok(&["profile", "set", "dev", "--bootstrap-server", &profile]);
    assert_eq!(place.shown(&[])[0][2], "default", "not in use yet");
    place.ok(&["profile", "use", "dev"]);
    assert_eq!(place.asked(&[], &[]), profile);
    assert_eq!(place.shown(&[])[0], ["bootstrap.servers", &profile, "profile dev"]);
    let project_file = place.write("project/.kfk.properties", &format!("bootstrap.servers={project}\n"));
    assert_eq!(place.asked(&[], &[]), project);
    assert_eq!(place.shown(&[])[0], ["bootstrap.servers", &project, &project_file]);
    let by_variable = [("KFK_BROKERS", variable.as_str())];
    assert_eq!(place.asked(&[], &by_variable), variable);
    assert_eq!(place.shown(&by_variable)[0], ["bootstrap.servers", &variable, "$KFK_BROKERS"]);
    let config = place.write("c.properties", &format!("bootstrap.servers={file}\n"));
    assert_eq!(place.asked(&["--command-config", &config], &by_variable), file);
    assert_eq!(place.asked(&["--command-config", &config, "--bootstrap-server", &flag], &by_variable), flag);
    // A profile that a variable names stands above the project; an empty variable means none at all.
    assert_eq!(place.asked(&[], &[("KFK_PROFILE", "dev")]), profile);
    std::fs::remove_file(&project_file).unwrap();
    assert_eq!(place.shown(&[("KFK_PROFILE", "")])[0][2], "default");
    // A project may name a profile.
    place.ok(&["profile", "use", "--none"]);
    place.write("project/.kfk.properties", "profile=dev\n");
    assert_eq!(place.shown(&[])[0], ["bootstrap.servers", &profile, "profile dev"]);
}

#[test]
fn explain_tells_what_stands_back() {
    let place = Place::new();
    place.ok(&["profile", "set", "dev", "--bootstrap-server", "dev:9092", "--output", "json", "--use"]);
    let (_, out, _) = place.run(&["profile", "show", "--explain", "-o", "plain"], &[("KFK_BROKERS", "other:1"), ("KFK_OUTPUT", "plain")]);
    let wanted = "\
bootstrap.servers=other:1
  from $KFK_BROKERS
  not  dev:9092 from profile dev
  not  localhost:9092 from default
command.config=
output=plain
  from $KFK_OUTPUT
  not  json from profile dev
";
    assert_eq!(out, wanted);
    assert_eq!(place.ok(&["profile", "show", "dev", "-o", "plain"]), "bootstrap.servers=dev:9092\noutput=json\n");
}

#[test]
fn settings_go_only_to_the_brokers_that_they_are_for() {
    let place = Place::new();
    let [prod, other] = [(); 2].map(|()| dead_address());
    // A file that no client takes shows whether it was read.
    let secret = place.write("prod.properties", "security.protocol=NONSENSE\nsasl.jaas.config=hunter2\n");
    place.ok(&["profile", "set", "prod", "--bootstrap-server", &prod, "--command-config", &secret, "--use"]);
    let (code, _, err) = place.run(&["topics", "--list"], &[]);
    assert!(code == 2 && err.contains("NONSENSE") && !err.contains("hunter2"), "{err}");
    assert_eq!(place.shown(&[])[1], ["command.config", &secret, "profile prod"]);
    // Other brokers, by whomever they are named, do not get them.
    assert_eq!(place.asked(&["--bootstrap-server", &other], &[]), other);
    assert_eq!(place.asked(&[], &[("KFK_BROKERS", &other)]), other);
    place.write("project/.kfk.properties", &format!("bootstrap.servers={other}\n"));
    assert_eq!(place.asked(&[], &[]), other);
    assert_eq!(place.shown(&[])[1], [Value::from("command.config"), Value::Null, Value::Null]);
    let (_, out, _) = place.run(&["profile", "show", "--explain", "-o", "plain"], &[]);
    assert!(out.contains(&format!("  not  {secret} from profile prod, which does not name the brokers; ")), "{out}");
    // Nor may a project send them to its own brokers.
    place.write("project/.kfk.properties", &format!("bootstrap.servers={other}\ncommand.config={secret}\n"));
    let (code, _, err) = place.run(&["topics", "--list"], &[]);
    assert!(code == 2 && err.contains("command.config is outside of the project"), "{err}");
    place.write("project/client.properties", "client.id=x\n");
    place.write("project/.kfk.properties", &format!("bootstrap.servers={other}\ncommand.config=client.properties\n"));
    assert_eq!(place.asked(&[], &[]), other);
    // A file that a variable names goes with brokers that come from below it.
    let (code, _, err) = place.run(&["topics", "--list"], &[("KFK_COMMAND_CONFIG", &secret)]);
    assert!(code == 2 && err.contains("NONSENSE"), "{err}");
}

#[test]
fn kafkas_names_know_no_profiles() {
    let place = Place::new();
    place.ok(&["profile", "set", "dev", "--bootstrap-server", &dead_address(), "--output", "json", "--use"]);
    let (code, out, err) = place.run(&["kafka-topics", "--list"], &[]);
    assert!(code == 1 && err.contains("--bootstrap-server"), "{out}{err}");
    let (_, out, _) = place.run(&["kafka-topics", "--version"], &[]);
    assert_eq!(out, "4.3.1\n");
}

#[test]
fn profiles_are_listed_changed_and_deleted() {
    let place = Place::new();
    place.ok(&["profile", "set", "b", "--bootstrap-server", "b1,b2:1"]);
    place.ok(&["profile", "create", "a", "--bootstrap-server", "a:1", "--use"]);
    assert_eq!(place.ok(&["profile", "list", "-o", "plain"]), "a (in use)\nb\n");
    assert_eq!(place.ok(&["profile", "list", "-o", "name"]), "a\nb\n");
    assert_eq!(place.ok(&["profile", "show", "b", "-o", "plain"]), "bootstrap.servers=b1:9092,b2:1\n");
    place.ok(&["profile", "set", "b", "--output", "yaml"]);
    assert_eq!(place.ok(&["profile", "show", "b", "-o", "plain"]), "bootstrap.servers=b1:9092,b2:1\noutput=yaml\n");
    place.ok(&["profile", "set", "b", "--output", ""]);
    assert_eq!(place.ok(&["profile", "show", "b", "-o", "plain"]), "bootstrap.servers=b1:9092,b2:1\n");
    place.ok(&["profile", "delete", "a"]);
    assert_eq!(place.ok(&["profile", "list", "-o", "plain"]), "b\n");
    assert_eq!(place.shown(&[])[0][2], "default");
    for (args, wanted) in [
        (["use", "nosuch"].as_slice(), "there is no profile nosuch"),
        (&["set", "../x"], "\"../x\" is no name for a profile"),
        (&["set", "b", "--output", "xml"], "xml is no output format"),
        (&["set", "b", "--command-config", "nosuch.properties"], "cannot read nosuch.properties"),
        (&["set", "b", "--bootstrap-server", "x:y"], "Invalid url"),
        (&["use"], "either a profile's name or --none"),
    ] {
        let (code, out, err) = place.run(&[&["profile"], args].concat(), &[]);
        assert!((code, out.as_str()) == (2, "") && err.contains(wanted), "{args:?}: {err}");
    }
    let (code, _, err) = place.run(&["topics", "--list"], &[("KFK_PROFILE", "nosuch")]);
    assert!(code == 2 && err.contains("there is no profile nosuch") && err.contains("there are b"), "{err}");
    // A key that nobody knows is told, what stands behind it is not.
    let file = place.dir.path().join("config/kfk/profiles/b.properties");
    std::fs::write(&file, "bootstrap.servers=b:1\nsasl.password=hunter2\n").unwrap();
    let (code, out, err) = place.run(&["profile", "show", "b"], &[]);
    assert!(code == 0 && err.contains(name_of(&file)) && err.contains("sasl.password is passed over"), "{err}");
    assert!(!out.contains("hunter2") && !err.contains("hunter2"));
}

#[test]
fn the_wanted_output_is_that_of_commands_that_print_facts() {
    let place = Place::new();
    let output = |variables: &[(&str, &str)]| place.run(&["profile", "list"], variables);
    place.ok(&["profile", "set", "a", "--bootstrap-server", "a:1"]);
    assert_eq!(output(&[]).1, "a\n");
    assert!(serde_json::from_str::<Value>(&output(&[("KFK_OUTPUT", "json")]).1).unwrap().is_array());
    place.ok(&["profile", "set", "a", "--output", "jsonl", "--use"]);
    assert!(serde_json::from_str::<Value>(&output(&[]).1).unwrap().is_object());
    let (code, out, err) = output(&[("KFK_OUTPUT", "nonsense")]);
    assert_eq!((code, out.as_str()), (0, "a (in use)\n"));
    assert!(err.starts_with("warning: $KFK_OUTPUT wants output nonsense"), "{err}");
}
