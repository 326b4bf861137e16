//! What every state must do, as tests that run on any implementation.

mod samples;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use self::samples::{binding, request, setting, submission};
pub(crate) use self::samples::{certificate, draft, fingerprint, put_certificate, samples, take_number};
use super::{
    AssignmentKey, AssignmentRow, AuditVerdict, BindingKey, BoundRow, CertificateQuery, CertificateRow, Expectation,
    KeyRow, Listed, Row, RowKey, Sealed, Slot, State, Store, Write, verify_audit,
};
use crate::error::ErrorId;
use crate::model::{KeyId, Moment};

/// Runs the whole contract; `make` gives an empty state each time.
pub(crate) fn contract(make: impl Fn() -> Arc<dyn State>) {
    every_table_keeps_what_it_is_given(&*make());
    expectations_hold_in_every_table(&*make());
    a_batch_is_written_whole_or_not_at_all(&*make());
    a_batch_sees_its_own_writes(&*make());
    a_row_of_another_table_is_refused(&*make());
    lists_are_ordered(&*make());
    certificates_are_found_by_each_criterion(&*make());
    certificates_come_in_pages(&*make());
    a_certificate_that_is_put_again_is_found_by_its_new_facts(&*make());
    numbers_are_never_given_twice(&*make());
    the_journal_keeps_its_order(&*make());
    closing_does_all_at_once(&*make());
    the_audit_is_a_chain(&*make());
    the_version_differs_after_a_write(&*make());
    two_handles(|| {
        let state = make();
        [state.clone(), state]
    });
}

/// Runs the part of the contract that speaks of several hands; `open` gives two handles of one new state.
pub(crate) fn two_handles(open: impl Fn() -> [Arc<dyn State>; 2]) {
    a_lease_has_one_holder(&open());
    a_lease_is_taken_in_turns(&open());
    looking_for_the_holder_disturbs_nobody(&open());
    no_update_is_lost(&open());
    audit_lines_of_many_hands_are_one_chain(&open());
    one_hand_sees_what_the_other_wrote(&open());
}

fn every_table_keeps_what_it_is_given(state: &dyn State) {
    for (key, first, second) in samples() {
        assert_eq!(state.row(&key).unwrap(), None, "{key}");
        for row in [first, second] {
            state.write(&[Write::put(key.clone(), row.clone())]).unwrap();
            assert_eq!(state.row(&key).unwrap(), Some(row), "{key}");
        }
    }
    for (key, ..) in samples() {
        state.write(&[Write::remove(key.clone())]).unwrap();
        assert_eq!(state.row(&key).unwrap(), None, "{key}");
        state.write(&[Write::remove(key.clone())]).unwrap();
    }
}

fn expectations_hold_in_every_table(state: &dyn State) {
    let refused = |write: Write| {
        let error = state.write(std::slice::from_ref(&write)).unwrap_err();
        assert_eq!(error.id(), ErrorId::PlanStale, "{write:?}");
        assert!(error.message().contains(&write.key.to_string()), "{error}");
        assert_eq!(error.target(), Some(write.key.to_string().as_str()));
    };
    for (key, first, second) in samples() {
        let exactly = |row: &Row, then: Option<&Row>| Write::replace(key.clone(), Some(row.clone()), then.cloned());
        refused(exactly(&first, Some(&second)));
        refused(exactly(&first, None));
        state.write(&[Write::insert(key.clone(), first.clone())]).unwrap();
        refused(Write::insert(key.clone(), second.clone()));
        refused(Write { key: key.clone(), expect: Expectation::Absent, row: None });
        refused(exactly(&second, Some(&first)));
        refused(exactly(&second, None));
        assert_eq!(state.row(&key).unwrap(), Some(first.clone()));
        state.write(&[exactly(&first, Some(&second))]).unwrap();
        assert_eq!(state.row(&key).unwrap(), Some(second.clone()));
        state.write(&[exactly(&second, None)]).unwrap();
        assert_eq!(state.row(&key).unwrap(), None);
        state.write(&[Write::replace(key.clone(), None, Some(first.clone()))]).unwrap();
    }
}

