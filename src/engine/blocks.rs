//! Calls of script blocks from native code, at home in the text in which they stand.

use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use super::state::State;

/// Calls a script block with one argument on the caller's context.
///
/// Rhai keeps the caller's source while a closure runs. Where the closure stands in another text,
/// the call is given that one, so that places in errors are those of the closure's own file.
///
/// # Errors
/// What the block throws.
pub(super) fn call(
    cx: &NativeCallContext<'_>,
    state: &State,
    block: &FnPtr,
    argument: Dynamic,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let home = if block.is_anonymous() { state.sources.of_closure(block.fn_name()) } else { None };
    match home {
        Some(home) if cx.call_source() != Some(&*home) => {
            let mut global = cx.global_runtime_state().clone();
            global.source = Some((&*home).into());
            let inner = NativeCallContext::new_with_all_fields(
                cx.engine(),
                cx.fn_name(),
                cx.fn_source(),
                &global,
                cx.call_position(),
            );
            block.call_raw(&inner, None, [argument])
        }
        _ => block.call_raw(cx, None, [argument]),
    }
}
