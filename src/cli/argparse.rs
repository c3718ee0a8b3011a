//! Splits a command line the way argparse4j does, the parser of some of Kafka's tools, and hands it to clap.
//!
//! Facts about argparse4j as Kafka uses it: options of the tool come before the subcommand, those of the subcommand after it; long options
//! may be abbreviated as long as they are unmistakable; of an option that is repeated the last one counts; whatever is wrong is told after
//! the usage, in lines of 75 characters with blanks put in between so that they are full.

use std::ffi::OsString;

/// Characters in a line.
const WIDTH: usize = 75;
/// Where descriptions begin in the help.
const HELP_AT: usize = 25;

/// What an option's value must be; checked here, in Java's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Text,
    Integer,
    Long,
    Short,
    Double,
    /// One of these numbers.
    Choice(&'static [i32]),
    /// One text or several, up to the next option.
    Several,
    /// Text, and the option may be repeated.
    Many,
    /// There is none.
    Flag,
}

/// Whether an option belongs to the ones of its level of which one at most may be given. No tool of Kafka's has two such groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneOf {
    No,
    AtMost,
    Exactly,
}

/// One option. `-h` is there without being listed.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// With its dashes.
    pub name: &'static str,
    /// `-x`; empty if there is none.
    pub short: &'static str,
    pub metavar: &'static str,
    pub value: Value,
    pub required: bool,
    pub one_of: OneOf,
    pub help: &'static str,
}

/// A subcommand.
#[derive(Clone, Copy, Debug)]
pub struct Sub {
    pub name: &'static str,
    pub options: &'static [Opt],
    pub help: &'static str,
}

/// A tool's command line, with subcommands or without.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// `kafka-transactions.sh`
    pub prog: &'static str,
    pub options: &'static [Opt],
    pub subs: &'static [Sub],
    /// What stands for the subcommands in the usage; empty: their names.
    pub metavar: &'static str,
    /// There is `-v`.
    pub version: bool,
    /// The exit code after help.
    pub help_exit: u8,
}

/// A command line that is fine.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Options as `--name=value`, the subcommand, its options.
    Words(Vec<OsString>),
    /// Asked for: this text.
    Help(String),
    Version,
}

/// A command line that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The usage of the tool or of the subcommand.
    pub usage: String,
    pub prog: &'static str,
    /// What is wrong.
    pub text: String,
}

impl Refused {
    /// Everything that argparse4j prints about it, without the last newline.
    pub fn told(&self) -> String {
        // The end of the line takes a place in it.
        let line = format!("{}: error: {}\n", self.prog, self.text);
        format!("{}\n{}", self.usage, wrap(&line, 0, "").trim_end_matches('\n'))
    }
}

/// How far the words have been read, and what became of them.
struct Reading<'a> {
    words: &'a [String],
    at: usize,
    /// Names of the options of this level that were there.
    given: Vec<&'static str>,
    out: Vec<OsString>,
}

impl Spec {
    /// Takes the words after the program's name apart.
    pub fn parse(&self, about: &str, words: &[OsString]) -> Result<Parsed, Refused> {
        let words: Vec<String> = words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
        let mut line = Reading { words: &words, at: 0, given: Vec::new(), out: Vec::new() };
        if words.is_empty() && self.subs.is_empty() {
            return Ok(Parsed::Help(self.help(about)));
        }
        while let Some(word) = words.get(line.at) {
            match word.as_str() {
                "-h" | "--help" => return Ok(Parsed::Help(self.help(about))),
                "-v" | "--version" if self.version => return Ok(Parsed::Version),
                _ if word.starts_with('-') => self.option(None, &mut line)?,
                extra if self.subs.is_empty() => return Err(self.refused(None, format!("unrecognized arguments: '{extra}'"))),
                name => {
                    let Some(sub) = self.subs.iter().find(|s| s.name == name) else { return Err(self.invalid_choice(name)) };
                    line.out.push(name.into());
                    let of_tool = std::mem::take(&mut line.given);
                    line.at += 1;
                    if let Some(help) = self.rest(sub, &mut line)? {
                        return Ok(Parsed::Help(help));
                    }
                    self.require(None, &of_tool)?;
                    self.require(Some(sub), &line.given)?;
                    return Ok(Parsed::Words(line.out));
                }
            }
        }
        if !self.subs.is_empty() {
            return Err(self.refused(None, "too few arguments".to_owned()));
        }
        self.require(None, &line.given)?;
        Ok(Parsed::Words(line.out))
    }

