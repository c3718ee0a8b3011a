//! How a field of a definition looks in Rust: its type, its default, and the expressions that read, write and compare it.

use crate::names;
use crate::schema::{Field, Message, Struct, Type};
use crate::versions::Condition;

/// A field together with the struct and message around it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub message: &'a Message,
    pub owner: &'a Struct,
    pub field: &'a Field,
}

impl Place<'_> {
    /// `self.` and the field's name.
    pub fn own(&self) -> String {
        format!("self.{}", names::field(&self.field.name))
    }

    /// Whether the field can be null in any version that we know: then it is an `Option`.
    pub fn is_option(&self) -> bool {
        !self.field.nullable.and(self.field.versions).and(self.owner.known).is_empty()
    }

    /// When the field exists, given the versions of its struct.
    pub fn present(&self) -> Condition {
        self.field.versions.condition(self.owner.known)
    }

    /// Whether the field lives in the tagged section in every version that has it.
    pub fn is_tagged(&self) -> bool {
        let versions = self.field.versions.and(self.owner.known);
        let tagged = self.field.tagged.and(self.owner.known);
        assert!(tagged.is_empty() || tagged == versions, "{}: tagged in some versions only", self.field.name);
        self.field.tag.is_some() && !tagged.is_empty()
    }

    /// The condition under which null is allowed, given that the field is present.
    pub fn nullable(&self) -> Condition {
        self.field.nullable.condition(self.owner.known.and(self.field.versions))
    }

    /// Rust's expression for "lengths are varints here".
    fn flexible(&self) -> String {
        if self.is_tagged() {
            return "true".into();
        }
        match self.field.flexible {
            Some(own) => own.condition(self.owner.known).expression(),
            None => flexible(self.message, self.owner),
        }
    }

    pub fn rust_type(&self) -> String {
        let bare = bare_type(&self.field.ty);
        if self.is_option() { format!("Option<{bare}>") } else { bare }
    }

    /// The default as a Rust expression, or `None` where it is what Rust's own `Default` gives.
    pub fn default(&self) -> Option<String> {
        let text = self.field.default.as_str();
        if self.is_option() {
            // `records` are the one kind that is null unless the definition says otherwise.
            if text == "null" || self.field.ty == Type::Records {
                return None;
            }
            return Some(format!("Some({})", self.bare_default().unwrap_or_else(|| "Default::default()".into())));
        }
        self.bare_default()
    }

    fn bare_default(&self) -> Option<String> {
        let text = self.field.default.as_str();
        match &self.field.ty {
            Type::Bool => (text == "true").then(|| "true".into()),
            Type::Int8 | Type::Int16 | Type::Uint16 | Type::Int32 | Type::Uint32 | Type::Int64 => {
                Some(integer(text)).filter(|n| *n != 0).map(|n| n.to_string())
            }
            Type::Float64 => (!text.is_empty()).then(|| text.to_string()),
            Type::String => (!text.is_empty()).then(|| format!("{text:?}.to_string()")),
            _ => {
                assert!(text.is_empty(), "{}: default {text:?} for {:?}", self.field.name, self.field.ty);
                None
            }
        }
    }

    /// Rust's expression for "the value is not the default".
    pub fn differs(&self) -> String {
        let own = self.own();
        if self.is_option() {
            return match self.default() {
                None => format!("{own}.is_some()"),
                Some(_) if self.field.ty == Type::String => format!("{own}.as_deref() != Some({:?})", self.field.default),
                Some(_) if matches!(self.field.ty, Type::Array(_) | Type::Bytes) => format!("{own}.as_ref().is_none_or(|x| !x.is_empty())"),
                Some(default) => format!("{own} != {default}"),
            };
        }
        match &self.field.ty {
            Type::Bool if self.field.default == "true" => format!("!{own}"),
            Type::Bool => own,
            Type::String if !self.field.default.is_empty() => format!("{own} != {:?}", self.field.default),
            Type::String | Type::Array(_) | Type::Bytes | Type::Records => format!("!{own}.is_empty()"),
            Type::Uuid => format!("!{own}.is_zero()"),
            Type::Struct(name) => format!("{own} != {name}::default()"),
            Type::Float64 => format!("{own} != {}", self.bare_default().unwrap_or_else(|| "0.0".into())),
            _ => format!("{own} != {}", self.bare_default().unwrap_or_else(|| "0".into())),
        }
    }

    /// Rust's expression that reads the value from `r`.
    pub fn read(&self) -> String {
        let (f, opt) = (self.flexible(), if self.is_option() { "opt_" } else { "" });
        match &self.field.ty {
            Type::String => format!("r.{opt}string({f})?"),
            Type::Bytes => format!("r.{opt}bytes({f})?"),
            Type::Records => format!("r.{opt}records({f})?"),
            Type::Struct(_) if self.is_option() && self.is_tagged() => "r.opt_tagged_struct(v)?".into(),
            Type::Struct(_) if self.is_option() => "r.opt_struct(v)?".into(),
            Type::Struct(_) => "Struct::decode(r, v)?".into(),
            Type::Array(element) => match **element {
                Type::Struct(_) => format!("r.{opt}structs(v, {f})?"),
                _ => format!("r.{opt}list({f})?"),
            },
            number => format!("r.{}()?", bare_type(number).to_lowercase()),
        }
    }

    /// Rust's statement that writes the value to `w`.
    pub fn write(&self) -> String {
        let (f, own) = (self.flexible(), self.own());
        let (opt, arg) = match (self.is_option(), &self.field.ty) {
            (true, Type::Records | Type::Struct(_)) => ("opt_", format!("{own}.as_ref()")),
            (true, _) => ("opt_", format!("{own}.as_deref()")),
            (false, _) => ("", format!("&{own}")),
        };
        match &self.field.ty {
            Type::String => format!("w.{opt}string({arg}, {f})?;"),
            Type::Bytes => format!("w.{opt}bytes({arg}, {f})?;"),
            Type::Records => format!("w.{opt}records({arg}, {f})?;"),
            Type::Struct(_) if self.is_option() && self.is_tagged() => format!("w.opt_tagged_struct({arg}, v)?;"),
            Type::Struct(_) if self.is_option() => format!("w.opt_struct({arg}, v)?;"),
            Type::Struct(_) => format!("{own}.encode(w, v)?;"),
            Type::Array(element) => match **element {
                Type::Struct(_) => format!("w.{opt}structs({arg}, v, {f})?;"),
                _ => format!("w.{opt}list({arg}, {f})?;"),
            },
            Type::Uuid => format!("w.uuid({own});"),
            number => format!("w.{}({own});", bare_type(number)),
        }
    }
}

