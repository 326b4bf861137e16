//! Rows for tests, one kind after the other.

use std::collections::BTreeMap;

use serde_json::json;

use crate::error::ErrorId;
use crate::model::{Fingerprint, KeyId, Moment, Thumbprint};
use crate::state::{
    AssignmentKey, AssignmentRow, AuditDraft, AuthorityRow, BindingKey, BoundRow, CertificateRow, KeyRow, NameWishes,
    RequestRow, RequestStatus, Row, RowKey, Sealed, Slot, State, Store, SubmissionRow, Write, next_number,
};

/// A certificate row with made-up facts, all derived from `n`.
pub(crate) fn certificate(n: u32) -> (Fingerprint, CertificateRow) {
    let row = CertificateRow {
        der: n.to_be_bytes().repeat(200),
        thumbprint: Thumbprint::from_bytes(digest::<20>(n)),
        subject: format!("CN=host{n}.contoso.com"),
        issuer: "CN=contoso-DC01-CA, DC=contoso, DC=net".to_owned(),
        serial: format!("61{n:08X}"),
        not_before: Moment::from_unix(1_700_000_000),
        not_after: Moment::from_unix(1_800_000_000 + i64::from(n) * 60),
        names: vec![format!("host{n}.contoso.com"), format!("alias{n}.contoso.net")],
        key: KeyId::from_bytes(digest::<32>(n + 1_000_000)),
        store: Store::My,
        friendly_name: String::new(),
        chain: vec![fingerprint(n + 1), fingerprint(n + 2)],
        origin: "request 41 at dc01.contoso.net\\contoso-DC01-CA".to_owned(),
        added: Moment::from_unix(1_700_000_000),
        banned: None,
    };
    (fingerprint(n), row)
}

/// A write of such a certificate.
pub(crate) fn put_certificate(n: u32) -> Write {
    let (fingerprint, row) = certificate(n);
    Write::put(RowKey::Certificate(fingerprint), Row::Certificate(row))
}

/// An audit draft with some content.
pub(crate) fn draft(verb: &str) -> AuditDraft {
    AuditDraft {
        time: Moment::from_unix(1_790_000_000),
        user: "root".to_owned(),
        principal: "contoso\\kenmyer".to_owned(),
        verb: verb.to_owned(),
        outcome: "Done".to_owned(),
        changes: json!([{"use": "Default", "before": null, "after": "466D"}]),
        proof: json!({"verdict": "Proven"}),
        more: BTreeMap::from([("note".to_owned(), json!("first\nsecond"))]),
    }
}

pub(crate) fn fingerprint(n: u32) -> Fingerprint {
    Fingerprint::from_bytes(digest::<32>(n))
}

fn digest<const N: usize>(n: u32) -> [u8; N] {
    use sha2::Digest;
    let whole = sha2::Sha256::digest(n.to_be_bytes());
    std::array::from_fn(|i| whole[i])
}

/// Takes the next number of a counter, also while others do.
pub(crate) fn take_number(state: &dyn State, counter: &str) -> u64 {
    loop {
        let (number, write) = next_number(state, counter).unwrap();
        match state.write(&[write]) {
            Ok(()) => return number,
            Err(error) => assert_eq!(error.id(), ErrorId::PlanStale, "{error}"),
        }
    }
}

pub(super) fn setting(name: &str, value: &str) -> (RowKey, Row) {
    (RowKey::Setting(name.to_owned()), Row::Setting(value.to_owned()))
}

pub(super) fn binding(computer: &str, slot: Slot) -> BindingKey {
    BindingKey {
        computer: computer.to_owned(),
        site: "Lync Server External Web Site".to_owned(),
        information: "*:4443:".to_owned(),
        slot,
    }
}

pub(super) fn request(id: u64) -> RequestRow {
    RequestRow {
        id,
        ca: "dc01.contoso.net\\contoso-DC01-CA".to_owned(),
        request_id: Some(41),
        status: RequestStatus::Pending,
        ticket: "{\"n\":1}".to_owned(),
        csr: vec![0x30, 0, 255],
        key: KeyId::from_bytes([7; 32]),
        requester: "contoso\\kenmyer".to_owned(),
        template: "WebServer".to_owned(),
        uses: vec!["Default".to_owned()],
        subject: "CN=pool".to_owned(),
        names: vec![("sip.contoso.com".to_owned(), "SIP domain".to_owned())],
        friendly_name: "Ünïcode".to_owned(),
        submitted: Moment::from_unix(5),
        retry_at: Some(Moment::from_unix(-5)),
        message: String::new(),
        certificate: Some(fingerprint(3)),
        exportable: true,
        computer: "fe01.contoso.net".to_owned(),
        replaces: None,
        wishes: NameWishes { all_sip_domain: true, added: vec!["a.contoso.com".to_owned()], excluded: Vec::new() },
    }
}

