//! Splits a command line the way argparse4j does, the parser of those of Kafka's tools that have subcommands, and hands it to clap.
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
}

/// One option that takes a value. `-h` and `-v` are there without being listed.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// With its dashes.
    pub name: &'static str,
    pub metavar: &'static str,
    pub value: Value,
    pub required: bool,
    pub help: &'static str,
}

/// A subcommand.
#[derive(Clone, Copy, Debug)]
pub struct Sub {
    pub name: &'static str,
    pub options: &'static [Opt],
    pub help: &'static str,
}

/// A tool's command line.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// `kafka-transactions.sh`
    pub prog: &'static str,
    pub options: &'static [Opt],
    pub subs: &'static [Sub],
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

/// Everything to print about a command line that is wrong, without the last newline.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl Spec {
    /// Takes the words after the program's name apart.
    pub fn parse(&self, about: &str, words: &[OsString]) -> Result<Parsed, Refused> {
        let words: Vec<String> = words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
        let mut out = Vec::new();
        let mut at = 0;
        let mut given = Vec::new();
        while let Some(word) = words.get(at) {
            match word.as_str() {
                "-h" | "--help" => return Ok(Parsed::Help(self.help(about))),
                "-v" | "--version" => return Ok(Parsed::Version),
                _ if word.starts_with('-') => self.option(None, &words, &mut at, &mut given, &mut out)?,
                name => {
                    let Some(sub) = self.subs.iter().find(|s| s.name == name) else { return Err(self.invalid_choice(name)) };
                    out.push(name.into());
                    if let Some(help) = self.rest(sub, &words[at + 1..], &mut out)? {
                        return Ok(Parsed::Help(help));
                    }
                    self.require(None, &given)?;
                    return Ok(Parsed::Words(out));
                }
            }
        }
        Err(self.refused(None, "too few arguments".to_owned()))
    }

    /// What follows the name of a subcommand. Gives its help if that is asked for.
    fn rest(&self, sub: &Sub, words: &[String], out: &mut Vec<OsString>) -> Result<Option<String>, Refused> {
        let (mut at, mut given) = (0, Vec::new());
        while let Some(word) = words.get(at) {
            match word.as_str() {
                "-h" | "--help" => return Ok(Some(self.sub_help(sub))),
                _ if word.starts_with('-') => self.option(Some(sub), words, &mut at, &mut given, out)?,
                extra => return Err(self.refused(Some(sub), format!("unrecognized arguments: '{extra}'"))),
            }
        }
        self.require(Some(sub), &given)?;
        Ok(None)
    }

    /// One option with its value, of the tool or of a subcommand.
    fn option(
        &self,
        sub: Option<&Sub>,
        words: &[String],
        at: &mut usize,
        given: &mut Vec<&'static str>,
        out: &mut Vec<OsString>,
    ) -> Result<(), Refused> {
        let word = &words[*at];
        *at += 1;
        let (name, attached) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v.to_owned())));
        let opt = find(options_of(self, sub), name).ok_or_else(|| self.refused(sub, format!("unrecognized arguments: '{word}'")))?;
        let value = match attached {
            Some(value) => value,
            None => match words.get(*at).filter(|w| !w.starts_with('-') || w.parse::<f64>().is_ok()) {
                Some(value) => {
                    *at += 1;
                    value.clone()
                }
                None => return Err(self.refused(sub, format!("argument {}: expected one argument", opt.name))),
            },
        };
        if let Some(why) = opt.value.refuses(&value) {
            return Err(self.refused(sub, format!("argument {}: could not convert '{value}' to {why}", opt.name)));
        }
        // The last one counts.
        if given.contains(&opt.name) {
            let attached = format!("{}=", opt.name);
            out.retain(|w| !w.to_string_lossy().starts_with(&attached));
        }
        given.push(opt.name);
        out.push(format!("{}={value}", opt.name).into());
        Ok(())
    }

    fn require(&self, sub: Option<&Sub>, given: &[&str]) -> Result<(), Refused> {
        match options_of(self, sub).iter().find(|o| o.required && !given.contains(&o.name)) {
            Some(missing) => Err(self.refused(sub, format!("argument {} is required", missing.name))),
            None => Ok(()),
        }
    }

    fn invalid_choice(&self, name: &str) -> Refused {
        let known: Vec<String> = self.subs.iter().map(|s| format!("'{}'", s.name)).collect();
        self.refused(None, format!("invalid choice: '{name}' (choose from {})", known.join(", ")))
    }

    fn refused(&self, sub: Option<&Sub>, text: String) -> Refused {
        Refused(format!("{}\n{}", self.usage(sub), wrap(&format!("{}: error: {text}", self.prog), 0, "")))
    }

    /// `usage: ...` of the tool or of a subcommand.
    fn usage(&self, sub: Option<&Sub>) -> String {
        let mut items: Vec<String> = Vec::new();
        match sub {
            None => items.extend(["[-h]".to_owned(), "[-v]".to_owned()]),
            Some(sub) => {
                items.extend(self.options.iter().filter(|o| o.required).map(Opt::in_usage));
                items.extend([sub.name.to_owned(), "[-h]".to_owned()]);
            }
        }
        items.extend(options_of(self, sub).iter().map(Opt::in_usage));
        if sub.is_none() {
            items.push("COMMAND ...".to_owned());
        }
        let head = format!("usage: {}", self.prog);
        let indent = " ".repeat(head.len());
        let (mut lines, mut line) = (Vec::new(), head);
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
        let mut text = format!("{}\n\n{}\n\noptional arguments:\n", self.usage(None), wrap(about, 0, ""));
        text.push_str(&entry("-h, --help", "show this help message and exit"));
        text.push_str(&entry("-v, --version", "show the version and exit"));
        self.options.iter().for_each(|o| text.push_str(&entry(&format!("{} {}", o.name, o.metavar), o.help)));
        text.push_str("\ncommands:\n  COMMAND\n");
        self.subs.iter().for_each(|s| text.push_str(&entry(&format!("  {}", s.name), s.help)));
        text
    }

    fn sub_help(&self, sub: &Sub) -> String {
        let mut text = format!("{}\n\n{}\n\noptional arguments:\n", self.usage(Some(sub)), wrap(sub.help, 0, ""));
        text.push_str(&entry("-h, --help", "show this help message and exit"));
        sub.options.iter().for_each(|o| text.push_str(&entry(&format!("{} {}", o.name, o.metavar), o.help)));
        text
    }
}

