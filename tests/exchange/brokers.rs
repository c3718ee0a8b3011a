//! Running kfk and Apache Kafka by turns on one data directory, with one `server.properties` for both.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A directory of jars that is known to hold Kafka 4.3.1.
pub struct Kafka {
    libs: PathBuf,
}

impl Kafka {
    /// Kafka's jars: those in `KFK_KAFKA_LIBS`, or fetched once by Maven. `None` says on standard error why there are none.
    pub fn find() -> Option<Kafka> {
        let skipped = |why: &str| {
            eprintln!("skipped: {why}");
            None
        };
        if Command::new("java").arg("-version").output().is_err() {
            return skipped("no java on this machine");
        }
        if let Some(libs) = std::env::var_os("KFK_KAFKA_LIBS").map(PathBuf::from) {
            let jar = libs.join("kafka-server-4.3.1.jar");
            return if jar.exists() { Some(Kafka { libs }) } else { skipped(&format!("KFK_KAFKA_LIBS has no {}", jar.display())) };
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let libs = root.join("target/kafka-4.3.1");
        let done = libs.join("complete");
        if !done.exists() {
            let pom = root.join("tests/exchange/pom.xml");
            let fetched = Command::new("mvn")
                .args([
                    "-q",
                    "-B",
                    "-Daether.connector.connectTimeout=5000",
                    "-f",
                    text(&pom),
                    "dependency:copy-dependencies",
                    &format!("-DoutputDirectory={}", libs.display()),
                ])
                .stdin(Stdio::null())
                .output();
            match fetched {
                Err(_) => return skipped("no Maven on this machine, and KFK_KAFKA_LIBS is not set"),
                Ok(o) if !o.status.success() => return skipped("Maven cannot fetch Kafka's jars"),
                Ok(_) => fs::write(done, "").unwrap(),
            }
        }
        Some(Kafka { libs })
    }

    /// One of Kafka's classes with a small, quickly started JVM.
    pub fn java(&self, site: &Site, class: &str) -> Command {
        let log4j = site.root.join("log4j2.yaml");
        let quiet = "Configuration:\n  Appenders: {Console: {name: E, target: SYSTEM_ERR, PatternLayout: {pattern: \"%p %m (%c)%n\"}}}\n  \
                     Loggers: {Root: {level: WARN, AppenderRef: {ref: E}}}\n";
        fs::write(&log4j, quiet).unwrap();
        let mut command = Command::new("java");
        command
            .args(["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"])
            .arg(format!("-Dlog4j2.configurationFile={}", log4j.display()))
            .arg(format!("-Dkafka.logs.dir={}", site.root.display()))
            .args(["-cp", &format!("{}/*", self.libs.display()), class])
            .stdin(Stdio::null());
        command
    }
}

/// A data directory, the settings for it, and what the brokers said.
pub struct Site {
    pub root: PathBuf,
    pub addr: SocketAddr,
}

impl Site {
    pub fn new(root: &Path) -> Site {
        // Held together so that they differ; free again before a broker takes them.
        let free = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
        let [addr, controller] = free.map(|l| l.local_addr().unwrap());
        let settings = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@{controller}\n\
             listeners=PLAINTEXT://{addr},CONTROLLER://{controller}\nadvertised.listeners=PLAINTEXT://{addr}\n\
             controller.listener.names=CONTROLLER\nlog.dirs={}\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=3\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\ntransaction.state.log.num.partitions=3\n\
             group.initial.rebalance.delay.ms=0\nlog.cleaner.backoff.ms=200\nlog.initial.task.delay.ms=100\n\
             metadata.log.max.record.bytes.between.snapshots=3000\n\
             delete.topic.enable=true\nauto.create.topics.enable=false\n",
            root.join("data").display()
        );
        fs::write(root.join("server.properties"), settings).unwrap();
        Site { root: root.to_path_buf(), addr }
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The newest snapshot of the metadata log.
    pub fn newest_snapshot(&self) -> Option<String> {
        let names = fs::read_dir(self.data().join("__cluster_metadata-0")).ok()?;
        names.map(|e| e.unwrap().file_name().into_string().unwrap()).filter(|n| n.ends_with(".checkpoint")).max()
    }

    /// All files of topics that end so.
    pub fn files(&self, suffix: &str) -> Vec<PathBuf> {
        let dirs = fs::read_dir(self.data()).unwrap().map(|e| e.unwrap().path());
        let dirs = dirs.filter(|d| d.is_dir() && !text(d).ends_with("-delete"));
        let files = dirs.flat_map(|d| fs::read_dir(d).unwrap().map(|e| e.unwrap().path()));
        files.filter(|f| text(f).ends_with(suffix)).collect()
    }

    pub fn properties(&self) -> PathBuf {
        self.root.join("server.properties")
    }

    pub fn start_kfk(&self) -> Broker {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        command.arg("server").arg(self.properties()).env_remove("KFK_LOG").stdin(Stdio::null());
        self.start(command, "kfk")
    }

    pub fn start_kafka(&self, kafka: &Kafka) -> Broker {
        let mut command = kafka.java(self, "kafka.Kafka");
        command.arg(self.properties());
        self.start(command, "kafka")
    }

    fn start(&self, mut command: Command, name: &'static str) -> Broker {
        let log = self.root.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut broker = Broker { child, name, log };
        let begun = Instant::now();
        while std::net::TcpStream::connect(self.addr).is_err() {
            broker.check();
            assert!(begun.elapsed() < Duration::from_secs(90), "{name} does not listen:\n{}", broker.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        broker
    }
}

/// A running broker, killed if the test ends early.
pub struct Broker {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Broker {
    fn check(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("{} ended with {status}:\n{}", self.name, self.said());
        }
    }

    /// What it has said so far, the end of it.
    pub fn said(&self) -> String {
        let all = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        // Java answers SIGTERM with 143 when all was well.
        assert!(status.success() || status.code() == Some(143), "{} ended with {status}:\n{}", self.name, self.said());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