pub(super) fn submission(serial: &str) -> SubmissionRow {
    SubmissionRow {
        requester: "contoso\\kenmyer".to_owned(),
        computer: "fe01.contoso.net".to_owned(),
        template: "WebServer".to_owned(),
        csr: vec![1, 2],
        disposition: 20,
        message: "Issued".to_owned(),
        certificate: vec![3],
        serial: serial.to_owned(),
        submitted: Moment::from_unix(1),
        resolved: Some(Moment::from_unix(2)),
        revoked: Some((Moment::from_unix(3), 1)),
    }
}

/// For each table a key and two rows that differ.
pub(crate) fn samples() -> Vec<(RowKey, Row, Row)> {
    let (print, row) = certificate(1);
    let banned = CertificateRow { banned: Some("2026: key compromise".to_owned()), store: Store::Ca, ..row.clone() };
    let key_row = KeyRow {
        sealed: Sealed(vec![1, 2, 3]),
        exportable: true,
        added: Moment::from_unix(4),
        quarantined_until: None,
    };
    let quarantined = KeyRow { quarantined_until: Some(Moment::from_unix(99)), exportable: false, ..key_row.clone() };
    let assignment_key =
        AssignmentKey { scope: "global".to_owned(), use_name: "Default".to_owned(), slot: Slot::Ecdsa };
    let assigned = AssignmentRow {
        certificate: Some(fingerprint(1)),
        previous: None,
        staged: None,
        updated: Moment::from_unix(1),
    };
    let staged = AssignmentRow {
        certificate: None,
        previous: Some(fingerprint(1)),
        staged: Some((fingerprint(2), Moment::from_unix(i64::MAX))),
        updated: Moment::from_unix(2),
    };
    let bound = |n| BoundRow { certificate: fingerprint(n), since: Moment::from_unix(n.into()) };
    let authority = AuthorityRow {
        certificate: vec![0x30; 500],
        above: vec![0x30; 700],
        key: KeyId::from_bytes([9; 32]),
        next_request_id: 41,
        next_crl: u64::MAX,
    };
    let later = AuthorityRow { next_request_id: u32::MAX, ..authority.clone() };
    let pending = RequestRow { status: RequestStatus::Issued, retry_at: None, request_id: None, ..request(7) };
    let (name, value) = setting("machine", "a\0b\u{10ffff}");
    vec![
        (RowKey::Certificate(print), Row::Certificate(row), Row::Certificate(banned)),
        (RowKey::Key(KeyId::from_bytes([1; 32])), Row::Key(key_row), Row::Key(quarantined)),
        (
            RowKey::before_image(9, "site fe01/Lync"),
            Row::BeforeImage(Sealed(vec![])),
            Row::BeforeImage(Sealed(vec![0, 1])),
        ),
        (RowKey::Request(7), Row::Request(request(7)), Row::Request(pending)),
        (RowKey::Assignment(assignment_key), Row::Assignment(assigned), Row::Assignment(staged)),
        (RowKey::Bound(binding("fe01", Slot::Any)), Row::Bound(bound(1)), Row::Bound(bound(2))),
        (RowKey::Listener(binding("fe01", Slot::Rsa)), Row::Listener(bound(3)), Row::Listener(bound(4))),
        (RowKey::Authority("dc01\\ca".to_owned()), Row::Authority(authority), Row::Authority(later)),
        (
            RowKey::Submission("dc01\\ca".to_owned(), u32::MAX),
            Row::Submission(submission("61AA")),
            Row::Submission(SubmissionRow { revoked: None, resolved: None, ..submission("") }),
        ),
        (name, value, Row::Setting(String::new())),
        (RowKey::Counter("request".to_owned()), Row::Counter(1), Row::Counter(u64::from(u32::MAX))),
    ]
}
