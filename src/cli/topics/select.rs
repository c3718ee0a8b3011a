//! Which topics `--topic` means: a regular expression that must match the whole name, commas standing for "or".

use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::cli::topic_pattern::expression;
use crate::client::admin::{Admin, TopicListing};
use crate::wire::Uuid;

const ILLEGAL: &str = "java.lang.IllegalArgumentException";

/// Names of the topics, sorted.
///
/// A name that is given letter by letter means that topic alone under kfk's own name; Kafka's tool takes `a.b` for `a-b` as well.
/// Errors: the expression is invalid; the brokers cannot be asked.
pub(super) async fn topics(
    admin: &Admin,
    pattern: Option<&str>,
    exclude_internal: bool,
    cx: &Context,
) -> Result<Vec<TopicListing>, CliError> {
    let all = admin.list_topics(!exclude_internal).await?;
    let Some(pattern) = pattern else { return Ok(all) };
    if !cx.is_kafka() && all.iter().any(|t| t.name == pattern) {
        return Ok(all.into_iter().filter(|t| t.name == pattern).collect());
    }
    let expression = expression(pattern)?;
    Ok(all.into_iter().filter(|t| expression.is_match(&t.name)).collect())
}

/// Refuses when a topic was asked for and there is none such.
pub(super) fn must_exist(found: &[TopicListing], asked: Option<&str>, if_exists: bool) -> Result<(), CliError> {
    match asked {
        Some(name) if found.is_empty() && !if_exists && !name.is_empty() => {
            Err(CliError::failed(format!("Topic '{name}' does not exist as expected"))
                .hint("`kfk topics --list` shows what there is; --if-exists makes this no error")
                .exception(ILLEGAL))
        }
        _ => Ok(()),
    }
}

/// Reads a topic's id. Errors: in the words of Java, whose reader of such texts Kafka's tool uses.
pub(super) fn topic_id(text: &str) -> Result<Uuid, CliError> {
    let refused = |message: String| CliError::failed(message).hint("`kfk topics --describe` shows the ids of topics").exception(ILLEGAL);
    if text.chars().count() > 24 {
        let start: String = text.chars().take(24).collect();
        return Err(refused(format!("Input string with prefix `{start}` is too long to be decoded as a base64 UUID")));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '='))) {
        return Err(refused(format!("Illegal base64 character {:x}", u32::from(bad))));
    }
    let digits = text.trim_end_matches('=').len();
    if digits % 4 == 1 {
        return Err(refused("Last unit does not have enough valid bits".to_owned()));
    }
    let bytes = digits * 6 / 8;
    text.trim_end_matches('=').parse().map_err(|_| {
        refused(format!(
            "Input string `{text}` decoded as {bytes} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_java_does() {
        assert_eq!(topic_id("not-an-id").unwrap_err().message, "Last unit does not have enough valid bits");
        assert_eq!(topic_id("AAAAAAAAAAAAAAAAAAAAAA").unwrap(), Uuid::default());
        assert!(topic_id("AAAA").unwrap_err().message.contains("decoded as 3 bytes"));
        assert!(topic_id("a b").unwrap_err().message.contains("Illegal base64 character 20"));
    }
}
