//! Settings from the environment, in the way of Apache Kafka's container images.

/// Variables of those images that are for the Java machine, its logging and its scripts, and name no setting.
const NOT_SETTINGS: [&str; 15] = [
    "KAFKA_CLUSTER_ID",
    "KAFKA_DEBUG",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_HOME",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_PORT",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
];

/// The settings among environment variables: `KAFKA_LOG_RETENTION_MS` is `log.retention.ms`. One underscore stands for a dot, two for an
/// underscore, three for a dash. In the order of their names, so that the outcome does not depend on the environment's.
pub fn settings_from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let named = variables.into_iter().filter_map(|(variable, value)| Some((setting(&variable)?, value)));
    let mut settings: Vec<_> = named.collect();
    settings.sort();
    settings
}

fn setting(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("KAFKA_").filter(|name| !name.is_empty())?;
    if NOT_SETTINGS.contains(&variable) {
        return None;
    }
    // Longest first, as the images' own launcher does it.
    Some(name.to_ascii_lowercase().replace("___", "-").replace("__", "\u{0}").replace('_', ".").replace('\u{0}', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_as_in_kafkas_images() {
        let of = |name: &str| settings_from_environment([(name.to_string(), "v".to_string())]).pop().map(|(name, _)| name);
        assert_eq!(of("KAFKA_LOG_RETENTION_MS").as_deref(), Some("log.retention.ms"));
        assert_eq!(of("KAFKA_KFK_DURABILITY").as_deref(), Some("kfk.durability"));
        assert_eq!(of("KAFKA_A__B___C_D").as_deref(), Some("a_b-c.d"));
        for none in ["KAFKA_HEAP_OPTS", "KAFKA_", "PATH", "XKAFKA_NODE_ID"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
