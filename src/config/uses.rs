//! Rows of uses: the built-in table and a topology's `[[use]]`, read by the same code.

use std::path::Path;
use std::sync::OnceLock;

use super::reader::{At, Document, Item, Table};
use crate::error::ErrorId;
use crate::model::{
    ChainTo, HostName, KeyRule, NameCondition, NamePattern, NameRule, NamesRow, Needs, Role, ToleratedKeys, Use,
    UseName, UseScope,
};

const BUILTIN: &str = include_str!("uses.toml");

/// The built-in rows: the uses of Lync Server and Skype for Business Server.
pub fn builtin_uses() -> &'static [Use] {
    static ROWS: OnceLock<Vec<Use>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let document = Document::new("uses.toml", BUILTIN.to_owned(), ErrorId::TopologyInvalid);
        let rows = document.parse().and_then(|root| {
            let root = Table::root(&document, &root);
            let rows: Vec<Use> = root
                .tables("use")
                .into_iter()
                .filter_map(|t| read_use(t, true, Path::new("")))
                .map(|u| u.value)
                .collect();
            root.finish();
            document.outcome(Some(rows))
        });
        // The table is compiled in; a test reads it and fails on any error.
        rows.unwrap_or_default()
    })
}

/// Reads one row; `base` is the folder of relative paths.
pub(super) fn read_use(table: Table<'_>, is_builtin: bool, base: &Path) -> Option<At<Use>> {
    let span = table.span.clone();
    let name = table.required_parsed::<UseName>("name");
    let purpose = table.text("purpose").map_or_else(String::new, |t| t.value);
    let roles = roles(&table);
    let scope =
        table.word("scope", &[("Local", UseScope::Local), ("Global", UseScope::Global)]).unwrap_or(UseScope::Local);
    let online_only = table.flag("online_only", false);
    let supports_roll = table.flag("supports_roll", false);
    let roll_lead_hours = table.number("roll_lead_hours", 0..=8760).unwrap_or(0);
    let web_site = table.text("web_site").map(|t| t.value);
    let needs = table.table("needs").map_or_else(Needs::default, |t| read_needs(t, base));
    let mut names: Vec<NamesRow> =
        table.tables("computed").into_iter().filter_map(|t| read_row(t, needs.wildcard)).collect();
    if let Some(listed) = table.item("names") {
        names.extend(read_listed(listed, needs.wildcard));
    } else if names.is_empty() && !online_only {
        table.missing("names");
    }
    let document = table.document;
    table.finish();
    let name = name?;
    if name.value.as_str().eq_ignore_ascii_case("all") {
        document.problem(&name.span, "`all` is no name for a use", None);
    }
    let value = Use {
        name: name.value,
        purpose,
        is_builtin,
        roles,
        scope,
        online_only,
        supports_roll,
        roll_lead_hours,
        web_site,
        names,
        needs,
    };
    Some(At { value, span })
}

fn roles(table: &Table<'_>) -> Vec<Role> {
    let words: Vec<(&str, Role)> = Role::ALL.iter().map(|role| (role.name(), *role)).collect();
    table
        .item("roles")
        .map_or_else(Vec::new, |item| item.list())
        .into_iter()
        .filter_map(|item| item.word(&words))
        .collect()
}

/// `names = ["shop.example.com"]`: the first is the subject, on every role.
fn read_listed(item: Item<'_>, wildcard: bool) -> Option<NamesRow> {
    let names: Vec<NameRule> = item.list().into_iter().filter_map(|i| read_rule(i, wildcard)).collect();
    let Some(first) = names.first() else {
        item.document.problem(&item.span(), "a use needs at least one name", None);
        return None;
    };
    let subject = first.pattern.clone();
    Some(NamesRow { roles: Vec::new(), subject, joined_subject: None, repeat_subject: true, names })
}

fn read_row(table: Table<'_>, wildcard: bool) -> Option<NamesRow> {
    let roles = roles(&table);
    let subject = table.required_parsed::<NamePattern>("subject");
    let joined_subject = table.parsed::<NamePattern>("joined_subject").map(|p| p.value);
    let repeat_subject = table.flag("repeat_subject", true);
    let names = table.required("names").map_or_else(Vec::new, |item| item.list());
    let names = names.into_iter().filter_map(|item| read_rule(item, wildcard)).collect();
    table.finish();
    Some(NamesRow { roles, subject: subject?.value, joined_subject, repeat_subject, names })
}

/// `"sip.{domain}"` or `{ name = "{meet}", when = "…", wildcard = true }`.
fn read_rule(item: Item<'_>, wildcard: bool) -> Option<NameRule> {
    let rule = if item.is_table() {
        let table = item.table()?;
        let pattern = table.required_parsed::<NamePattern>("name");
        let conditions =
            [("autodiscover", NameCondition::Autodiscover), ("sipinternal_dns", NameCondition::SipInternalDns)];
        let condition = table.word("when", &conditions);
        let wildcard = table.flag("wildcard", wildcard);
        table.finish();
        NameRule { pattern: pattern?.value, condition, wildcard }
    } else {
        NameRule { pattern: item.parsed::<NamePattern>()?.value, condition: None, wildcard }
    };
    if rule.pattern.literal().is_some_and(HostName::is_wildcard) && !rule.wildcard {
        let hint = "add `wildcard = true` to the use's `needs`".to_owned();
        item.document.problem(
            &item.span(),
            format!("`{}` is a wildcard, which this use does not take", rule.pattern),
            Some(hint),
        );
    }
    Some(rule)
}