fn a_batch_is_written_whole_or_not_at_all(state: &dyn State) {
    let (old_key, old) = setting("old", "1");
    state.write(&[Write::put(old_key.clone(), old.clone()), put_certificate(5)]).unwrap();
    let version = state.data_version().unwrap();
    let mut batch: Vec<Write> = samples().into_iter().map(|(key, row, _)| Write::put(key, row)).collect();
    batch.push(Write::remove(old_key.clone()));
    batch.push(Write::remove(RowKey::Certificate(fingerprint(5))));
    batch.push(Write::insert(old_key.clone(), old.clone()));
    let (key, row) = setting("other", "1");
    batch.push(Write::replace(key, Some(row), None));
    let operation = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    assert_ne!(state.data_version().unwrap(), version);
    let version = state.data_version().unwrap();
    let errors = [
        state.write(&batch).unwrap_err(),
        state.journal_with(operation, "entry", &batch).unwrap_err(),
        state.close(operation, &batch, &draft("Set")).unwrap_err(),
        state.record(&batch, &draft("Set")).unwrap_err(),
    ];
    assert!(errors.iter().all(|e| e.id() == ErrorId::PlanStale && e.target() == Some("setting other")), "{errors:?}");
    for (key, ..) in samples() {
        assert_eq!(state.row(&key).unwrap(), None, "{key}");
    }
    assert_eq!(state.row(&old_key).unwrap(), Some(old));
    assert_eq!(state.certificates(&CertificateQuery::default()).unwrap(), [certificate(5)]);
    assert_eq!(state.open_operations().unwrap()[0].entries, Vec::<String>::new());
    assert_eq!(state.audit_after(0, 10).unwrap(), []);
    assert_eq!(state.data_version().unwrap(), version, "a refused batch is no write");
}

fn a_batch_sees_its_own_writes(state: &dyn State) {
    let (key, one) = setting("x", "1");
    let two = setting("x", "2").1;
    let batch = [
        Write::insert(key.clone(), one.clone()),
        Write::replace(key.clone(), Some(one), Some(two.clone())),
        Write::replace(key.clone(), Some(two.clone()), Some(two.clone())),
    ];
    state.write(&batch).unwrap();
    assert_eq!(state.row(&key).unwrap(), Some(two));
    state.write(&[]).unwrap();
}

fn a_row_of_another_table_is_refused(state: &dyn State) {
    let (key, _) = setting("x", "1");
    let wrong = Write::put(key.clone(), Row::Request(request(1)));
    state.write(&[Write::put(RowKey::Request(1), Row::Request(request(1))), wrong]).unwrap_err();
    state.write(&[Write::put(RowKey::Request(2), Row::Request(request(1)))]).unwrap_err();
    assert_eq!(state.row(&key).unwrap(), None);
    assert_eq!(state.requests().unwrap(), []);
}

