//! A small table of verbs for tests and for the fuzz target.

use super::words::{Parameter, ParameterLookup, Words};

/// A verb: name, positions (`u8::MAX` for any number), block, parameters.
///
/// A parameter ends in `?` when it is a switch and in `!` when it is secret.
type Row = (&'static str, u8, bool, &'static [&'static str]);

const ROWS: &[Row] = &[
    ("Get-CsCertificate", 0, false, &["Type", "Identity", "Verbose?"]),
    (
        "Set-CsCertificate",
        0,
        false,
        &["Type", "Thumbprint", "Roll?", "EffectiveDate", "Confirm?", "WhatIf?", "Verbose?", "ErrorAction"],
    ),
    (
        "Request-CsCertificate",
        0,
        false,
        &[
            "New?",
            "Type",
            "CA",
            "CaAccount",
            "Verbose?",
            "DomainName",
            "Template",
            "Output",
            "ClientEKU",
            "List?",
            "OU",
            "Organization",
        ],
    ),
    ("Import-CsCertificate", 0, false, &["Path", "Password!", "PrivateKeyExportable", "Verbose?"]),
    ("Where-Object", 3, true, &["FilterScript", "Property", "Value", "EQ?", "LT?"]),
    ("ForEach-Object", u8::MAX, true, &["Process", "MemberName"]),
    ("Sort-Object", 1, true, &["Property", "Descending?"]),
    ("Select-Object", 1, true, &["Property", "ExpandProperty", "First"]),
    ("Format-Table", 1, true, &["Property", "AutoSize?"]),
    ("Format-List", 1, true, &["Property"]),
    ("Out-File", 1, false, &["FilePath"]),
    ("ConvertTo-Json", 0, false, &["Depth"]),
    ("Get-Help", 1, false, &["Name"]),
    ("Get-Date", 1, false, &["Date"]),
    ("Get-WebBinding", 0, false, &["Name", "Protocol"]),
    ("Write-Output", u8::MAX, false, &["InputObject"]),
    ("Get-X", u8::MAX, true, &["Type", "Path", "Filter", "A", "Value", "Flag?"]),
    ("Test-X", u8::MAX, true, &["Type", "Quiet?"]),
];

const ALIASES: &[(&str, &str)] = &[
    ("%", "ForEach-Object"),
    ("foreach", "ForEach-Object"),
    ("?", "Where-Object"),
    ("where", "Where-Object"),
    ("select", "Select-Object"),
    ("sort", "Sort-Object"),
    ("ft", "Format-Table"),
    ("fl", "Format-List"),
];

/// The table as [`Words`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample;

impl Words for Sample {
    fn verb(&self, word: &str) -> Option<&str> {
        row(word).map(|row| row.0)
    }

    fn alias(&self, word: &str) -> Option<&str> {
        ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word)).map(|(_, verb)| *verb)
    }

    fn parameter(&self, verb: &str, name: &str) -> ParameterLookup<'_> {
        let Some(row) = row(verb) else { return ParameterLookup::Unknown { near: Vec::new() } };

        let found = |declared: &'static str| {
            ParameterLookup::Found(Parameter {
                name: plain(declared),
                switch: declared.ends_with('?'),
                secret: declared.ends_with('!'),
            })
        };
        if let Some(exact) = row.3.iter().find(|declared| plain(declared).eq_ignore_ascii_case(name)) {
            return found(exact);
        }
        let prefixed = |declared: &&&'static str| {
            plain(declared).get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let matches: Vec<&'static str> = row.3.iter().filter(prefixed).copied().collect();
        match matches.as_slice() {
            [] => ParameterLookup::Unknown { near: row.3.iter().take(1).map(|declared| plain(declared)).collect() },
            [one] => found(one),
            several => {
                ParameterLookup::Ambiguous { candidates: several.iter().map(|declared| plain(declared)).collect() }
            }
        }
    }

    fn positions(&self, verb: &str) -> Option<usize> {
        row(verb).filter(|row| row.1 != u8::MAX).map(|row| usize::from(row.1))
    }

    fn takes_block(&self, verb: &str) -> bool {
        row(verb).is_some_and(|row| row.2)
    }
}

fn plain(declared: &'static str) -> &'static str {
    declared.trim_end_matches(['?', '!'])
}

fn row(word: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.0.eq_ignore_ascii_case(word))
}
