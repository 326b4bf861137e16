//! The one door to certificate libraries: reading, writing, signing, sealing.

mod der;
mod extensions;
mod name;
mod parse;
mod spki;

pub(crate) use parse::parse_certificate;
