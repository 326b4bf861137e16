//! PowerShell's operators: case ignored unless asked for, the left operand decides the conversion, a list on the left is filtered.

use std::borrow::Cow;
use std::cmp::Ordering;

use regex_lite::{Regex, RegexBuilder};

use super::wildcard;
use crate::command::{Value, cannot_convert};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Zone};

/// Bytes that a compiled pattern may take.
const MAX_PATTERN: usize = 1 << 20;

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Like,
    NotLike,
    Match,
    NotMatch,
    Contains,
    NotContains,
    In,
    NotIn,
    Replace,
    Split,
    Join,
}

/// Every operator by its name without dash, in the spelling of `Where-Object Use -eq Default`.
pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("lt", Operator::Lt),
    ("le", Operator::Le),
    ("gt", Operator::Gt),
    ("ge", Operator::Ge),
    ("like", Operator::Like),
    ("notlike", Operator::NotLike),
    ("match", Operator::Match),
    ("notmatch", Operator::NotMatch),
    ("contains", Operator::Contains),
    ("notcontains", Operator::NotContains),
    ("in", Operator::In),
    ("notin", Operator::NotIn),
    ("replace", Operator::Replace),
    ("split", Operator::Split),
    ("join", Operator::Join),
];

/// What an operator comes to, and what `$Matches` becomes when it is `-match`.
pub(super) struct Outcome {
    /// The value.
    pub(super) value: Value,
    /// The groups of a match.
    pub(super) groups: Option<Vec<Value>>,
}

/// Applies an operator.
///
/// # Errors
/// `CannotConvertArgument` for operands that cannot be brought together, `InvalidDate`, a malformed pattern.
pub(super) fn apply(operator: Operator, left: &Value, right: &Value, match_case: bool, zone: &Zone) -> Result<Outcome> {
    use Operator as O;
    let plain = |value| Ok(Outcome { value, groups: None });
    match operator {
        O::Contains | O::NotContains => {
            let found = left.items().iter().any(|item| equal(item, right, match_case, zone));
            plain(Value::Bool(found == (operator == O::Contains)))
        }
        O::In | O::NotIn => {
            let found = right.items().iter().any(|item| equal(item, left, match_case, zone));
            plain(Value::Bool(found == (operator == O::In)))
        }
        O::Join => plain(Value::from(join(left, &right.display(zone), zone))),
        O::Split => split(left, right, match_case, zone).and_then(plain),
        O::Replace => replace(left, right, match_case, zone).and_then(plain),
        _ => {
            let test = Test::new(operator, right, match_case, zone)?;
            if let Value::List(items) = left {
                let mut kept = Vec::new();
                for item in items.iter() {
                    if test.passes(item, zone)? {
                        kept.push(item.clone());
                    }
                }
                return plain(Value::list(kept));
            }
            let passed = test.passes(left, zone)?;
            let groups = if operator == O::Match && passed { test.groups(left, zone) } else { None };
            Ok(Outcome { value: Value::Bool(passed), groups })
        }
    }
}

/// A comparison whose right operand is prepared once and met by many left ones.
pub(super) struct Test {
    operator: Operator,
    right: Value,
    match_case: bool,
    regex: Option<Regex>,
    wildcard: Option<wildcard::Pattern>,
}

impl Test {
    pub(super) fn new(operator: Operator, right: &Value, match_case: bool, zone: &Zone) -> Result<Self> {
        let regex = match operator {
            Operator::Match | Operator::NotMatch => Some(pattern(&right.display(zone), match_case)?),
            _ => None,
        };
        let wildcard = matches!(operator, Operator::Like | Operator::NotLike)
            .then(|| wildcard::Pattern::new(&right.display(zone), match_case));
        Ok(Self { operator, right: right.clone(), match_case, regex, wildcard })
    }