    /// What a tool without subcommands says of a command line whose parts do not fit together.
    pub fn unfit(&self, text: &str) -> String {
        self.refused(None, text.to_owned()).told()
    }

    /// What follows the name of a subcommand. Gives its help if that is asked for.
    fn rest(&self, sub: &Sub, line: &mut Reading<'_>) -> Result<Option<String>, Refused> {
        while let Some(word) = line.words.get(line.at) {
            match word.as_str() {
                "-h" | "--help" => return Ok(Some(self.sub_help(sub))),
                _ if word.starts_with('-') => self.option(Some(sub), line)?,
                extra => return Err(self.refused(Some(sub), format!("unrecognized arguments: '{extra}'"))),
            }
        }
        Ok(None)
    }

    /// One word with options, of the tool or of a subcommand, and the value that follows it.
    fn option(&self, sub: Option<&Sub>, line: &mut Reading<'_>) -> Result<(), Refused> {
        let word = &line.words[line.at];
        line.at += 1;
        let unknown = || self.refused(sub, format!("unrecognized arguments: '{word}'"));
        let (name, attached) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
        if let Some(opt) = find(options_of(self, sub), name) {
            return self.take(sub, opt, attached, line);
        }
        // `-sN`, `-cFILE`: options of one letter written as one word.
        let mut rest = word.strip_prefix('-').filter(|r| !r.starts_with('-')).ok_or_else(unknown)?;
        while let Some(letter) = rest.chars().next() {
            let short = format!("-{letter}");
            rest = &rest[letter.len_utf8()..];
            let opt = options_of(self, sub).iter().find(|o| o.short == short).ok_or_else(unknown)?;
            if opt.value != Value::Flag {
                return self.take(sub, opt, Some(rest).filter(|r| !r.is_empty()), line);
            }
            self.take(sub, opt, None, line)?;
        }
        Ok(())
    }

    fn take(&self, sub: Option<&Sub>, opt: &Opt, attached: Option<&str>, line: &mut Reading<'_>) -> Result<(), Refused> {
        let shown = opt.shown();
        let others = options_of(self, sub).iter().filter(|o| o.one_of != OneOf::No && o.name != opt.name);
        if let Some(other) = others.filter(|_| opt.one_of != OneOf::No).find(|o| line.given.contains(&o.name)) {
            return Err(self.refused(sub, format!("argument {shown}: not allowed with argument {}", other.shown())));
        }
        let values = self.values(sub, opt, attached, line)?;
        if let Some((value, why)) = values.iter().find_map(|v| Some((v, opt.value.refuses(v)?))) {
            let text = match opt.value {
                Value::Choice(_) if why.starts_with('{') => format!("argument {shown}: invalid choice: '{value}' (choose from {why})"),
                _ => format!("argument {shown}: could not convert '{value}' to {why}"),
            };
            return Err(self.refused(sub, text));
        }
        // The last one counts.
        if line.given.contains(&opt.name) && opt.value != Value::Many {
            let attached = format!("{}=", opt.name);
            line.out.retain(|w| w != opt.name && !w.to_string_lossy().starts_with(&attached));
        }
        line.given.push(opt.name);
        if opt.value == Value::Flag {
            line.out.push(opt.name.into());
        }
        line.out.extend(values.into_iter().map(|value| OsString::from(format!("{}={value}", opt.name))));
        Ok(())
    }

    /// The values of an option, attached to it or in the words that follow.
    fn values(&self, sub: Option<&Sub>, opt: &Opt, attached: Option<&str>, line: &mut Reading<'_>) -> Result<Vec<String>, Refused> {
        let shown = opt.shown();
        if opt.value == Value::Flag {
            return match attached {
                Some(value) => Err(self.refused(sub, format!("argument {shown}: ignore implicit argument '{value}'"))),
                None => Ok(Vec::new()),
            };
        }
        if let Some(value) = attached {
            return Ok(vec![value.to_owned()]);
        }
        let most = if opt.value == Value::Several { usize::MAX } else { 1 };
        let is_value = |w: &&String| !w.starts_with('-') || w.parse::<f64>().is_ok();
        let values: Vec<String> = line.words[line.at..].iter().take_while(is_value).take(most).cloned().collect();
        line.at += values.len();
        match (values.is_empty(), opt.value) {
            (false, _) => Ok(values),
            (true, Value::Several) => Err(self.refused(sub, format!("argument {shown}: expected 1 argument(s)"))),
            (true, _) => Err(self.refused(sub, format!("argument {shown}: expected one argument"))),
        }
    }

