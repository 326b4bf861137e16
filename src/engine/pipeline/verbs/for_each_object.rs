//! `ForEach-Object`: runs a script block for each object, or takes one property of it.

use super::super::run::{Down, Run};
use super::super::stage::{Stage, outside};
use crate::command::{Block, Example, Expect, Impact, Input, Param, Spec, Value, Verb};
use crate::engine::bind::Bound;
use crate::engine::members::{method, property};
use crate::engine::values::enumerate;
use crate::error::Result;

static PROCESS: Param<Block> =
    Param::named("Process", "The script block to run for each object").at(0).sets(&["ScriptBlock"]).mandatory();
static BEGIN: Param<Block> =
    Param::named("Begin", "A script block to run before the first object").sets(&["ScriptBlock"]);
static END: Param<Block> = Param::named("End", "A script block to run after the last object").sets(&["ScriptBlock"]);
static MEMBER: Param<String> =
    Param::named("MemberName", "The property to take, or the method to call, of each object")
        .at(0)
        .sets(&["Property"])
        .mandatory();
static ARGUMENTS: Param<Vec<Value>> =
    Param::named("ArgumentList", "The arguments of the method").aliases(&["Args"]).at(1).sets(&["Property"]);

pub(super) static SPEC: Spec = Spec {
    name: "ForEach-Object",
    twin: None,
    aliases: &["foreach", "%"],
    functions: &[],
    synopsis: "Run a script block for each object",
    description: "In the script block `$_` is the object; what the block comes to is passed on. \
                  With a name instead of a block, that property of each object is passed on.",
    sets: &["ScriptBlock", "Property"],
    parameters: &[&PROCESS.spec, &BEGIN.spec, &END.spec, &MEMBER.spec, &ARGUMENTS.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[
        Example { line: "1..=3 | ForEach-Object { $_ * 2 }", says: "Doubles each number", expect: Expect::Emits(3) },
        Example { line: "'a', 'bb' | % Length", says: "Takes one property", expect: Expect::Emits(2) },
    ],
    related: &["Where-Object", "Select-Object"],
};

pub(super) const VERB: Verb = Verb::new(&SPEC, outside);

struct ForEach {
    begin: Option<Block>,
    process: Process,
    end: Option<Block>,
}

enum Process {
    Block(Block),
    Member(String, Vec<Value>),
}

pub(super) fn make(bound: &Bound, run: &Run<'_>) -> Result<Box<dyn Stage>> {
    let args = super::super::host::finish(bound, run.state)?;
    let block = |name: &str| match bound.value(name) {
        Some(Value::Block(block)) => Some(block.clone()),
        _ => None,
    };
    let process = match block("Process") {
        Some(process) => Process::Block(process),
        None => Process::Member(
            args.raw("MemberName").map_or_else(String::new, |v| v.display(&run.state.zone())),
            args.raw("ArgumentList").map_or_else(Vec::new, |v| v.items().to_vec()),
        ),
    };
    Ok(Box::new(ForEach { begin: block("Begin"), process, end: block("End") }))
}

impl ForEach {
    fn begin(&mut self, down: &mut Down<'_>) -> Result<()> {
        match self.begin.take() {
            Some(block) => emit_all(down.run.call_value(&block, &Value::Null)?, down),
            None => Ok(()),
        }
    }
}

impl Stage for ForEach {
    fn object(&mut self, value: Value, down: &mut Down<'_>) -> Result<()> {
        self.begin(down)?;
        let result = match &self.process {
            Process::Block(block) => down.run.call_value(block, &value)?,
            Process::Member(name, arguments) => {
                let zone = down.run.state.zone();
                match property(&value, name, &zone) {
                    Ok(found) if arguments.is_empty() => found,
                    other => method(&value, name, arguments, &zone).unwrap_or(other)?,
                }
            }
        };
        emit_all(result, down)
    }

    fn end(&mut self, down: &mut Down<'_>) -> Result<()> {
        self.begin(down)?;
        match self.end.take() {
            Some(block) => emit_all(down.run.call_value(&block, &Value::Null)?, down),
            None => Ok(()),
        }
    }
}

fn emit_all(value: Value, down: &mut Down<'_>) -> Result<()> {
    for one in enumerate(value) {
        down.emit(one)?;
    }
    Ok(())
}