impl Opt {
    fn in_usage(&self) -> String {
        let shown = format!("{} {}", self.name, self.metavar);
        if self.required { shown } else { format!("[{shown}]") }
    }
}

impl Value {
    /// Why a text is no value of this kind, as Java says it.
    fn refuses(self, text: &str) -> Option<String> {
        let no_number = format!("(For input string: \"{text}\")");
        match self {
            Value::Text => None,
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
    if let Some(exact) = options.iter().find(|o| o.name == name) {
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

/// Where a line may be broken: after blanks, and after a hyphen within a word.
fn pieces(text: &str) -> Vec<&str> {
    let (mut out, mut from) = (Vec::new(), 0);
    let bytes = text.as_bytes();
    for at in 1..bytes.len() {
        let within = at > 1 && bytes[at - 1] == b'-' && bytes[at - 2].is_ascii_alphanumeric() && bytes[at].is_ascii_alphanumeric();
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
            Opt { name: "--config", metavar: "FILE", value: Value::Text, required: false, help: "a file" },
            Opt { name: "--server", metavar: "host:port", value: Value::Text, required: true, help: "a server" },
        ],
        subs: &[Sub {
            name: "show",
            help: "show it",
            options: &[
                Opt { name: "--number", metavar: "NUMBER", value: Value::Integer, required: true, help: "which one" },
                Opt {
                    name: "--name",
                    metavar: "NAME",
                    value: Value::Text,
                    required: false,
                    help: "a name that is told in quite a few words, so that a line is not enough",
                },
            ],
        }],
    };

    fn parse(line: &str) -> Result<Parsed, String> {
        let words: Vec<OsString> = line.split(' ').filter(|w| !w.is_empty()).map(OsString::from).collect();
        SPEC.parse("Shows things.", &words).map_err(|Refused(text)| text.rsplit_once(": error: ").unwrap().1.to_owned())
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
}
