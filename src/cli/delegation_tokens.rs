//! `kfk delegation-tokens`, `kafka-delegation-tokens.sh`: creates, renews, expires and describes delegation tokens.

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind};
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out, plain};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage::{self, refuse, require};
use super::{base64, principal};
use crate::client::admin::{DelegationToken, NewToken, Principal};

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client, with what it needs to prove who it is.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Create a token.
    #[arg(long, help_heading = "Action")]
    pub create: bool,

    /// Renew a token.
    #[arg(long, help_heading = "Action")]
    pub renew: bool,

    /// Make a token expire.
    #[arg(long, help_heading = "Action")]
    pub expire: bool,

    /// Describe tokens: of --owner-principal, or all that one may see.
    #[arg(long, help_heading = "Action")]
    pub describe: bool,

    /// Whose tokens, or whose token to create: User:name. Repeatable.
    #[arg(long, value_name = "PRINCIPAL")]
    pub owner_principal: Vec<String>,

    /// Who may renew the token: User:name. Repeatable.
    #[arg(long, value_name = "PRINCIPAL")]
    pub renewer_principal: Vec<String>,

    /// The longest a new token may live, in milliseconds; -1: as the broker is configured.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub max_life_time_period: Option<i64>,

    /// Renew for so long, in milliseconds; -1: as the broker is configured.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub renew_time_period: Option<i64>,

    /// Expire in so many milliseconds; -1: at once.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub expiry_time_period: Option<i64>,

    /// The HMAC of the token, in base64.
    #[arg(long, value_name = "HMAC", allow_hyphen_values = true)]
    pub hmac: Option<String>,

    /// How to print tokens.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

const COLUMNS: &[Column] = &[
    text("id"),
    text("hmac"),
    text("owner"),
    text("requester"),
    text("renewers"),
    text("issued"),
    text("expires"),
    text("max"),
    number("issued_ms").detail(),
    number("expires_ms").detail(),
    number("max_ms").detail(),
];

/// Kafka's widths.
const HEADS: [(&str, usize); 8] = [
    ("TOKENID", 15),
    ("HMAC", 30),
    ("OWNER", 15),
    ("REQUESTER", 15),
    ("RENEWERS", 25),
    ("ISSUEDATE", 15),
    ("EXPIRYDATE", 15),
    ("MAXDATE", 15),
];

impl Args {
    fn check(&self, cx: &Context) -> Result<(), CliError> {
        if [self.create, self.renew, self.expire, self.describe].iter().filter(|a| **a).count() != 1 {
            return Err(CliError::usage("Command must include exactly one action: --create, --renew, --expire or --describe"));
        }
        // Without proof of who it is nobody gets a token, so Kafka's tool wants the file; kfk tells what the broker says.
        let config = self.command_config.is_some() || !cx.is_kafka();
        require(&[("bootstrap-server", self.connection.given(cx)), ("command-config", config)])?;
        let hmac = ("hmac", self.hmac.is_some());
        let longest = ("max-life-time-period", self.max_life_time_period.is_some());
        let renew = ("renew-time-period", self.renew_time_period.is_some());
        let expiry = ("expiry-time-period", self.expiry_time_period.is_some());
        let owner = ("owner-principal", !self.owner_principal.is_empty());
        let renewer = ("renewer-principal", !self.renewer_principal.is_empty());
        if self.create {
            require(&[longest])?;
        }
        if self.renew {
            require(&[hmac, renew])?;
        }
        if self.expire {
            require(&[hmac, expiry])?;
        }
        refuse(("create", self.create), &[hmac, renew, expiry])?;
        refuse(("renew", self.renew), &[renewer, longest, expiry, owner])?;
        refuse(("expire", self.expire), &[longest, renew, owner])?;
        refuse(("describe", self.describe), &[renew, longest, hmac, expiry])
    }