    /// Of several that are missing the last one is told.
    fn require(&self, sub: Option<&Sub>, given: &[&str]) -> Result<(), Refused> {
        let options = options_of(self, sub);
        if let Some(missing) = options.iter().rev().find(|o| o.required && !given.contains(&o.name)) {
            return Err(self.refused(sub, format!("argument {} is required", missing.shown())));
        }
        let group: Vec<&Opt> = options.iter().filter(|o| o.one_of == OneOf::Exactly).collect();
        if !group.is_empty() && !group.iter().any(|o| given.contains(&o.name)) {
            let names: Vec<String> = group.iter().map(|o| o.shown()).collect();
            return Err(self.refused(sub, format!("one of the arguments {} is required", names.join(" "))));
        }
        Ok(())
    }

    fn invalid_choice(&self, name: &str) -> Refused {
        let known: Vec<String> = self.subs.iter().map(|s| format!("'{}'", s.name)).collect();
        self.refused(None, format!("invalid choice: '{name}' (choose from {})", known.join(", ")))
    }

    fn refused(&self, sub: Option<&Sub>, text: String) -> Refused {
        Refused { usage: self.usage(sub), prog: self.prog, text }
    }

    /// What stands for the subcommands.
    fn choice(&self) -> String {
        match self.metavar {
            "" => format!("{{{}}}", self.subs.iter().map(|s| s.name).collect::<Vec<_>>().join(",")),
            metavar => metavar.to_owned(),
        }
    }

    /// `usage: ...` of the tool or of a subcommand.
    fn usage(&self, sub: Option<&Sub>) -> String {
        let mut items: Vec<String> = Vec::new();
        match sub {
            None => items.extend(std::iter::once("[-h]").chain(self.version.then_some("[-v]")).map(str::to_owned)),
            Some(sub) => {
                items.extend(self.options.iter().filter(|o| o.required).map(Opt::in_usage));
                items.extend(group_in_usage(self.options, OneOf::Exactly));
                items.extend([sub.name.to_owned(), "[-h]".to_owned()]);
            }
        }
        let options = options_of(self, sub);
        items.extend(options.iter().filter(|o| o.one_of == OneOf::No).map(Opt::in_usage));
        items.extend(group_in_usage(options, OneOf::AtMost));
        items.extend(group_in_usage(options, OneOf::Exactly));
        if sub.is_none() && !self.subs.is_empty() {
            items.extend([self.choice(), "...".to_owned()]);
        }
        let head = format!("usage: {}", self.prog);
        // A long name has a line of its own.
        let indent = " ".repeat(if head.len() > 30 { 6 } else { head.len() });
        let (mut lines, mut line) = if head.len() > 30 { (vec![head], indent.clone()) } else { (Vec::new(), head) };
        for item in items {
            if line.chars().count() + 1 + item.chars().count() > WIDTH && line != indent {
                lines.push(std::mem::replace(&mut line, indent.clone()));
            }
            line = format!("{line} {item}");
        }
        lines.push(line);
        lines.join("\n")
    }

    fn help(&self, about: &str) -> String {
        let mut text = format!("{}\n\n{}\n\n", self.usage(None), wrap(about, 0, ""));
        let mut options = format!("optional arguments:\n{}", entry("-h, --help", "show this help message and exit"));
        if self.version {
            options.push_str(&entry("-v, --version", "show the version and exit"));
        }
        self.options.iter().for_each(|o| options.push_str(&entry(&o.in_help(), o.help)));
        if self.subs.is_empty() {
            return text + &options;
        }
        let mut subs = format!("  {}\n", self.choice());
        self.subs.iter().for_each(|s| subs.push_str(&entry(&format!("  {}", s.name), s.help)));
        text.push_str(&match self.metavar {
            "" => format!("positional arguments:\n{subs}\n{options}"),
            _ => format!("{options}\ncommands:\n{subs}"),
        });
        text
    }

    fn sub_help(&self, sub: &Sub) -> String {
        let mut text = format!("{}\n\n{}\n\noptional arguments:\n", self.usage(Some(sub)), wrap(sub.help, 0, ""));
        text.push_str(&entry("-h, --help", "show this help message and exit"));
        sub.options.iter().for_each(|o| text.push_str(&entry(&o.in_help(), o.help)));
        text
    }
}