    /// Whether one value, no list, passes.
    pub(super) fn passes(&self, left: &Value, zone: &Zone) -> Result<bool> {
        use Operator as O;
        let right = &self.right;
        let order = || order(left, right, self.match_case, zone);
        let like = || self.wildcard.as_ref().is_some_and(|pattern| pattern.fits(&text_of(left, zone)));
        let fits = || self.regex.as_ref().is_some_and(|regex| regex.is_match(&text_of(left, zone)));
        Ok(match self.operator {
            O::Eq => equal(left, right, self.match_case, zone),
            O::Ne => !equal(left, right, self.match_case, zone),
            O::Lt => order()? == Some(Ordering::Less),
            O::Le => matches!(order()?, Some(Ordering::Less | Ordering::Equal)),
            O::Gt => order()? == Some(Ordering::Greater),
            O::Ge => matches!(order()?, Some(Ordering::Greater | Ordering::Equal)),
            O::Like => like(),
            O::NotLike => !like(),
            O::Match => fits(),
            O::NotMatch => !fits(),
            O::Contains | O::NotContains | O::In | O::NotIn | O::Replace | O::Split | O::Join => {
                apply(self.operator, left, right, self.match_case, zone)?.value.is_true()
            }
        })
    }

    /// Whether a value passes; of a list, whether one of its elements does.
    pub(super) fn holds(&self, left: &Value, zone: &Zone) -> Result<bool> {
        let of_lists =
            matches!(self.operator, Operator::Contains | Operator::NotContains | Operator::In | Operator::NotIn);
        match left {
            Value::List(items) if !of_lists => {
                for item in items.iter() {
                    if self.passes(item, zone)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            one => self.passes(one, zone),
        }
    }

    fn groups(&self, left: &Value, zone: &Zone) -> Option<Vec<Value>> {
        let text = text_of(left, zone);
        let captures = self.regex.as_ref()?.captures(&text)?;
        Some(captures.iter().map(|group| Value::optional_text(group.map(|g| g.as_str()))).collect())
    }
}

/// The text of a value, not copied where it is text already.
fn text_of<'a>(value: &'a Value, zone: &Zone) -> Cow<'a, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.display(zone)),
    }
}

/// Whether two values are equal once the right one has become what the left one is.
pub(super) fn equal(left: &Value, right: &Value, match_case: bool, zone: &Zone) -> bool {
    match (left, right) {
        (Value::Null, other) | (other, Value::Null) => other.is_null(),
        (Value::Secret(_), _) | (_, Value::Secret(_)) => false,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| equal(x, y, match_case, zone))
        }
        (Value::Bool(a), other) => *a == other.is_true(),
        (Value::Object(a), Value::Object(b)) => {
            std::sync::Arc::ptr_eq(a, b)
                || (a.kind().name == b.kind().name && a.text().is_some() && a.text() == b.text())
        }
        (Value::Object(_), Value::Text(_)) | (Value::Text(_), _) => {
            if let (Value::Text(text), Value::Moment(moment)) = (left, right) {
                return Moment::parse(text, zone).is_ok_and(|m| m == *moment);
            }
            compare_text(&text_of(left, zone), &text_of(right, zone), match_case) == Ordering::Equal
        }
        _ => matches!(order(left, right, match_case, zone), Ok(Some(Ordering::Equal))),
    }
}

/// The order of two values once the right one has become what the left one is; `None` where there is none.
///
/// # Errors
/// `CannotConvertArgument`, `InvalidDate`.
pub(super) fn order(left: &Value, right: &Value, match_case: bool, zone: &Zone) -> Result<Option<Ordering>> {
    Ok(match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Less),
        (_, Value::Null) => Some(Ordering::Greater),
        (Value::Moment(a), Value::Moment(b)) => Some(a.cmp(b)),
        (Value::Moment(a), Value::Text(b)) => Some(a.cmp(&Moment::parse(b, zone)?)),
        // Dates as text have no order worth having, so the text becomes a date here too.
        (Value::Text(a), Value::Moment(b)) => Some(Moment::parse(a, zone)?.cmp(b)),
        (Value::Span(a), Value::Span(b) | Value::Int(b)) | (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Int(_) | Value::Float(_), _) => number(left)?.partial_cmp(&number(right)?),
        (Value::Bool(a), other) => Some(a.cmp(&other.is_true())),
        (Value::Text(_), _) | (Value::Object(_), Value::Text(_) | Value::Object(_)) => {
            Some(compare_text(&text_of(left, zone), &text_of(right, zone), match_case))
        }
        _ => return Err(cannot_convert(right, left.type_name())),
    })
}