fn lists_are_ordered(state: &dyn State) {
    let bound = BoundRow { certificate: fingerprint(1), since: Moment::from_unix(1) };
    let bindings = [
        binding("", Slot::Any),
        binding("FE", Slot::Any),
        binding("fe01", Slot::Any),
        binding("fe01", Slot::Rsa),
        binding("fe01", Slot::Ecdsa),
        binding("fé", Slot::Any),
    ];
    let keys: Vec<AssignmentKey> = bindings
        .iter()
        .map(|b| AssignmentKey { scope: b.computer.clone(), use_name: b.site.clone(), slot: b.slot })
        .collect();
    let assigned = AssignmentRow { certificate: None, previous: None, staged: None, updated: Moment::from_unix(0) };
    let mut batch = Vec::new();
    for (b, key) in bindings.iter().zip(&keys).rev() {
        batch.push(Write::put(RowKey::Bound(b.clone()), Row::Bound(bound.clone())));
        batch.push(Write::put(RowKey::Listener(b.clone()), Row::Listener(bound.clone())));
        batch.push(Write::put(RowKey::Assignment(key.clone()), Row::Assignment(assigned.clone())));
    }
    for id in [10, 9, 1, u64::from(u32::MAX) + 1] {
        batch.push(Write::put(RowKey::Request(id), Row::Request(request(id))));
    }
    for (authority, id, serial) in [("a", 2, "02"), ("a", 10, "02"), ("a", 1, ""), ("aa", 1, "02"), ("A", 3, "02")] {
        let row = Row::Submission(submission(serial));
        batch.push(Write::put(RowKey::Submission(authority.to_owned(), id), row));
    }
    let quarantine = [None, Some(9), None, Some(1)];
    for (n, until) in (1..).zip(quarantine) {
        let quarantined_until = until.map(Moment::from_unix);
        let row = KeyRow { sealed: Sealed(vec![n]), exportable: false, added: Moment::from_unix(0), quarantined_until };
        batch.push(Write::put(RowKey::Key(KeyId::from_bytes([n; 32])), Row::Key(row)));
    }
    state.write(&batch).unwrap();

    let kept = state.quarantined().unwrap();
    let kept: Vec<_> = kept.into_iter().map(|(key, row)| (key, row.sealed.0, row.quarantined_until)).collect();
    let key = |n| KeyId::from_bytes([n; 32]);
    let until = |seconds| Some(Moment::from_unix(seconds));
    assert_eq!(kept, [(key(2), vec![2], until(9)), (key(4), vec![4], until(1))]);
    let all = |found: Vec<(BindingKey, BoundRow)>| {
        assert!(found.iter().all(|(_, row)| *row == bound));
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(all(state.bound().unwrap()), bindings);
    assert_eq!(all(state.listener().unwrap()), bindings);
    let found = state.assignments().unwrap();
    assert_eq!(found, keys.into_iter().map(|key| (key, assigned.clone())).collect::<Vec<_>>());
    let ids: Vec<u64> = state.requests().unwrap().iter().map(|r| r.id).collect();
    assert_eq!(ids, [1, 9, 10, u64::from(u32::MAX) + 1]);
    let submissions = |authority, serial| {
        let found = state.submissions(authority, serial).unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(submissions("a", None), [1, 2, 10]);
    assert_eq!(submissions("a", Some("02")), [2, 10]);
    assert_eq!(submissions("a", Some("")), [1]);
    assert_eq!(submissions("", None), Vec::<u32>::new());
}

/// The numbers of the certificates that a query finds.
fn found(state: &dyn State, query: &CertificateQuery) -> Vec<u32> {
    let rows = state.certificates(query).unwrap();
    for (fingerprint, row) in &rows {
        assert_eq!(state.row(&RowKey::Certificate(*fingerprint)).unwrap(), Some(Row::Certificate(row.clone())));
    }
    let listed: Vec<Listed> = rows.iter().map(|(fingerprint, row)| Listed::of(*fingerprint, row)).collect();
    assert_eq!(state.listing(query).unwrap(), listed, "{query:?}");
    rows.iter().map(|(_, row)| u32::from_str_radix(&row.serial[2..], 16).unwrap()).collect()
}

fn certificates_are_found_by_each_criterion(state: &dyn State) {
    let mut rows: Vec<_> = (0..20).map(certificate).collect();
    rows[3].1.store = Store::Root;
    rows[4].1.friendly_name = "the [*] one?".to_owned();
    rows[5].1.names = vec!["*.contoso.com".to_owned(), "[x].contoso.org".to_owned(), "*.contoso.com".to_owned()];
    rows[6].1.names = vec!["a.b.contoso.com".to_owned()];
    rows[7].1.names.clear();
    rows[9].1.thumbprint = rows[8].1.thumbprint;
    rows[10].1.not_after = rows[11].1.not_after;
    rows[14].1.store = Store::Ca;
    rows[15].1.store = Store::Ca;
    rows[15].1.subject = rows[14].1.subject.clone();
    rows[16].1.subject = rows[14].1.subject.clone();
    let held = [rows[1].1.key, rows[17].1.key];
    let quarantined = rows[18].1.key;
    let twelfth = rows[12].1.key;
    rows[13].1.key = twelfth;
    let (eighth, tenth_end) = (rows[8].1.thumbprint, rows[10].1.not_after);
    let tied = if rows[10].0 < rows[11].0 { [10, 11] } else { [11, 10] };
    let batch: Vec<Write> =
        rows.into_iter().rev().map(|(f, row)| Write::put(RowKey::Certificate(f), Row::Certificate(row))).collect();
    state.write(&batch).unwrap();
    for key in held.into_iter().chain([quarantined]) {
        let until = (key == quarantined).then_some(Moment::from_unix(1));
        let row = KeyRow {
            sealed: Sealed(vec![1]),
            exportable: false,
            added: Moment::from_unix(1),
            quarantined_until: until,
        };
        state.write(&[Write::put(RowKey::Key(key), Row::Key(row))]).unwrap();
    }

    let any = CertificateQuery::default;
    let named = |name: &str| found(state, &CertificateQuery { name: Some(name.to_owned()), ..any() });
    let friendly =
        |name: &str| found(state, &CertificateQuery { friendly_name: Some(name.to_owned()), limit: Some(2), ..any() });
    let ordered: Vec<u32> = (0..10).chain(tied).chain(12..20).collect();
    assert_eq!(found(state, &any()), ordered);
    assert_eq!(found(state, &CertificateQuery { store: Some(Store::Root), ..any() }), [3]);
    assert_eq!(found(state, &CertificateQuery { store: Some(Store::Ca), ..any() }), [14, 15]);
    let of_subject = |store: Option<Store>| {
        found(state, &CertificateQuery { subject: Some("CN=host14.contoso.com".to_owned()), store, ..any() })
    };
    assert_eq!(of_subject(Some(Store::Ca)), [14, 15]);
    assert_eq!(of_subject(Some(Store::Root)), Vec::<u32>::new());
    assert_eq!(of_subject(Some(Store::My)), [16]);
    assert_eq!(of_subject(None), [14, 15, 16]);
    let good_for = |host: &str, limit: Option<usize>| {
        found(state, &CertificateQuery { host: Some(host.to_owned()), limit, ..any() })
    };
    for limit in [None, Some(5)] {
        assert_eq!(good_for("host2.contoso.com", limit), [2, 5]);
        assert_eq!(good_for("alias2.contoso.net", limit), [2]);
        assert_eq!(good_for("*.contoso.com", limit), [5], "a star is no pattern here");
        assert_eq!(good_for("a.b.contoso.com", limit), [6]);
        assert_eq!(good_for("b.b.contoso.com", limit), Vec::<u32>::new());
        assert_eq!(good_for("contoso.com", limit), Vec::<u32>::new());
    }
    assert_eq!(found(state, &CertificateQuery { with_key: true, ..any() }), [1, 17]);
    let backwards = CertificateQuery { with_key: true, latest_first: true, limit: Some(1), ..any() };
    assert_eq!(found(state, &backwards), [17]);
    let keyed = CertificateQuery { with_key: true, host: Some("host1.contoso.com".to_owned()), ..any() };
    assert_eq!(found(state, &keyed), [1]);
    assert_eq!(found(state, &CertificateQuery { thumbprint: Some(eighth), ..any() }), [8, 9]);
    assert_eq!(found(state, &CertificateQuery { key: Some(twelfth), ..any() }), [12, 13]);
    assert_eq!(found(state, &CertificateQuery { serial: Some("610000000F".to_owned()), ..any() }), [15]);
    assert_eq!(found(state, &CertificateQuery { ends_by: Some(tenth_end), ..any() }), ordered[..12]);
    assert_eq!(friendly("the [*] one?"), [4]);
    assert_eq!(friendly(""), [0, 1]);
    assert_eq!(named("host2.contoso.com"), [2]);
    assert_eq!(named("host2.contoso"), Vec::<u32>::new());
    assert_eq!(named("*.contoso.com"), [0, 1, 2, 3, 4, 5, 6, 8, 9, tied[0], tied[1], 12, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(named("a.*.com"), [6]);
    assert_eq!(named("host1*"), [1, tied[0], tied[1], 12, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(named("*lias2.c*"), [2]);
    assert_eq!(named("[x].*"), [5]);
    assert_eq!(named("?.b.contoso.com*"), Vec::<u32>::new());
    assert_eq!(named("*").len(), 19);
    let both = CertificateQuery {
        thumbprint: Some(eighth),
        name: Some("*9.contoso.com".to_owned()),
        store: Some(Store::My),
        ..any()
    };
    assert_eq!(found(state, &both), [9]);
    assert_eq!(found(state, &CertificateQuery { friendly_name: Some("x".to_owned()), ..both }), Vec::<u32>::new());
}

fn certificates_come_in_pages(state: &dyn State) {
    let mut rows: Vec<_> = (0..60).map(certificate).collect();
    for (n, (_, row)) in rows.iter_mut().enumerate() {
        row.not_after = Moment::from_unix(n as i64 / 7);
        row.store = if n % 2 == 0 { Store::My } else { Store::Ca };
    }
    let batch: Vec<Write> =
        rows.into_iter().map(|(f, row)| Write::put(RowKey::Certificate(f), Row::Certificate(row))).collect();
    state.write(&batch).unwrap();
    let queries = [
        CertificateQuery::default(),
        CertificateQuery { store: Some(Store::Ca), ..CertificateQuery::default() },
        CertificateQuery { ends_by: Some(Moment::from_unix(4)), ..CertificateQuery::default() },
        CertificateQuery { name: Some("*.contoso.com".to_owned()), ..CertificateQuery::default() },
    ];
    let backwards = queries.clone().map(|query| CertificateQuery { latest_first: true, ..query });
    for query in queries.into_iter().chain(backwards) {
        let whole = state.certificates(&query).unwrap();
        let mut keys: Vec<_> = whole.iter().map(|(f, row)| (row.not_after, *f)).collect();
        if query.latest_first {
            keys.reverse();
        }
        assert!(keys.is_sorted() && keys.len() >= 30);
        for limit in [1, 7, 60] {
            let mut pages = Vec::new();
            let mut query = CertificateQuery { limit: Some(limit), ..query.clone() };
            loop {
                let page = state.certificates(&query).unwrap();
                assert!(page.len() <= limit);
                let Some((f, row)) = page.last() else { break };
                query.after = Some((row.not_after, *f));
                pages.extend(page);
            }
            assert_eq!(pages, whole);
        }
    }
    assert_eq!(state.certificates(&CertificateQuery { limit: Some(0), ..CertificateQuery::default() }).unwrap(), []);
}

fn a_certificate_that_is_put_again_is_found_by_its_new_facts(state: &dyn State) {
    let (print, row) = certificate(1);
    let new = CertificateRow {
        names: vec!["new.contoso.com".to_owned()],
        not_after: Moment::from_unix(1),
        friendly_name: "new".to_owned(),
        store: Store::Root,
        ..row
    };
    state.write(&[put_certificate(1), put_certificate(2)]).unwrap();
    state.write(&[Write::put(RowKey::Certificate(print), Row::Certificate(new.clone()))]).unwrap();
    let named = |name: &str| {
        state.certificates(&CertificateQuery { name: Some(name.to_owned()), ..CertificateQuery::default() }).unwrap()
    };
    assert_eq!(named("new.contoso.com"), [(print, new)]);
    assert_eq!(named("host1.contoso.com"), []);
    assert_eq!(found(state, &CertificateQuery::default()), [1, 2]);
    state.write(&[Write::remove(RowKey::Certificate(print))]).unwrap();
    assert_eq!(named("new.contoso.com"), []);
    assert_eq!(found(state, &CertificateQuery::default()), [2]);
}

fn numbers_are_never_given_twice(state: &dyn State) {
    assert_eq!([1, 2, 3], std::array::from_fn(|_| take_number(state, "request")));
    assert_eq!(take_number(state, "other"), 1);
    let first = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    state.close(first, &[], &draft("Set")).unwrap();
    let second = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    assert!(second > first);
}

fn the_journal_keeps_its_order(state: &dyn State) {
    let first = state.open(Moment::from_unix(1), "machine-a", r#"{"verb":"Set"}"#).unwrap();
    let second = state.open(Moment::from_unix(2), "machine-b", "").unwrap();
    let image = (RowKey::before_image(first, "site"), Row::BeforeImage(Sealed(vec![1])));
    for n in 0..10 {
        state.journal(first, &format!("a{n}")).unwrap();
        state.journal(second, &format!("b{n}")).unwrap();
    }
    state.journal_with(first, "a10", &[Write::insert(image.0.clone(), image.1.clone())]).unwrap();
    assert_eq!(state.row(&image.0).unwrap(), Some(image.1));
    let open = state.open_operations().unwrap();
    assert_eq!(open.iter().map(|o| o.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!((open[0].opened, open[0].machine.as_str()), (Moment::from_unix(1), "machine-a"));
    assert_eq!(open[0].body, r#"{"verb":"Set"}"#);
    assert_eq!(open[0].entries, (0..11).map(|n| format!("a{n}")).collect::<Vec<_>>());
    assert_eq!(open[1].entries, (0..10).map(|n| format!("b{n}")).collect::<Vec<_>>());
    assert_eq!(state.journal(second + 1, "x").unwrap_err().id(), ErrorId::PlanStale);
    assert!(state.journal(u64::MAX, "x").is_err());
}

fn closing_does_all_at_once(state: &dyn State) {
    let (key, row) = setting("a", "1");
    let ids: Vec<u64> = (0..12).map(|n| state.open(Moment::from_unix(n), "m", "{}").unwrap()).collect();
    for id in &ids {
        let image = Write::put(RowKey::before_image(*id, "site"), Row::BeforeImage(Sealed(vec![1])));
        state.journal_with(*id, "intent", &[image]).unwrap();
    }
    let line = state.close(ids[0], &[Write::put(key.clone(), row.clone())], &draft("Set")).unwrap();
    assert_eq!(line.seq, 1);
    assert_eq!(state.audit_after(0, 10).unwrap(), [line]);
    assert_eq!(state.row(&key).unwrap(), Some(row));
    assert_eq!(state.open_operations().unwrap().iter().map(|o| o.id).collect::<Vec<_>>(), ids[1..]);
    for id in &ids {
        let image = state.row(&RowKey::before_image(*id, "site")).unwrap();
        assert_eq!(image.is_none(), *id == ids[0], "{id}: only its own before-images go");
    }
    for error in [
        state.close(ids[0], &[Write::remove(key.clone())], &draft("Set")).unwrap_err(),
        state.journal_with(ids[0], "x", &[Write::remove(key.clone())]).unwrap_err(),
    ] {
        assert_eq!(error.id(), ErrorId::PlanStale);
        assert!(error.message().contains(&format!("operation {}", ids[0])), "{error}");
    }
    assert!(state.row(&key).unwrap().is_some());
    assert_eq!(state.audit_after(0, 10).unwrap().len(), 1);
}

fn the_audit_is_a_chain(state: &dyn State) {
    assert!(matches!(verify_audit(state).unwrap(), AuditVerdict::Intact { lines: 0, .. }));
    let (key, row) = setting("a", "1");
    for n in 1..=7 {
        let line = if n % 2 == 0 {
            let id = state.open(Moment::from_unix(1), "m", "{}").unwrap();
            state.close(id, &[], &draft("Set-CsCertificate")).unwrap()
        } else {
            state.record(&[Write::put(key.clone(), row.clone())], &draft("Request-CsCertificate")).unwrap()
        };
        assert_eq!(line.seq, n);
        assert!(line.line.starts_with(&format!(r#"{{"seq":{n},"time":"2026-"#)), "{}", line.line);
        assert!(!line.line.contains('\n'));
    }
    assert!(matches!(verify_audit(state).unwrap(), AuditVerdict::Intact { lines: 7, .. }));
    let lines = |seq, limit| state.audit_after(seq, limit).unwrap().iter().map(|l| l.seq).collect::<Vec<_>>();
    assert_eq!(lines(0, 3), [1, 2, 3]);
    assert_eq!(lines(5, 100), [6, 7]);
    assert_eq!(lines(7, 100), Vec::<u64>::new());
    assert_eq!(lines(u64::MAX, usize::MAX), Vec::<u64>::new());
}

fn the_version_differs_after_a_write(state: &dyn State) {
    let mut versions = vec![state.data_version().unwrap()];
    let mut note = || versions.push(state.data_version().unwrap());
    let (key, row) = setting("a", "1");
    state.write(&[Write::put(key, row)]).unwrap();
    note();
    take_number(state, "n");
    note();
    let id = state.open(Moment::from_unix(1), "m", "{}").unwrap();
    note();
    state.journal(id, "x").unwrap();
    note();
    state.close(id, &[], &draft("Set")).unwrap();
    note();
    state.record(&[], &draft("Set")).unwrap();
    note();
    let written = versions.len();
    versions.dedup();
    assert_eq!(versions.len(), written);
    state.open_operations().unwrap();
    assert_eq!(state.data_version().unwrap(), versions[written - 1]);
}

fn a_lease_has_one_holder([a, b]: &[Arc<dyn State>; 2]) {
    let none = Duration::ZERO;
    assert_eq!(a.lease_holder("change").unwrap(), None);
    let lease = a.lease("change", "pid 1, Set-CsCertificate, since 12:00", none).unwrap();
    for state in [a, b] {
        assert_eq!(state.lease_holder("change").unwrap().as_deref(), Some("pid 1, Set-CsCertificate, since 12:00"));
        let start = Instant::now();
        let error = state.lease("change", "me", Duration::from_millis(60)).map(drop).unwrap_err();
        assert_eq!(error.id(), ErrorId::Busy);
        assert!(error.message().contains("pid 1, Set-CsCertificate, since 12:00"), "{error}");
        assert!(start.elapsed() >= Duration::from_millis(60), "it waits as long as it was told");
    }
    let other = b.lease("listener", "pid 2", none).unwrap();
    drop(lease);
    assert_eq!(b.lease_holder("change").unwrap(), None);
    let lease = b.lease("change", "pid 3", none).unwrap();
    assert_eq!(a.lease_holder("change").unwrap().as_deref(), Some("pid 3"), "nothing of the longer text is left");
    drop((lease, other));
    for name in ["", "../x", "a/b", "A", "a.b", "ä"] {
        assert_eq!(a.lease(name, "x", none).map(drop).unwrap_err().id(), ErrorId::InvalidName, "{name}");
        assert!(a.lease_holder(name).is_err());
    }
    // A lease may be dropped by another thread than the one that took it.
    let lease = a.lease("change", "x", none).unwrap();
    thread::scope(|s| s.spawn(|| drop(lease)).join().unwrap());
    drop(a.lease("change", "x", none).unwrap());
}

fn a_lease_is_taken_in_turns(states: &[Arc<dyn State>; 2]) {
    let (inside, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for n in 0..6 {
            let (inside, taken) = (&inside, &taken);
            scope.spawn(move || {
                for _ in 0..5 {
                    let lease = states[n % 2].lease("change", "t", Duration::from_secs(60)).unwrap();
                    assert!(!inside.swap(true, Ordering::SeqCst), "two hold it");
                    thread::sleep(Duration::from_millis(1));
                    taken.fetch_add(1, Ordering::SeqCst);
                    inside.store(false, Ordering::SeqCst);
                    drop(lease);
                }
            });
        }
    });
    assert_eq!(taken.load(Ordering::SeqCst), 30);
}

fn looking_for_the_holder_disturbs_nobody([a, b]: &[Arc<dyn State>; 2]) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                b.lease_holder("change").unwrap();
            }
        });
        let all = (0..3000).all(|_| a.lease("change", "x", Duration::ZERO).is_ok());
        done.store(true, Ordering::SeqCst);
        assert!(all, "a free lease was refused");
    });
}

fn no_update_is_lost(states: &[Arc<dyn State>; 2]) {
    const EACH: u32 = 200;
    let counted = RowKey::Setting("counted".to_owned());
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for n in 0..4_u32 {
            let (counted, start) = (&counted, &start);
            let state = &states[n as usize % 2];
            scope.spawn(move || {
                start.wait();
                for i in 0..EACH {
                    loop {
                        let old = state.row(counted).unwrap();
                        let value = match &old {
                            Some(Row::Setting(text)) => text.parse::<u32>().unwrap(),
                            _ => 0,
                        };
                        let new = Row::Setting((value + 1).to_string());
                        let own = RowKey::Request(u64::from(n * EACH + i));
                        let row = Row::Request(request(u64::from(n * EACH + i)));
                        let batch = [Write::insert(own, row), Write::replace(counted.clone(), old, Some(new))];
                        match state.write(&batch) {
                            Ok(()) => break,
                            Err(error) => assert_eq!(error.id(), ErrorId::PlanStale, "{error}"),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(states[0].row(&counted).unwrap(), Some(Row::Setting("800".to_owned())));
    assert_eq!(states[1].requests().unwrap().len(), 800);
}

fn audit_lines_of_many_hands_are_one_chain(states: &[Arc<dyn State>; 2]) {
    thread::scope(|scope| {
        for n in 0..4 {
            let state = &states[n % 2];
            scope.spawn(move || {
                for _ in 0..25 {
                    take_number(&**state, "n");
                    state.record(&[], &draft("Set")).unwrap();
                }
            });
        }
    });
    assert!(matches!(verify_audit(&*states[0]).unwrap(), AuditVerdict::Intact { lines: 100, .. }));
    assert_eq!(take_number(&*states[0], "n"), 101);
}

fn one_hand_sees_what_the_other_wrote([a, b]: &[Arc<dyn State>; 2]) {
    let (key, row) = setting("a", "1");
    let version = b.data_version().unwrap();
    a.write(&[Write::put(key.clone(), row.clone())]).unwrap();
    assert_ne!(b.data_version().unwrap(), version);
    assert_eq!(b.row(&key).unwrap(), Some(row));
    let id = a.open(Moment::from_unix(1), "m", "{}").unwrap();
    b.journal(id, "from b").unwrap();
    assert_eq!(a.open_operations().unwrap()[0].entries, ["from b"]);
    b.close(id, &[], &draft("recover")).unwrap();
    assert_eq!(a.journal(id, "late").unwrap_err().id(), ErrorId::PlanStale);
}