/// Rust's expression for "lengths are varints" in a struct: a literal, or the variable `f` (see [`flexible_variable`]).
fn flexible(message: &Message, owner: &Struct) -> String {
    match message.flexible.condition(owner.known) {
        Condition::When(_) => "f".into(),
        fixed => fixed.expression(),
    }
}

/// The statement that defines `f`, where it is not constant.
pub fn flexible_variable(message: &Message, owner: &Struct) -> String {
    match message.flexible.condition(owner.known) {
        Condition::When(c) => format!("let f = {c};\n"),
        _ => String::new(),
    }
}

fn bare_type(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".into(),
        Type::Int8 => "i8".into(),
        Type::Int16 => "i16".into(),
        Type::Uint16 => "u16".into(),
        Type::Int32 => "i32".into(),
        Type::Uint32 => "u32".into(),
        Type::Int64 => "i64".into(),
        Type::Float64 => "f64".into(),
        Type::Uuid => "Uuid".into(),
        Type::String => "String".into(),
        Type::Bytes => "Bytes".into(),
        Type::Records => "Records".into(),
        Type::Struct(name) => name.clone(),
        Type::Array(element) => format!("Vec<{}>", bare_type(element)),
    }
}

/// A number as definitions write it: empty, decimal or `0x..`.
fn integer(text: &str) -> i64 {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None if text.is_empty() => Ok(0),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("not a number: {text:?}"))
}