    async fn work(&self, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let owners = principals(&self.owner_principal)?;
        let renewers = principals(&self.renewer_principal)?;
        let hmac = self.hmac.clone().unwrap_or_default();
        let decoded = || {
            let bytes = base64::decode(&hmac).map_err(|why| CliError::value(why).exception("java.lang.IllegalArgumentException"))?;
            Ok::<_, CliError>(bytes.into())
        };
        if self.create {
            let period = self.max_life_time_period.unwrap_or(-1);
            cx.say(format!("Calling create token operation with renewers :{} , max-life-time-period :{period}", list(&renewers)))?;
            let new = NewToken { owner: owners.into_iter().next(), renewers, max_lifetime_ms: period };
            let token = connect::admin(properties, cx).await?.create_token(&new).await?;
            cx.say(format!("Created delegation token with tokenId : {}", token.id))?;
            return self.render(&[token], cx);
        }
        if self.describe {
            cx.say(match owners.is_empty() {
                true => "Calling describe token operation for current user.".to_owned(),
                false => format!("Calling describe token operation for owners: {}", list(&owners)),
            })?;
            let tokens = connect::admin(properties, cx).await?.describe_tokens(&owners).await?;
            return self.render(&tokens, cx);
        }
        let (what, until) = match self.renew {
            true => {
                let period = self.renew_time_period.unwrap_or(-1);
                cx.say(format!("Calling renew token operation with hmac :{hmac} , renew-time-period :{period}"))?;
                ("renew", connect::admin(properties, cx).await?.renew_token(decoded()?, period).await?)
            }
            false => {
                let period = self.expiry_time_period.unwrap_or(-1);
                cx.say(format!("Calling expire token operation with hmac :{hmac} , expire-time-period :{period}"))?;
                ("expire", connect::admin(properties, cx).await?.expire_token(decoded()?, period).await?)
            }
        };
        let mut out = Out::stdout();
        const UNTIL: &[Column] = &[text("expires"), number("expires_ms").detail()];
        let facts = Facts::new(UNTIL, [row![moment(until), until]]);
        facts.print(&mut out, Format::pick(self.output, cx), |out| {
            // Kafka's tool ends no line here.
            let end = if cx.is_kafka() { "" } else { "\n" };
            out.bytes(format!("Completed {what} operation. New expiry date : {}{end}", date(until)).as_bytes())
        })?;
        out.flush()
    }

    fn render(&self, tokens: &[DelegationToken], cx: &Context) -> Result<(), CliError> {
        let mut out = Out::stdout();
        let row = |t: &DelegationToken| {
            let (hmac, renewers) = (base64::encode(&t.hmac), t.renewers.iter().map(ToString::to_string).collect::<Vec<_>>());
            let (owner, requester) = (t.owner.to_string(), t.requester.to_string());
            let (issued, expires, max) = (moment(t.issued), moment(t.expires), moment(t.max));
            row![&t.id, hmac, owner, requester, renewers, issued, expires, max, t.issued, t.expires, t.max]
        };
        Facts::new(COLUMNS, tokens.iter().map(row)).print(&mut out, Format::pick(self.output, cx), |out| {
            if self.describe {
                out.bytes(format!("Total number of tokens : {}", tokens.len()).as_bytes())?;
            }
            let heads: Vec<String> = HEADS.iter().map(|(head, _)| (*head).to_owned()).collect();
            std::iter::once(heads).chain(tokens.iter().map(cells)).try_for_each(|cells| {
                let cells: Vec<(&str, usize)> = cells.iter().zip(HEADS).map(|(c, (_, width))| (c.as_str(), width)).collect();
                out.line(format!("\n{}", plain::row(&cells)))
            })
        })?;
        out.flush()
    }
}

fn principals(texts: &[String]) -> Result<Vec<Principal>, CliError> {
    texts.iter().map(|t| principal::parse(t)).collect()
}

fn list(principals: &[Principal]) -> String {
    format!("[{}]", principals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn cells(t: &DelegationToken) -> Vec<String> {
    let (hmac, renewers) = (base64::encode(&t.hmac), list(&t.renewers));
    vec![t.id.clone(), hmac, t.owner.to_string(), t.requester.to_string(), renewers, date(t.issued), date(t.expires), date(t.max)]
}

/// As RFC 3339 has it, if there is such a day.
fn moment(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|t| t.to_string())
}

/// In local time, to the minute.
fn date(ms: i64) -> String {
    let zoned = jiff::Timestamp::from_millisecond(ms).map(|t| t.to_zoned(jiff::tz::TimeZone::system()));
    zoned.map_or_else(|_| ms.to_string(), |z| z.strftime("%Y-%m-%dT%H:%M").to_string())
}

impl Tool for Args {
    const COMMAND: &'static str = "delegation-tokens";
    const KAFKA: &'static str = "kafka-delegation-tokens";
    const ABOUT: &'static str = "Create, renew, expire and describe delegation tokens.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check(cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let done = connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(&properties, cx).await);
        done.map(|()| Exit::OK).map_err(|e| match e.kind {
            Kind::Failed => e.wrapped_in("java.util.concurrent.ExecutionException"),
            _ => e,
        })
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        usage::report_with_trace("", error, entry);
        Exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_moments_are_as_documented() {
        crate::cli::out::facts::assert_documented("kfk delegation-tokens --describe", COLUMNS);
        assert_eq!(moment(1_700_000_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(moment(i64::MAX), None);
    }

    #[test]
    fn a_token_is_one_row() {
        let who = |name: &str| Principal { kind: "User".into(), name: name.into() };
        let token = DelegationToken {
            id: "id".into(),
            hmac: vec![1, 2, 3].into(),
            owner: who("a"),
            requester: who("b"),
            renewers: vec![who("c"), who("d")],
            issued: 0,
            expires: 60_000,
            max: i64::MAX,
        };
        let cells = cells(&token);
        assert_eq!(cells[..5], ["id", "AQID", "User:a", "User:b", "[User:c, User:d]"]);
        assert_eq!((cells[5].len(), cells[7].as_str()), ("1970-01-01T00:00".len(), "9223372036854775807"));
    }
}
