//! A cluster of three brokers, which kfk itself is not: an Apache Kafka, if the environment names one.

use crate::replay::RECORDED_BROKER;
use crate::transcript::Case;

/// `HOST:PORT,HOST:PORT`: a broker and a controller of three combined nodes with the ids 1, 2 and 3, the racks r1, r2 and r3, two data
/// directories each, `auto.leader.rebalance.enable=false` and `min.insync.replicas=1`.
const THREE: &str = "KFK_REPLAY_THREE";
/// As recorded: ports of brokers and of controllers.
const BROKERS: [u16; 3] = [19210, 19212, 19214];
const CONTROLLERS: [u16; 3] = [19211, 19213, 19215];

pub struct Cluster {
    pub brokers: String,
    controllers: String,
}

/// `None`, and a line about it, if there is no such cluster.
pub fn cluster() -> Option<Cluster> {
    let Ok(addresses) = std::env::var(THREE) else {
        println!("skipped: {THREE} names no cluster of three");
        return None;
    };
    let (brokers, controllers) = addresses.split_once(',').expect("a broker and a controller");
    Some(Cluster { brokers: brokers.to_owned(), controllers: controllers.to_owned() })
}

impl Cluster {
    /// Puts the addresses of this cluster into a recorded command, and lets any address stand in its output.
    pub fn adapt(&self, case: &mut Case) {
        for port in BROKERS {
            case.command = case.command.replace(&format!("localhost:{port}"), RECORDED_BROKER);
        }
        for port in CONTROLLERS {
            let recorded = format!("localhost:{port}");
            case.command = case.command.replace(&recorded, &self.controllers);
            case.stdout = case.stdout.replace(&format!("CONTROLLER://{recorded}"), "CONTROLLER://<address>");
        }
    }
}