fn number(value: &Value) -> Result<f64> {
    match value {
        Value::Int(i) => Ok(*i as f64),
        Value::Float(f) => Ok(*f),
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        Value::Text(t) => t.trim().parse().map_err(|_| cannot_convert(value, "Int64")),
        other => Err(cannot_convert(other, "Int64")),
    }
}

fn compare_text(a: &str, b: &str, match_case: bool) -> Ordering {
    if match_case {
        return a.cmp(b);
    }
    if a.is_ascii() && b.is_ascii() {
        return a.bytes().map(|b| b.to_ascii_lowercase()).cmp(b.bytes().map(|b| b.to_ascii_lowercase()));
    }
    a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase))
}

/// `a -join b`.
pub(super) fn join(list: &Value, separator: &str, zone: &Zone) -> String {
    list.items().iter().map(|v| v.display(zone)).collect::<Vec<_>>().join(separator)
}

fn split(left: &Value, right: &Value, match_case: bool, zone: &Zone) -> Result<Value> {
    let (text, limit) = match right {
        Value::List(items) => {
            let limit = items.get(1).map(number).transpose()?.map_or(0, |n| n as i64);
            (items.first().map_or_else(String::new, |v| v.display(zone)), limit)
        }
        one => (one.display(zone), 0),
    };
    let pattern = pattern(&text, match_case)?;
    let mut parts = Vec::new();
    for item in left.items() {
        let item = item.display(zone);
        if limit > 0 {
            parts.extend(pattern.splitn(&item, limit as usize).map(Value::text));
        } else {
            parts.extend(pattern.split(&item).map(Value::text));
        }
    }
    Ok(Value::list(parts))
}

/// `-split $text`: at blanks.
pub(super) fn split_blanks(value: &Value, zone: &Zone) -> Value {
    let texts: Vec<String> = value.items().iter().map(|v| v.display(zone)).collect();
    Value::list(texts.iter().flat_map(|t| t.split_whitespace()).map(Value::text))
}

fn replace(left: &Value, right: &Value, match_case: bool, zone: &Zone) -> Result<Value> {
    let (search, with) = match right {
        Value::List(items) if items.len() <= 2 => (
            items.first().map_or_else(String::new, |v| v.display(zone)),
            items.get(1).map_or_else(String::new, |v| v.display(zone)),
        ),
        Value::List(_) => {
            return Err(Error::new(ErrorId::CannotConvertArgument, "`-replace` takes a pattern and one replacement"));
        }
        one => (one.display(zone), String::new()),
    };
    let pattern = pattern(&search, match_case)?;
    let one = |value: &Value| Value::text(pattern.replace_all(&value.display(zone), with.as_str()));
    Ok(match left {
        Value::List(items) => Value::list(items.iter().map(one)),
        other => one(other),
    })
}

