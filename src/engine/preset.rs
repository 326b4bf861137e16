//! Rhai as certlet sets it up: packages, limits, types, functions, callbacks.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rhai::packages::{Package, StandardPackage};
use rhai::{Engine as Rhai, EvalAltResult, INT, OptimizationLevel};

use super::errors::{caught, thrown};
use super::modules::{Library, Resolver};
use super::state::State;
use super::{functions, natives, show, variables};
use crate::error::{Error, ErrorId};

/// Between two looks at the run's wish to stop.
const SLICE: Duration = Duration::from_millis(50);

/// A Rhai engine for a state.
pub(super) fn rhai(state: &Arc<State>, library: Library) -> Rhai {
    static STANDARD: OnceLock<StandardPackage> = OnceLock::new();
    let mut engine = Rhai::new_raw();
    STANDARD.get_or_init(StandardPackage::new).register_into_engine(&mut engine);
    state.limits.apply(&mut engine);
    engine
        .set_fail_on_invalid_map_property(true)
        .disable_symbol("eval")
        // The optimizer takes `try { $x }` for a statement that cannot fail.
        .set_optimization_level(OptimizationLevel::None);
    show::register(&mut engine, state);
    natives::register(&mut engine, state);
    functions::register(&mut engine, state);
    engine.set_module_resolver(Resolver::new(Arc::clone(state), library));
    progress(&mut engine, state);
    variables::register(&mut engine, state);
    sleep(&mut engine, state);
    engine
}

fn progress(engine: &mut Rhai, state: &Arc<State>) {
    let cancel = state.cancel.clone();
    engine.on_progress(move |operations| {
        // A look costs as much as several operations.
        if !operations.is_multiple_of(32) {
            return None;
        }
        cancel.check().err().map(caught)
    });
}

fn sleep(engine: &mut Rhai, state: &Arc<State>) {
    let nap = |state: &State, seconds: f64| -> Result<(), Box<EvalAltResult>> {
        if !(0.0..=1.0e9).contains(&seconds) {
            return Err(thrown(Error::new(ErrorId::CannotConvertArgument, "nobody sleeps so long")));
        }
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        loop {
            state.cancel.check().map_err(thrown)?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(SLICE));
        }
    };
    let host = Arc::clone(state);
    engine.register_fn("sleep", move |seconds: INT| nap(&host, seconds as f64));
    let host = Arc::clone(state);
    engine.register_fn("sleep", move |seconds: f64| nap(&host, seconds));
}