impl Opt {
    /// An option that may be left out.
    pub const fn new(name: &'static str, metavar: &'static str, value: Value, help: &'static str) -> Opt {
        Opt { name, short: "", metavar, value, required: false, one_of: OneOf::No, help }
    }

    /// An option without a value.
    pub const fn flag(name: &'static str, help: &'static str) -> Opt {
        Opt::new(name, "", Value::Flag, help)
    }

    /// It must be there.
    pub const fn required(self) -> Opt {
        Opt { required: true, ..self }
    }

    /// It has a short spelling, too.
    pub const fn short(self, short: &'static str) -> Opt {
        Opt { short, ..self }
    }

    /// It excludes the others that are marked so.
    pub const fn one_of(self, one_of: OneOf) -> Opt {
        Opt { one_of, ..self }
    }

    /// All its spellings.
    fn shown(&self) -> String {
        if self.short.is_empty() { self.name.to_owned() } else { format!("{}/{}", self.name, self.short) }
    }

    fn with_value(&self, name: &str) -> String {
        match self.value {
            Value::Flag => name.to_owned(),
            Value::Several => format!("{name} {0} [{0} ...]", self.metavar),
            _ => format!("{name} {}", self.metavar),
        }
    }

    fn in_usage(&self) -> String {
        let shown = self.with_value(self.name);
        if self.required { shown } else { format!("[{shown}]") }
    }

    fn in_help(&self) -> String {
        match self.short {
            "" => self.with_value(self.name),
            short => format!("{}, {}", self.with_value(self.name), self.with_value(short)),
        }
    }
}

/// `[--a A |`, `--b B]`
fn group_in_usage(options: &[Opt], kind: OneOf) -> Vec<String> {
    let (open, close) = if kind == OneOf::Exactly { ('(', ')') } else { ('[', ']') };
    let mut items: Vec<String> = options.iter().filter(|o| o.one_of == kind).map(|o| format!("{} |", o.with_value(o.name))).collect();
    if let Some(first) = items.first_mut() {
        first.insert(0, open);
    }
    if let Some(last) = items.last_mut() {
        last.truncate(last.len() - 2);
        last.push(close);
    }
    items
}

impl Value {
    /// Why a text is no value of this kind, as Java says it.
    fn refuses(self, text: &str) -> Option<String> {
        let no_number = format!("(For input string: \"{text}\")");
        match self {
            Value::Text | Value::Several | Value::Many | Value::Flag => None,
            Value::Double if text.trim().parse::<f64>().is_ok() => None,
            Value::Double if text.matches('.').count() > 1 => Some("Double (multiple points)".to_owned()),
            Value::Double => Some(format!("Double {no_number}")),
            Value::Choice(known) => match text.parse::<i32>() {
                Ok(number) if known.contains(&number) => None,
                Ok(_) => Some(format!("{{{}}}", known.iter().map(i32::to_string).collect::<Vec<_>>().join(","))),
                Err(_) => Some(format!("Integer {no_number}")),
            },
            Value::Integer => text.parse::<i32>().is_err().then(|| format!("Integer {no_number}")),
            Value::Long => text.parse::<i64>().is_err().then(|| format!("Long {no_number}")),
            Value::Short if text.parse::<i16>().is_ok() => None,
            Value::Short if text.parse::<i32>().is_ok() => Some(format!("Short (Value out of range. Value:\"{text}\" Radix:10)")),
            Value::Short => Some(format!("Short {no_number}")),
        }
    }
}

fn options_of<'a>(spec: &'a Spec, sub: Option<&'a Sub>) -> &'a [Opt] {
    sub.map_or(spec.options, |s| s.options)
}

/// By its name, or by a beginning of it that no other one has.
fn find<'a>(options: &'a [Opt], name: &str) -> Option<&'a Opt> {
    if let Some(exact) = options.iter().find(|o| o.name == name || (o.short == name && !name.is_empty())) {
        return Some(exact);
    }
    let mut found = options.iter().filter(|o| name.len() > 2 && o.name.starts_with(name));
    found.next().filter(|_| found.next().is_none())
}

fn entry(title: &str, help: &str) -> String {
    let indent = " ".repeat(HELP_AT);
    let text = wrap(help, HELP_AT, &indent);
    if title.len() + 3 < HELP_AT {
        format!("  {title:<width$}{text}\n", width = HELP_AT - 2)
    } else {
        format!("  {title}\n{indent}{text}\n")
    }
}