fn read_needs(table: Table<'_>, base: &Path) -> Needs {
    let eku = table.item("eku").map_or_else(Vec::new, |item| item.list()).into_iter().filter_map(read_eku).collect();
    let keys = key_rules(&table);
    let tolerated_keys = table.table("tolerated").and_then(|old| {
        let (version, keys) = (old.number("version", 2010..=2100), key_rules(&old));
        if version.is_none() {
            old.missing("version");
        }
        old.finish();
        Some(ToleratedKeys { version: version?, keys })
    });
    let chain_to = match table.text("chain_to") {
        None => ChainTo::Configured,
        Some(text) if text.value == "system" => ChainTo::System,
        Some(text) if text.value == "trust" => ChainTo::Configured,
        Some(text) => {
            let path = base.join(&text.value);
            if !path.is_file() {
                let hint = "write `system`, `trust` (the roots of `[trust]`) or a PEM file".to_owned();
                table.document.problem(&text.span, format!("there is no file `{}`", text.value), Some(hint));
            }
            ChainTo::File(path)
        }
    };
    let needs = Needs {
        eku,
        keys,
        tolerated_keys,
        wildcard: table.flag("wildcard", false),
        chain_to,
        cdp: table.flag("cdp", false),
        no_pss: table.flag("no_pss", false),
        exportable: table.flag("exportable", false),
    };
    table.finish();
    needs
}

fn key_rules(table: &Table<'_>) -> Vec<KeyRule> {
    let rules = table.item("key").map_or_else(Vec::new, |item| item.list());
    rules.into_iter().filter_map(|item| item.parsed::<KeyRule>()).map(|rule| rule.value).collect()
}

/// Reads an extended key usage: a known word or a dotted object identifier.
pub(super) fn read_eku(item: Item<'_>) -> Option<String> {
    const KNOWN: [(&str, &str); 2] = [("ServerAuth", "1.3.6.1.5.5.7.3.1"), ("ClientAuth", "1.3.6.1.5.5.7.3.2")];
    let text = item.text()?;
    let arcs: Vec<&str> = text.value.split('.').collect();
    let is_arc = |arc: &&str| !arc.is_empty() && arc.len() <= 20 && arc.bytes().all(|b| b.is_ascii_digit());
    if arcs.len() >= 2 && arcs.len() <= 32 && arcs.iter().all(is_arc) {
        return Some(text.value);
    }
    item.word(&KNOWN).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Uses;

    #[test]
    fn the_builtin_table_is_sound() {
        let document = Document::new("uses.toml", BUILTIN.to_owned(), ErrorId::TopologyInvalid);
        let root = document.parse().unwrap();
        let rows = Table::root(&document, &root).tables("use");
        let count = rows.len();
        let rows: Vec<_> = rows.into_iter().filter_map(|t| read_use(t, true, Path::new(""))).collect();
        document.outcome(Some(())).unwrap();
        assert_eq!((rows.len(), builtin_uses().len(), count), (20, 20, 20));
        let uses = Uses::new(builtin_uses().to_vec());
        assert_eq!(uses.iter().count(), 20, "no name twice");
        for r#use in uses.iter().filter(|u| !u.online_only) {
            for role in &r#use.roles {
                assert!(r#use.names_for(*role).is_some(), "{} on {role}", r#use.name);
            }
        }
    }

    #[test]
    fn short_keys_of_oauth_are_tolerated_in_2013_only() {
        use crate::model::KeyFit;
        let uses = Uses::new(builtin_uses().to_vec());
        let needs = &uses.find("OAuthTokenIssuer").unwrap().needs;
        for (bits, version, fit) in [
            (1024, Some(2013), KeyFit::Tolerated),
            (1024, Some(2015), KeyFit::Refused),
            (1024, None, KeyFit::Refused),
            (512, Some(2013), KeyFit::Refused),
            (2048, Some(2013), KeyFit::Good),
        ] {
            assert_eq!(needs.key_fit(false, bits, version), fit, "{bits} {version:?}");
        }
        let web = &uses.find("WebServicesInternal").unwrap().needs;
        assert_eq!(web.key_fit(false, 3072, Some(2013)), KeyFit::Refused);
        let leads = ["AudioVideoAuthentication", "OAuthTokenIssuer", "Default"];
        assert_eq!(leads.map(|name| uses.find(name).unwrap().roll_lead_hours), [8, 24, 0]);
    }

    #[test]
    fn words_of_operators_are_found() {
        let uses = Uses::new(builtin_uses().to_vec());
        assert_eq!(uses.find("XmppServer").unwrap().name.as_str(), "XMPPServer");
        let all = uses.find_all(["webservicesexternal, default", "WebServicesInternal,Default"]).unwrap();
        assert_eq!(
            all.iter().map(UseName::as_str).collect::<Vec<_>>(),
            ["Default", "WebServicesInternal", "WebServicesExternal"]
        );
        let error = uses.find("Defualt").unwrap_err();
        assert_eq!(error.id(), ErrorId::CannotConvertArgument);
        assert!(error.message().contains("`WebServicesInternal`") && error.message().contains("none of its own"));
        assert_eq!(error.hints(), ["did you mean `Default`?"]);
    }
}
