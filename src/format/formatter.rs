//! The stream of values as the operator reads it: lists, tables and plain lines, as soon as they are known.

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::command::{Kind, Record, Value};
use crate::model::Zone;

use super::cell::{object_text, shown};
use super::directive::{Directive, Formatted};
use super::plan::{Field, Plan, PlanShape, Row};
use super::table::Table;
use super::text::{column_lines, cut, plain_lines, visible, width, wrap};

/// The narrowest screen that is laid out for; a narrower one gets lines of this width.
const LEAST_WIDTH: usize = 20;

/// How deep lists inside lists are taken apart before they are shown as one value.
const LIST_DEPTH: usize = 16;

/// Lays out values one by one.
///
/// Objects of one kind that follow one another share a list or table. At most the first hundred
/// rows of a table are held back (all, with `-AutoSize`); lists and plain values are written at once.
pub struct Formatter {
    width: usize,
    zone: Zone,
    run: Option<Run>,
    after_blank: bool,
    dropped: Vec<String>,
}

/// A list or table under way.
struct Run {
    directive: Option<Arc<Directive>>,
    kind: Option<Kind>,
    plan: Plan,
    title: Option<String>,
    table: Option<Table>,
}

impl Formatter {
    /// A formatter for a screen of so many cells, with dates in a zone.
    pub fn new(width: usize, zone: Zone) -> Self {
        Self { width: width.max(LEAST_WIDTH), zone, run: None, after_blank: false, dropped: Vec::new() }
    }

