//! What every authority must keep, whatever it is: one suite for all implementations.

use super::testing::World;
use super::{Answer, Authority, Inquiry, Progress, Submission};
use crate::error::ErrorId;
use crate::state::State;
use crate::x509::{Signer, check_pair, parse_request};

/// Runs the suite. `good` is a request that is issued without a person, with `key`; `refused` is one that is denied.
pub(super) fn holds_for(
    world: &World,
    authority: &dyn Authority,
    key: &dyn Signer,
    good: &Submission,
    refused: &Submission,
) {
    is_addressed(authority);
    asking_first_agrees_and_changes_nothing(world, authority, key, good);
    what_is_good_is_issued(world, authority, key, good);
    what_is_refused_is_an_answer(world, authority, refused);
    the_end_of_the_run_is_obeyed(world, authority, good);
}

fn is_addressed(authority: &dyn Authority) {
    let parts: Vec<&str> = authority.config().split('\\').collect();
    assert!(parts.len() == 2 && parts.iter().all(|part| !part.is_empty()), "{}", authority.config());
}

fn asking_first_agrees_and_changes_nothing(
    world: &World,
    authority: &dyn Authority,
    key: &dyn Signer,
    good: &Submission,
) {
    let before = world.version();
    let inquiry = Inquiry {
        template: &good.template,
        key: key.algorithm(),
        exportable: good.exportable,
        requester: &good.requester,
        account: good.account.as_ref(),
        names: &[],
    };
    authority.preflight(&world.context(), &inquiry).unwrap();
    assert!(world.version() == before, "preflight wrote");
}

fn what_is_good_is_issued(world: &World, authority: &dyn Authority, key: &dyn Signer, good: &Submission) {
    let before = world.version();
    let mut answer = authority.begin(&world.context(), good).unwrap();
    // One across a wire remembers its account and its orders by itself.
    assert!(world.version() == before || !authority.is_inside(), "begin wrote by itself");
    let mut rounds = 0;
    loop {
        check_writes(authority, &answer);
        world.state.write(&answer.writes).unwrap();
        if let Progress::Issued(_) = answer.progress {
            break;
        }
        rounds += 1;
        assert!(
            matches!(answer.progress, Progress::Working | Progress::Waiting(Some(_))) && rounds < 100,
            "{answer:?}"
        );
        answer = authority.advance(&world.context(), &answer.ticket).unwrap();
    }
    let Progress::Issued(issued) = &answer.progress else { unreachable!() };
    let leaf = &issued[0];
    check_pair(leaf, key).unwrap();
    assert_eq!(leaf.key_id(), parse_request(&good.csr).unwrap().key_id());
    assert!(!leaf.is_ca() && leaf.is_valid_at(world.now));

    let chain = authority.chain(&world.context()).unwrap();
    let mut below = leaf;
    for above in issued[1..].iter().chain(&chain) {
        if above == below {
            continue;
        }
        assert_eq!(below.issuer(), above.subject());
        assert!(above.is_ca());
        below = above;
    }

    let before = world.version();
    for _ in 0..2 {
        let again = authority.advance(&world.context(), &answer.ticket).unwrap();
        assert!(again.writes.is_empty(), "advancing an issued request changed rows");
        let Progress::Issued(same) = &again.progress else { panic!("{again:?}") };
        assert_eq!((same, again.request_id), (issued, answer.request_id));
    }
    assert!(world.version() == before, "advance wrote by itself");
}

fn what_is_refused_is_an_answer(world: &World, authority: &dyn Authority, refused: &Submission) {
    let mut answer = world.submit(authority, refused).unwrap();
    while let Progress::Working | Progress::Waiting(Some(_)) = answer.progress {
        answer = authority.advance(&world.context(), &answer.ticket).unwrap();
    }
    for _ in 0..2 {
        let Progress::Denied(error) = &answer.progress else { panic!("{answer:?}") };
        assert!(!error.message().is_empty() && !answer.message.is_empty());
        answer = authority.advance(&world.context(), &answer.ticket).unwrap();
    }
}

fn the_end_of_the_run_is_obeyed(world: &World, authority: &dyn Authority, good: &Submission) {
    let mut context = world.context();
    context.cancelled = &|| true;
    assert_eq!(authority.begin(&context, good).unwrap_err().id(), ErrorId::Interrupted);
}

/// Only an authority inside the state has rows to be written.
fn check_writes(authority: &dyn Authority, answer: &Answer) {
    assert!(authority.is_inside() || answer.writes.is_empty(), "rows of an authority across a wire");
    assert!(!answer.ticket.is_empty());
}
