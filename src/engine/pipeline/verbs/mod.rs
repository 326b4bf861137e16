//! The verbs that come with the engine, because they work on any object or take script blocks.

mod compare_object;
mod convert_from_csv;
mod convert_from_json;
mod convert_to_csv;
mod convert_to_json;
mod convert_to_secure_string;
mod csv_reader;
mod csv_rows;
mod export_csv;
mod for_each_object;
mod format_objects;
mod get_date;
mod get_member;
mod get_variable;
mod group_object;
mod import_csv;
mod measure_object;
mod new_time_span;
mod out_file;
mod out_host;
mod out_null;
mod out_string;
mod read_host;
mod row;
mod select_object;
mod sort_object;
mod start_sleep;
mod tee_object;
mod text_file;
mod where_object;
mod write;
mod write_progress;

use super::stage::Make;
use crate::command::{Spec, Verb};
use crate::error::{Error, ErrorId};

/// The stages that only the engine can run: they call script blocks or end the pipeline.
pub(super) static INTERNAL: &[(&Spec, Make)] = &[
    (&where_object::SPEC, where_object::make),
    (&for_each_object::SPEC, for_each_object::make),
    (&select_object::SPEC, select_object::make),
    (&sort_object::SPEC, sort_object::make),
    (&group_object::SPEC, group_object::make),
    (&get_member::SPEC, get_member::make),
    (&get_variable::SPEC, get_variable::make),
    (&measure_object::SPEC, measure_object::make),
    (&out_null::SPEC, out_null::make),
    (&out_host::SPEC, out_host::make),
    (&tee_object::SPEC, tee_object::make),
    (&out_file::SPEC, out_file::make),
    (&convert_from_csv::SPEC, convert_from_csv::make),
    (&import_csv::SPEC, import_csv::make),
    (&convert_to_csv::SPEC, convert_to_csv::make),
    (&export_csv::SPEC, export_csv::make),
    (&compare_object::SPEC, compare_object::make),
    (&read_host::SPEC, read_host::make),
    (&format_objects::LIST, format_objects::make_list),
    (&format_objects::TABLE, format_objects::make_table),
];

static ALL: &[Verb] = &[
    where_object::VERB,
    for_each_object::VERB,
    select_object::VERB,
    sort_object::VERB,
    group_object::VERB,
    format_objects::LIST_VERB,
    format_objects::TABLE_VERB,
    measure_object::VERB,
    out_null::VERB,
    out_host::VERB,
    out_string::VERB,
    write::OUTPUT,
    write::HOST,
    write::WARNING,
    write::VERBOSE,
    write::DEBUG,
    write::ERROR,
    read_host::VERB,
    get_date::VERB,
    convert_to_json::VERB,
    convert_to_secure_string::VERB,
    write_progress::VERB,
    start_sleep::VERB,
    new_time_span::VERB,
    compare_object::VERB,
    export_csv::VERB,
    convert_to_csv::VERB,
    import_csv::VERB,
    convert_from_csv::VERB,
    convert_from_json::VERB,
    out_file::VERB,
    tee_object::VERB,
    get_member::VERB,
    get_variable::VERB,
];

/// Every verb that comes with the engine.
pub(in crate::engine) fn all() -> impl Iterator<Item = &'static Verb> {
    ALL.iter()
}

/// Says that objects came both ways.
fn input_twice() -> Error {
    Error::new(ErrorId::InputObjectNotBound, "objects are piped and given as a parameter too")
        .hint("leave one of them away")
}