    /// Takes the next value and writes what can be written.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn push(&mut self, value: &Value, out: &mut dyn Write) -> fmt::Result {
        self.push_at(value, LIST_DEPTH, out)
    }

    /// Writes what is held back, without ending the table: for before a prompt.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self, out: &mut dyn Write) -> fmt::Result {
        match self.run.as_mut().and_then(|run| run.table.as_mut()) {
            Some(table) => table.flush(out),
            None => Ok(()),
        }
    }

    /// Ends the list or table under way; the formatter can be used again.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(&mut self, out: &mut dyn Write) -> fmt::Result {
        self.end_run(out)?;
        self.after_blank = false;
        Ok(())
    }

    /// The headings of columns for which the screen had no room, since the last call: worth a warning.
    pub fn take_dropped_columns(&mut self) -> Vec<String> {
        std::mem::take(&mut self.dropped)
    }

    fn push_at(&mut self, value: &Value, depth: usize, out: &mut dyn Write) -> fmt::Result {
        match value {
            Value::Null => Ok(()),
            Value::List(items) if depth > 0 => items.iter().try_for_each(|item| self.push_at(item, depth - 1, out)),
            Value::Object(record) => match record.as_any().downcast_ref::<Formatted>() {
                Some(formatted) => self.formatted(formatted, out),
                None => self.object(&**record, &[], None, out),
            },
            Value::Map(entries) => self.map(entries, &[], None, out),
            plain => {
                let text = shown(plain, &self.zone);
                self.plain(&text, out)
            }
        }
    }

    fn formatted(&mut self, formatted: &Formatted, out: &mut dyn Write) -> fmt::Result {
        let directive = Some(&formatted.directive);
        match &formatted.value {
            Value::Object(record) if !record.as_any().is::<Formatted>() => {
                self.object(&**record, &formatted.computed, directive, out)
            }
            Value::Map(entries) => self.map(entries, &formatted.computed, directive, out),
            Value::Null => Ok(()),
            other => {
                let text = shown(other, &self.zone);
                self.plain(&text, out)
            }
        }
    }

    fn object(
        &mut self,
        record: &dyn Record,
        computed: &[Value],
        directive: Option<&Arc<Directive>>,
        out: &mut dyn Write,
    ) -> fmt::Result {
        let kind = record.kind();
        let known = self
            .run
            .as_ref()
            .is_some_and(|run| run.of(directive) && run.kind.as_ref().is_some_and(|known| same_kind(known, kind)));
        if !known {
            let plan = Plan::of_kind(kind, directive.map(|d| &**d));
            if plan.shape == PlanShape::Text {
                return self.plain(&object_text(record, &self.zone), out);
            }
            self.enter(directive, Some(kind), plan, out)?;
        }
        self.row(Row::Object(record), computed, out)
    }

    fn map(
        &mut self,
        entries: &[(Arc<str>, Value)],
        computed: &[Value],
        directive: Option<&Arc<Directive>>,
        out: &mut dyn Write,
    ) -> fmt::Result {
        let plan = Plan::of_map(entries, directive.map(|d| &**d));
        if plan.shape == PlanShape::Text {
            return Ok(());
        }
        self.enter(directive, None, plan, out)?;
        if directive.is_some_and(|d| !d.properties.is_empty()) {
            return self.row(Row::Map(entries), computed, out);
        }
        entries.iter().try_for_each(|(key, value)| self.row(Row::Entry(key, value), computed, out))
    }

    /// Goes on with the run under way where the plan is the same, and starts another one otherwise.
    fn enter(
        &mut self,
        directive: Option<&Arc<Directive>>,
        kind: Option<&Kind>,
        plan: Plan,
        out: &mut dyn Write,
    ) -> fmt::Result {
        if let Some(run) = &mut self.run {
            let may_join = directive.is_some() || (run.kind.is_none() && kind.is_none());
            if may_join && run.of(directive) && run.plan.takes(&plan) {
                run.kind = kind.cloned();
                return Ok(());
            }
        }
        self.end_run(out)?;
        self.run = Some(Run { directive: directive.cloned(), kind: kind.cloned(), plan, title: None, table: None });
        Ok(())
    }

    fn row(&mut self, row: Row<'_>, computed: &[Value], out: &mut dyn Write) -> fmt::Result {
        let Some(mut run) = self.run.take() else { return Ok(()) };
        let done = self.row_of(&mut run, row, computed, out);
        self.run = Some(run);
        done
    }

    fn row_of(&mut self, run: &mut Run, row: Row<'_>, computed: &[Value], out: &mut dyn Write) -> fmt::Result {
        if let Some(field) = &run.plan.group {
            let title = format!("   {}: {}", field.heading, shown(&row.value(field, computed), &self.zone));
            if run.title.as_ref() != Some(&title) {
                if let Some(mut table) = run.table.take() {
                    self.end_table(&mut table, out)?;
                }
                self.blank(out)?;
                for line in column_lines(&title) {
                    writeln!(out, "{}", cut(&line, self.width).trim_end())?;
                }
                self.after_blank = false;
                run.title = Some(title);
            }
        }
        let PlanShape::Table { autosize, wrap } = run.plan.shape else {
            return self.list_item(&run.plan.fields, row, computed, out);
        };
        if run.table.is_none() {
            self.blank(out)?;
        }
        let table = run.table.get_or_insert_with(|| Table::new(run.plan.fields.clone(), autosize, wrap, self.width));
        self.after_blank = false;
        table.push(row, computed, &self.zone, out)
    }

    fn list_item(&mut self, fields: &[Field], row: Row<'_>, computed: &[Value], out: &mut dyn Write) -> fmt::Result {
        self.blank(out)?;
        let headings: Vec<String> = fields.iter().map(|f| visible(&f.heading).replace('\t', " ")).collect();
        let column = headings.iter().map(|h| width(h)).max().unwrap_or(0).min(self.width / 2);
        let room = self.width - column - " : ".len();
        for (field, heading) in fields.iter().zip(&headings) {
            let heading = cut(heading, column);
            let fill = column.saturating_sub(width(&heading));
            let text = shown(&row.value(field, computed), &self.zone);
            let lines = column_lines(&text).flat_map(|line| wrap(&line, room));
            for (index, line) in lines.enumerate() {
                let line = match index {
                    0 => format!("{heading}{:fill$} : {line}", ""),
                    _ => format!("{:indent$}{line}", "", indent = column + 3),
                };
                writeln!(out, "{}", line.trim_end_matches(' '))?;
            }
        }
        self.after_blank = false;
        self.blank(out)
    }

    fn plain(&mut self, text: &str, out: &mut dyn Write) -> fmt::Result {
        self.end_run(out)?;
        self.after_blank = false;
        out.write_str(&plain_lines(text))
    }

    fn end_run(&mut self, out: &mut dyn Write) -> fmt::Result {
        match self.run.take().and_then(|run| run.table) {
            Some(mut table) => self.end_table(&mut table, out),
            None => Ok(()),
        }
    }

    fn end_table(&mut self, table: &mut Table, out: &mut dyn Write) -> fmt::Result {
        table.flush(out)?;
        self.dropped.extend_from_slice(table.dropped());
        self.blank(out)
    }

    fn blank(&mut self, out: &mut dyn Write) -> fmt::Result {
        if self.after_blank {
            return Ok(());
        }
        self.after_blank = true;
        out.write_char('\n')
    }
}

