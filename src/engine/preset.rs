//! Rhai as certlet sets it up: packages, limits, types, functions, callbacks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rhai::packages::{Package, StandardPackage};
use rhai::{Dynamic, Engine as Rhai, EvalAltResult, INT, OptimizationLevel};

use super::errors::{caught, thrown};
use super::modules::{Library, Resolver};
use super::state::State;
use super::{functions, natives, show};
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
    variables(&mut engine, state);
    sleep(&mut engine, state);
    engine
}

fn progress(engine: &mut Rhai, state: &Arc<State>) {
    let cancel = state.cancel.clone();
    engine.on_progress(move |operations| {
        // A look costs as much as several operations.
        if operations % 32 != 0 {
            return None;
        }
        cancel.check().err().map(caught)
    });
}

/// Functions and modules see no variables of the script, but the preferences and `$?`.
///
/// An entry that is assigned to a map grows it behind the back of Rhai's own limit, so that the
/// sizes of variables are looked at here too, now and then.
fn variables(engine: &mut Rhai, state: &Arc<State>) {
    let state = Arc::clone(state);
    let seen = AtomicU32::new(0);
    #[allow(deprecated, reason = "Rhai marks volatile interfaces so; its version is pinned")]
    engine.on_var(move |name, index, context| {
        let seen = seen.fetch_add(1, Ordering::Relaxed);
        if seen % GLANCE == 0 {
            let depth = if seen % LOOK == 0 { 16 } else { 0 };
            let entries: usize = context.scope().iter_raw().map(|(_, _, value)| count_entries(value, depth)).sum();
            if state.limits.map_size > 0 && entries > state.limits.map_size {
                return Err(thrown(Error::new(ErrorId::LimitExceeded, "maps are larger than the limit")));
            }
        }
        if index > 0 || context.scope().contains(name) {
            return Ok(None);
        }
        Ok(state.cell(name).map(Dynamic::flatten))
    });
}

/// Every so many accesses the variables' own sizes are looked at, and every so many all that is in them.
const GLANCE: u32 = 64;
const LOOK: u32 = 16_384;

/// The entries of the maps in a value.
fn count_entries(value: &Dynamic, depth: usize) -> usize {
    if let Ok(map) = value.as_map_ref() {
        let inner = if depth == 0 { 0 } else { map.values().map(|v| count_entries(v, depth - 1)).sum() };
        return map.len() + inner;
    }
    match value.as_array_ref() {
        Ok(list) if depth > 0 => list.iter().map(|v| count_entries(v, depth - 1)).sum(),
        _ => 0,
    }
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