/// Breaks a text into full lines; the first begins `offset` characters from the left, the others with `indent`.
fn wrap(text: &str, offset: usize, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let (mut line, mut width) = (String::new(), offset);
    for piece in pieces(text) {
        let size = piece.chars().count();
        if width + size > WIDTH && !line.is_empty() {
            lines.push(filled(line.trim_end(), WIDTH - if lines.is_empty() { offset } else { indent.len() }));
            (line, width) = (String::new(), indent.len());
        }
        line.push_str(piece);
        width += size;
    }
    lines.push(line);
    lines.join(&format!("\n{indent}"))
}

/// Where a line may be broken: after blanks, and after a hyphen before a letter, even one that begins an option.
fn pieces(text: &str) -> Vec<&str> {
    let (mut out, mut from) = (Vec::new(), 0);
    let bytes = text.as_bytes();
    for at in 1..bytes.len() {
        let within = at > 1 && bytes[at - 1] == b'-' && bytes[at].is_ascii_alphabetic();
        if (bytes[at - 1] == b' ' && bytes[at] != b' ') || within {
            out.push(&text[from..at]);
            from = at;
        }
    }
    out.push(&text[from..]);
    out
}

/// The line with so many blanks between its words that it is `width` wide; what cannot be shared out evenly goes into the middle.
fn filled(line: &str, width: usize) -> String {
    let words: Vec<&str> = line.split(' ').filter(|w| !w.is_empty()).collect();
    let gaps = words.len().saturating_sub(1);
    let missing = width.saturating_sub(line.chars().count());
    if gaps == 0 || missing == 0 {
        return line.to_owned();
    }
    let (each, more) = (missing / gaps, missing % gaps);
    let first = (gaps - more).div_ceil(2);
    let mut out = words[0].to_owned();
    for (gap, word) in words[1..].iter().enumerate() {
        let wide = usize::from((first..first + more).contains(&gap));
        out.push_str(&" ".repeat(1 + each + wide));
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        prog: "kafka-things.sh",
        options: &[
            Opt::new("--config", "FILE", Value::Text, "a file"),
            Opt::new("--server", "host:port", Value::Text, "a server").required(),
        ],
        subs: &[
            Sub {
                name: "show",
                help: "show it",
                options: &[
                    Opt::new("--number", "NUMBER", Value::Integer, "which one").required(),
                    Opt::new("--name", "NAME", Value::Text, "a name that is told in quite a few words, so that a line is not enough"),
                ],
            },
            Sub {
                name: "make",
                help: "make it",
                options: &[
                    Opt::new("--from", "FROM", Value::Many, "of what").short("-f").required(),
                    Opt::new("--to", "TO", Value::Text, "into what").short("-t").required(),
                    Opt::flag("--quick", "at once").short("-q").one_of(OneOf::AtMost),
                    Opt::flag("--slow", "with care").short("-s").one_of(OneOf::AtMost),
                    Opt::flag("--dry-run", "not at all").short("-n"),
                ],
            },
        ],
        metavar: "COMMAND",
        version: true,
        help_exit: 1,
    };

    fn parse(line: &str) -> Result<Parsed, String> {
        let words: Vec<OsString> = line.split(' ').filter(|w| !w.is_empty()).map(OsString::from).collect();
        SPEC.parse("Shows things.", &words).map_err(|refused| refused.text)
    }

    fn words(line: &str) -> Result<Parsed, String> {
        Ok(Parsed::Words(line.split(' ').map(OsString::from).collect()))
    }

    #[test]
    fn options_come_in_one_form_whatever_their_spelling() {
        assert_eq!(parse("--server h show --number 3"), words("--server=h show --number=3"));
        assert_eq!(parse("--serv=h show --nu=3 --na x --nu -4"), words("--server=h show --name=x --number=-4"));
        assert_eq!(parse("-v"), Ok(Parsed::Version));
    }

    #[test]
    fn what_is_wrong_is_told_in_order() {
        assert_eq!(parse(""), Err("too few arguments".into()));
        assert_eq!(parse("show --number 1"), Err("argument --server is required".into()));
        assert_eq!(parse("--server h show"), Err("argument --number is required".into()));
        assert_eq!(parse("--server h show --n 1"), Err("unrecognized arguments: '--n'".into()), "could be both");
        assert_eq!(parse("--server h show more"), Err("unrecognized arguments: 'more'".into()));
        assert_eq!(parse("--server"), Err("argument --server: expected one argument".into()));
    }

    #[test]
    fn short_options_may_stand_in_one_word_and_repeated_ones_are_kept() {
        assert_eq!(parse("--server h make -nqfa -tb --from c"), words("--server=h make --dry-run --quick --from=a --to=b --from=c"));
        assert_eq!(parse("--server h make -qs"), Err("argument --slow/-s: not allowed with argument --quick/-q".into()));
        assert_eq!(parse("--server h make"), Err("argument --to/-t is required".into()), "the last one that is missing");
        assert_eq!(parse("make"), Err("argument --server is required".into()), "before those of the subcommand");
        assert_eq!(parse("make --dry-run=1"), Err("argument --dry-run/-n: ignore implicit argument '1'".into()));
        let refused = SPEC.parse("", &["make".into(), "-x".into()]).unwrap_err();
        let usage = "usage: kafka-things.sh --server host:port make [-h] --from FROM --to TO\n                       [--dry-run] [--quick | --slow]";
        assert_eq!(refused.told(), format!("{usage}\nkafka-things.sh: error: unrecognized arguments: '-x'"));
    }

    #[test]
    fn lines_are_filled_from_the_middle() {
        let text = "kafka-transactions.sh: error: invalid choice: 'nosuch' (choose from 'list', 'describe', 'describe-producers', 'abort', 'find-hanging', 'forceTerminateTransaction')";
        let lines = [
            "kafka-transactions.sh:  error:  invalid   choice:   'nosuch'  (choose  from",
            "'list',   'describe',   'describe-producers',    'abort',   'find-hanging',",
            "'forceTerminateTransaction')",
        ];
        assert_eq!(wrap(text, 0, ""), lines.join("\n"));
        let Ok(Parsed::Help(help)) = parse("--server h show -h") else { panic!("help") };
        assert!(help.contains("  --name NAME            a name that is told in  quite a few words, so that\n"), "{help}");
    }

    const FLAT: Spec = Spec {
        prog: "kafka-producer-perf-test",
        options: &[
            Opt::new("--throughput", "THROUGHPUT", Value::Double, "a rate").required(),
            Opt::new("--property", "NAME=VALUE", Value::Several, "settings"),
            Opt::new("--acks", "ACKS", Value::Choice(&[0, 1, -1]), "who must have it"),
            Opt::new("--size", "SIZE", Value::Integer, "how large").one_of(OneOf::Exactly),
            Opt::flag("--counted", "a number").one_of(OneOf::Exactly),
        ],
        subs: &[],
        metavar: "",
        version: false,
        help_exit: 1,
    };

    fn flat(line: &str) -> Result<Parsed, String> {
        let words: Vec<OsString> = line.split(' ').filter(|w| !w.is_empty()).map(OsString::from).collect();
        FLAT.parse("Measures.", &words).map_err(|refused| refused.text)
    }

    #[test]
    fn a_tool_without_subcommands_takes_options_alone() {
        let line = "--thr -1 --property a=1 b=2 --acks -1 --counted";
        assert_eq!(flat(line), words("--throughput=-1 --property=a=1 --property=b=2 --acks=-1 --counted"));
        assert_eq!(flat("--throughput 1 --counted more"), Err("unrecognized arguments: 'more'".into()));
        assert_eq!(flat("--counted"), Err("argument --throughput is required".into()));
        assert_eq!(flat("--throughput 1"), Err("one of the arguments --size --counted is required".into()));
        assert_eq!(flat("--throughput 1.5.5"), Err("argument --throughput: could not convert '1.5.5' to Double (multiple points)".into()));
        assert_eq!(flat("--acks 5"), Err("argument --acks: invalid choice: '5' (choose from {0,1,-1})".into()));
        assert_eq!(flat("--property --counted"), Err("argument --property: expected 1 argument(s)".into()));
    }

    #[test]
    fn a_long_name_has_a_line_of_its_own_in_the_usage() {
        let usage = "usage: kafka-producer-perf-test\n       [-h] --throughput THROUGHPUT\n       [--property NAME=VALUE [NAME=VALUE ...]] [--acks ACKS]\n       (--size SIZE | --counted)";
        let broken = "kafka-producer-perf-test: error: At  least  one  of  --bootstrap-server, --\ncommand-property must be specified.";
        assert_eq!(
            FLAT.unfit("At least one of --bootstrap-server, --command-property must be specified.").strip_prefix(usage),
            Some(&*format!("\n{broken}"))
        );
    }
}
