//! `certlet man`: the manual page, from the declaration of the command line.

use clap::CommandFactory;

use super::arguments::Arguments;
use crate::error::{Error, ErrorId, Result};

/// The page in roff, with a section for each verb of the command line.
///
/// # Errors
/// `FileNotWritable`: never in practice, for it is written into memory.
pub(super) fn page() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    render(&mut text)
        .map_err(|e| Error::new(ErrorId::FileNotWritable, "the manual page cannot be written").because(e))?;
    Ok(text)
}

fn render(text: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = Arguments::command();
    command.build();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    man.render_options_section(text)?;
    for verb in command.get_subcommands() {
        let heading = verb.get_bin_name().unwrap_or(verb.get_name()).to_uppercase();
        let page = clap_mangen::Man::new(verb.clone());
        let mut section = Vec::new();
        page.render_synopsis_section(&mut section)?;
        page.render_description_section(&mut section)?;
        page.render_options_section(&mut section)?;
        // Sections of the verb become subsections of the page.
        let section = String::from_utf8_lossy(&section).replace("\n.SH ", "\n.SS ").replacen(".SH ", ".SS ", 1);
        text.extend(format!(".SH \"{heading}\"\n{section}").into_bytes());
    }
    man.render_extra_section(text)?;
    man.render_version_section(text)
}