impl Run {
    fn of(&self, directive: Option<&Arc<Directive>>) -> bool {
        match (&self.directive, directive) {
            (Some(mine), Some(other)) => Arc::ptr_eq(mine, other),
            (None, None) => true,
            _ => false,
        }
    }
}

fn same_kind(a: &Kind, b: &Kind) -> bool {
    a.name == b.name
        && a.properties.len() == b.properties.len()
        && a.properties.iter().zip(b.properties.iter()).all(|(x, y)| x.name == y.name && x.hidden == y.hidden)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::command::{Column, View};
    use crate::format::sample::{Bag, certificate};
    use crate::format::{Pick, Shape};
    use crate::model::{Moment, Secret};

    fn laid_out(width: usize, values: impl IntoIterator<Item = Value>) -> String {
        let mut formatter = Formatter::new(width, Zone::utc());
        let mut out = String::new();
        for value in values {
            formatter.push(&value, &mut out).unwrap();
        }
        formatter.finish(&mut out).unwrap();
        out
    }

    fn directed(directive: Directive, values: impl IntoIterator<Item = (Value, Vec<Value>)>) -> Vec<Value> {
        let directive = Arc::new(directive);
        values
            .into_iter()
            .map(|(value, computed)| {
                Value::object(Formatted { value, computed: computed.into(), directive: Arc::clone(&directive) })
            })
            .collect()
    }

    fn names(names: &[&str]) -> Vec<Pick> {
        names.iter().map(|n| Pick::Property((*n).to_owned())).collect()
    }

    const TABLE: Shape = Shape::Table { autosize: false, wrap: false };

    fn site(name: &str, id: i64, bindings: &str) -> Value {
        Bag::value(
            "Website",
            &[("Name", Value::text(name)), ("ID", Value::Int(id)), ("Bindings", Value::text(bindings))],
        )
    }

    const DOCUMENTED: &str = "
Issuer             : CN=contoso-DC01-CA, DC=contoso, DC=net
NotAfter           : 5/16/2014 2:04:04 PM
NotBefore          : 5/16/2012 2:04:04 PM
SerialNumber       : 611BB01200000000000C
Subject            : CN=pool01.contoso.net
AlternativeNames   : {pool01.contoso.net, fe01.contoso.net, sip.contoso.com, webpool01.contoso.net...}
Thumbprint         : 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D
EffectiveDate      :
PreviousThumbprint :
UpdateTime         :
Use                : Default
SourceScope        : Local

";

    #[test]
    fn the_documented_listing() {
        assert_eq!(laid_out(120, [certificate("Default")]), DOCUMENTED);
        let two = DOCUMENTED.replace(": Default", ": WebServicesInternal");
        let both = laid_out(120, [certificate("Default"), certificate("WebServicesInternal")]);
        assert_eq!(both, format!("{DOCUMENTED}{}", two.strip_prefix('\n').unwrap()));
    }

    #[test]
    fn a_narrow_list_wraps_under_its_values() {
        let text = laid_out(60, [certificate("Default")]);
        assert_snapshot!(text, @r#"

        Issuer             : CN=contoso-DC01-CA, DC=contoso, DC=net
        NotAfter           : 5/16/2014 2:04:04 PM
        NotBefore          : 5/16/2012 2:04:04 PM
        SerialNumber       : 611BB01200000000000C
        Subject            : CN=pool01.contoso.net
        AlternativeNames   : {pool01.contoso.net, fe01.contoso.net,
                             sip.contoso.com,
                             webpool01.contoso.net...}
        Thumbprint         : 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9
                             D
        EffectiveDate      :
        PreviousThumbprint :
        UpdateTime         :
        Use                : Default
        SourceScope        : Local
        "#);
    }

    #[test]
    fn up_to_four_properties_are_a_table() {
        assert_snapshot!(laid_out(80, [site("Default Web Site", 1, "http *:80:"), site("Internal", 12, "https *:443:")]), @r#"

        Name             ID Bindings
        ----             -- --------
        Default Web Site  1 http *:80:
        Internal         12 https *:443:
        "#);
    }

    #[test]
    fn a_view_with_fixed_columns_and_a_parent() {
        static COLUMNS: [Column; 2] =
            [Column { property: "Thumbprint", heading: "", width: 41 }, Column::titled("Subject", "Issued to")];
        let item = |parent: &str, thumb: &str, subject: &str| {
            Bag::viewed(
                "X509Certificate2",
                View::Table(&COLUMNS),
                None,
                &[
                    ("#PSParentPath", Value::text(parent)),
                    ("Subject", Value::text(subject)),
                    ("Thumbprint", Value::text(thumb)),
                ],
            )
        };
        let thumb = "466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D";
        let text = laid_out(
            79,
            [
                item("LocalMachine\\My", thumb, "CN=pool01.contoso.net, OU=Information Technology, O=Contoso, C=US"),
                item("LocalMachine\\My", thumb, "CN=b"),
                item("LocalMachine\\Root", thumb, "CN=c\u{1b}[2J\nThumbprint"),
            ],
        );
        assert_snapshot!(text, @r#"

           PSParentPath: LocalMachine\My

        Thumbprint                                Issued to
        ----------                                ---------
        466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D  CN=pool01.contoso.net, OU=Informat...
        466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D  CN=b

           PSParentPath: LocalMachine\Root

        Thumbprint                                Issued to
        ----------                                ---------
        466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D  CN=c\u{1b}[2J
                                                  Thumbprint
        "#);
    }

    #[test]
    fn plain_values_are_lines_and_tables_end_before_them() {
        let text = laid_out(
            80,
            [
                Value::text("one\r\ntwo\ttabbed"),
                Value::Int(3),
                Value::Float(2.5),
                Value::Null,
                Value::Bool(true),
                site("a", 1, "b"),
                Value::list([Value::text("x"), Value::list([Value::text("y")])]),
                Value::Secret(Secret::from("hunter2")),
                Value::Moment(Moment::from_unix(0)),
                Bag::viewed("Report", View::Text, Some("line 1\nline 2"), &[("a", Value::Int(1))]),
            ],
        );
        assert_snapshot!(text, @r#"
        one
        two	tabbed
        3
        2.5
        True

        Name ID Bindings
        ---- -- --------
        a     1 b

        x
        y
        System.Security.SecureString
        1/1/1970 12:00:00 AM
        line 1
        line 2
        "#);
    }

    #[test]
    fn hash_tables_are_names_and_values() {
        let map = |v: i64| {
            Value::Map(
                [("Type".into(), Value::list([Value::text("a"), Value::text("b")])), ("Days".into(), Value::Int(v))]
                    .into(),
            )
        };
        assert_snapshot!(laid_out(80, [map(1), map(2)]), @r#"

        Name Value
        ---- -----
        Type {a, b}
        Days 1
        Type {a, b}
        Days 2
        "#);
    }

    #[test]
    fn another_kind_starts_another_table() {
        let other = Bag::value("Other", &[("Name", Value::text("x"))]);
        assert_snapshot!(laid_out(80, [site("a", 1, "b"), other, certificate("Default")]), @r#"

        Name ID Bindings
        ---- -- --------
        a     1 b

        Name
        ----
        x

        Issuer             : CN=contoso-DC01-CA, DC=contoso, DC=net
        NotAfter           : 5/16/2014 2:04:04 PM
        NotBefore          : 5/16/2012 2:04:04 PM
        SerialNumber       : 611BB01200000000000C
        Subject            : CN=pool01.contoso.net
        AlternativeNames   : {pool01.contoso.net, fe01.contoso.net, sip.contoso.com,
                             webpool01.contoso.net...}
        Thumbprint         : 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D
        EffectiveDate      :
        PreviousThumbprint :
        UpdateTime         :
        Use                : Default
        SourceScope        : Local
        "#);
    }

    #[test]
    fn format_list_takes_wildcards_and_calculated_properties() {
        let mut properties = names(&["use", "*name", "nosuch"]);
        properties.push(Pick::Computed { heading: "Days left".into(), index: 0 });
        let list = Directive { shape: Shape::List, properties, group_by: None };
        assert_snapshot!(laid_out(80, directed(list, [(certificate("Default"), vec![Value::Int(20)])])), @r#"

        Use          : Default
        FriendlyName : Front end
        Days left    : 20
        "#);
        let all = Directive { shape: Shape::List, properties: names(&["*"]), group_by: None };
        assert!(
            laid_out(80, directed(all, [(certificate("Default"), vec![])])).contains("FriendlyName       : Front end")
        );
    }

    #[test]
    fn format_table_groups_wraps_and_shows_what_is_missing() {
        let table = Directive {
            shape: Shape::Table { autosize: false, wrap: true },
            properties: vec![
                Pick::Property("Name".into()),
                Pick::Property("Nosuch".into()),
                Pick::Computed { heading: "Twice".into(), index: 0 },
                Pick::Property("Bindings".into()),
            ],
            group_by: Some(Pick::Property("ID".into())),
        };
        let values = [
            (site("a", 1, "http *:80: and https *:443: and http *:8080:"), vec![Value::Int(2)]),
            (site("b", 1, "http *:81:"), vec![Value::Int(200)]),
            (site("c", 2, "x"), vec![Value::Null]),
        ];
        assert_snapshot!(laid_out(40, directed(table, values)), @r#"

           ID: 1

        Name Nosuch Twice Bindings
        ---- ------ ----- --------
        a               2 http *:80: and https
                          *:443: and http
                          *:8080:
        b             200 http *:81:

           ID: 2

        Name Nosuch Twice Bindings
        ---- ------ ----- --------
        c                 x
        "#);
    }

    #[test]
    fn a_directed_table_goes_on_over_kinds() {
        let table = Directive { shape: TABLE, properties: names(&["Name"]), group_by: None };
        let other = Bag::value("Other", &[("NAME", Value::text("x")), ("b", Value::Int(1))]);
        let text = laid_out(
            80,
            directed(
                table,
                [
                    (site("a", 1, "b"), vec![]),
                    (Bag::value("Third", &[("Name", Value::text("y"))]), vec![]),
                    (other, vec![]),
                ],
            ),
        );
        assert_snapshot!(text, @r#"

        Name
        ----
        a
        y
        x
        "#);
    }

    #[test]
    fn rows_are_written_after_the_first_hundred() {
        let mut formatter = Formatter::new(80, Zone::utc());
        let mut out = String::new();
        for i in 0..99 {
            formatter.push(&site("a", i, "b"), &mut out).unwrap();
        }
        assert_eq!(out, "\n");
        formatter.push(&site("a", 99, "b"), &mut out).unwrap();
        assert_eq!(out.lines().count(), 103);
        formatter.push(&site("a name that is longer than the column", 100, "b"), &mut out).unwrap();
        assert!(out.ends_with("\na...    100 b\n"), "{out}");
    }

    #[test]
    fn what_is_held_back_can_be_had_before_a_prompt() {
        let mut formatter = Formatter::new(80, Zone::utc());
        let mut out = String::new();
        formatter.push(&site("a", 1, "b"), &mut out).unwrap();
        formatter.flush(&mut out).unwrap();
        assert!(out.ends_with("\na     1 b\n"), "{out}");
        formatter.push(&site("c", 2, "d"), &mut out).unwrap();
        formatter.finish(&mut out).unwrap();
        assert!(out.ends_with("\na     1 b\nc     2 d\n\n"), "{out}");
    }

    #[test]
    fn columns_without_room_are_reported() {
        let wide: Vec<(&str, Value)> = ["Aaaaaaaa", "Bbbbbbbb", "Cccccccc", "Dddddddd"]
            .into_iter()
            .map(|n| (n, Value::text("12345678")))
            .collect();
        let mut formatter = Formatter::new(20, Zone::utc());
        let mut out = String::new();
        formatter.push(&Bag::value("K", &wide), &mut out).unwrap();
        formatter.finish(&mut out).unwrap();
        assert_eq!(formatter.take_dropped_columns(), ["Dddddddd"]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            any::<i64>().prop_map(Value::Span),
            any::<i64>().prop_map(|s| Value::Moment(Moment::from_unix(s))),
            "(?s).{0,60}".prop_map(Value::from),
            "[a-z東 \\n\\t\u{1b}]{0,80}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
                prop::collection::vec(("\\PC{0,12}", inner.clone()), 0..4)
                    .prop_map(|e| Value::Map(e.into_iter().map(|(k, v)| (Arc::from(k), v)).collect())),
                prop::collection::vec(("[#]?\\PC{1,30}", inner), 0..8).prop_map(|e| {
                    let entries: Vec<(&str, Value)> = e.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
                    Bag::value("Any", &entries)
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_panics_nor_overflows_the_screen(
            values in prop::collection::vec(any_value(), 0..8),
            width in 0_usize..100,
            choice in 0_u8..4,
        ) {
            let shape = match choice {
                0 => Shape::List,
                1 => TABLE,
                2 => Shape::Table { autosize: true, wrap: true },
                _ => Shape::Table { autosize: false, wrap: true },
            };
            let asked = Directive { shape, properties: names(&["*"]), group_by: Some(Pick::Property("a".into())) };
            let objects = values.iter().filter(|v| matches!(v, Value::Object(_) | Value::Map(_)));
            let objects: Vec<_> = objects.map(|v| (v.clone(), Vec::new())).collect();
            let visible_object = |v: &Value| matches!(v, Value::Object(r) if !r.kind().properties.is_empty());
            let laid = laid_out(width, directed(asked, objects.iter().filter(|(v, _)| visible_object(v)).cloned()));
            for line in laid.lines() {
                prop_assert!(super::width(line) <= width.max(LEAST_WIDTH), "{line:?}");
            }
            let shown = |v: &Value| matches!(v, Value::Object(r) if r.kind().properties.iter().any(|p| !p.hidden));
            let undirected = laid_out(width, objects.iter().map(|(v, _)| v.clone()).filter(shown));
            for line in undirected.lines() {
                prop_assert!(super::width(line) <= width.max(LEAST_WIDTH), "{line:?}");
            }
            let plain = laid_out(width, values.clone());
            let escaped = !plain.contains('\u{1b}');
            prop_assert!(escaped);
            let mut json = String::new();
            let mut writer = crate::format::JsonArrayWriter::new(width, Zone::utc());
            for value in &values {
                writer.push(value, &mut json).unwrap();
            }
            writer.finish(&mut json).unwrap();
            prop_assert!(serde_json::from_str::<Vec<serde_json::Value>>(&json).is_ok());
        }
    }
}