fn pattern(text: &str, match_case: bool) -> Result<Regex> {
    RegexBuilder::new(text).case_insensitive(!match_case).size_limit(MAX_PATTERN).build().map_err(|e| {
        Error::new(ErrorId::CannotConvertArgument, format!("`{text}` is no regular expression: {e}"))
            .about(text)
            .hint("`-like` takes wildcards: `*`, `?`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(operator: &str, left: &Value, right: &Value) -> Value {
        let (name, case) = match operator.strip_prefix('c') {
            Some(rest) if OPERATORS.iter().any(|(n, _)| *n == rest) => (rest, true),
            _ => (operator, false),
        };
        let operator = OPERATORS.iter().find(|(n, _)| *n == name).unwrap().1;
        apply(operator, left, right, case, &Zone::utc()).unwrap().value
    }

    #[test]
    fn the_left_operand_decides() {
        let text = Value::text;
        let date = |t: &str| Value::Moment(Moment::parse(t, &Zone::utc()).unwrap());
        for (left, operator, right, truth) in [
            (text("CN=A"), "eq", text("cn=a"), true),
            (text("CN=A"), "ceq", text("cn=a"), false),
            (text("10"), "lt", text("9"), true),
            (Value::Int(10), "lt", text("9"), false),
            (Value::Int(5), "eq", text("5"), true),
            (Value::Int(5), "eq", text("five"), false),
            (text("5"), "eq", Value::Int(5), true),
            (date("2018-08-31"), "lt", text("9/1/2018"), true),
            (date("2018-09-02"), "lt", text("9/1/2018"), false),
            (text("9/1/2018"), "gt", date("2018-08-31"), true),
            (text("Default"), "like", text("def*"), true),
            (text("Default"), "clike", text("def*"), false),
            (text("Default"), "notlike", text("x*"), true),
            (text("fe01.contoso.net"), "match", text("^FE\\d+"), true),
            (text("fe01"), "cmatch", text("^FE"), false),
            (text("a"), "in", Value::list([text("A"), text("b")]), true),
            (text("a"), "notin", Value::list([text("A")]), false),
            (Value::list([text("A")]), "contains", text("a"), true),
            (Value::list([text("A")]), "ccontains", text("a"), false),
            (Value::Null, "eq", Value::Null, true),
            (text(""), "eq", Value::Null, false),
            (Value::Bool(true), "eq", text("x"), true),
        ] {
            assert_eq!(test(operator, &left, &right).is_true(), truth, "{left:?} -{operator} {right:?}");
        }
    }

    #[test]
    fn a_list_on_the_left_is_filtered() {
        let list = Value::list(["a", "B", "ab"].map(Value::text));
        assert_eq!(test("like", &list, &Value::text("A*")).items().len(), 2);
        assert_eq!(test("ne", &list, &Value::text("b")).items().len(), 2);
        assert_eq!(test("eq", &list, &Value::text("z")).items().len(), 0);
    }

    #[test]
    fn texts_are_split_joined_and_replaced() {
        let zone = Zone::utc();
        let list = |parts: &[&str]| Value::list(parts.iter().map(Value::text));
        assert_eq!(test("split", &Value::text("a1b2c"), &Value::text("\\d")).display(&zone), "a b c");
        assert_eq!(
            test("split", &Value::text("a,b,c"), &Value::list([Value::text(","), Value::Int(2)])).items().len(),
            2
        );
        assert_eq!(test("join", &list(&["a", "b"]), &Value::text("; ")).display(&zone), "a; b");
        assert_eq!(test("replace", &Value::text("Contoso"), &list(&["o(n)", "[$1]"])).display(&zone), "C[n]toso");
        assert_eq!(test("replace", &Value::text("aXb"), &Value::text("x")).display(&zone), "ab");
        assert_eq!(split_blanks(&Value::text(" a  b "), &zone).items().len(), 2);
    }

    #[test]
    fn what_cannot_be_compared_is_an_error() {
        let zone = Zone::utc();
        let error = |l: Value, r: Value| apply(Operator::Lt, &l, &r, false, &zone).map(|o| o.value).unwrap_err().id();
        assert_eq!(error(Value::Int(1), Value::text("x")), ErrorId::CannotConvertArgument);
        assert_eq!(error(Value::Moment(Moment::from_unix(0)), Value::text("soon")), ErrorId::InvalidDate);
        let huge = Value::text("(a{1000}){1000}{1000}");
        assert_eq!(
            apply(Operator::Match, &Value::text("a"), &huge, false, &zone).map(|o| o.value).unwrap_err().id(),
            ErrorId::CannotConvertArgument
        );
    }
}
