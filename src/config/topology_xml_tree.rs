//! An XML document as a small tree that knows where every word stands: bounded, and without entities of its own.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use quick_xml::{XmlVersion, escape::resolve_predefined_entity};

use super::reader::{At, Document};
use crate::error::Result;

/// A topology nests about eight elements; what nests deeper than this is none.
const DEEPEST: usize = 64;
/// A topology of a thousand computers has some ten thousand elements and attributes.
const MOST_WORDS: usize = 500_000;
/// An element of a topology has at most a dozen attributes.
const MOST_ATTRIBUTES: usize = 64;

/// An element.
#[derive(Debug)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: String,
    /// The namespace that it is in; empty for none.
    pub(super) namespace: String,
    /// Where its start tag stands.
    pub(super) span: Range<usize>,
    /// Its own text, without that of the elements in it.
    pub(super) text: String,
    attributes: Vec<Attribute>,
    children: Vec<Element>,
}

#[derive(Debug)]
struct Attribute {
    name: String,
    /// Empty for an attribute without prefix.
    namespace: String,
    value: At<String>,
}

impl Element {
    /// The value of an attribute without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&At<String>> {
        self.attribute_in("", name)
    }

    /// The value of an attribute of a namespace.
    pub(super) fn attribute_in(&self, namespace: &str, name: &str) -> Option<&At<String>> {
        self.attributes.iter().find(|a| a.namespace == namespace && a.name == name).map(|a| &a.value)
    }

    /// The elements of a name that stand directly in this one.
    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The first of them.
    pub(super) fn child<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.children(name).next()
    }

    /// All elements that stand directly in this one.
    pub(super) fn all(&self) -> impl Iterator<Item = &Self> {
        self.children.iter()
    }
}

/// Something that makes the document unusable as a whole.
struct Flaw {
    span: Range<usize>,
    message: String,
    hint: Option<String>,
}

/// Reads the document's text as XML.
///
/// # Errors
/// The document's id, at the first place that is no XML, declares a document type, or exceeds a bound.
pub(super) fn parse(document: &Document) -> Result<Element> {
    match tree(document.text()) {
        Ok(root) => Ok(root),
        Err(flaw) => {
            document.problem(&flaw.span, flaw.message, flaw.hint);
            document.outcome(None)
        }
    }
}

fn tree(text: &str) -> std::result::Result<Element, Flaw> {
    let mut reader = NsReader::from_str(text);
    let (mut open, mut root): (Vec<Element>, Option<Element>) = (Vec::new(), None);
    let mut count = 0;
    loop {
        let start = place(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(flaw(place(reader.error_position()), format!("no XML: {error}"))),
        };
        let end = place(reader.buffer_position());
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                if count > MOST_WORDS || open.len() >= DEEPEST {
                    let bound = if open.len() >= DEEPEST { "nests too deeply" } else { "has too many elements" };
                    return Err(flaw(start, format!("no topology: the document {bound}")));
                }
                let element = element(text, &reader, &tag, start..end)?;
                count += 1 + element.attributes.len();
                if is_empty {
                    attach(element, &mut open, &mut root)?;
                } else {
                    open.push(element);
                }
            }
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    attach(done, &mut open, &mut root)?;
                }
            }
            Event::Text(piece) => add_text(&mut open, &piece.xml10_content(), start)?,
            Event::CData(piece) => add_text(&mut open, &piece.xml10_content(), start)?,
            Event::GeneralRef(reference) => {
                let read = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character.to_string()),
                    _ => resolve_predefined_entity(&reference).map(str::to_owned),
                };
                let Some(read) = read else {
                    return Err(flaw(start, "no XML: a reference to something that is not declared".to_owned()));
                };
                add_text(&mut open, &read, start)?;
            }
            Event::DocType(_) => {
                let hint = "take the `<!DOCTYPE …>` out: a topology has none".to_owned();
                let message = "document type declarations are refused".to_owned();
                return Err(Flaw { span: start..end, message, hint: Some(hint) });
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match (open.pop(), root) {
        (Some(unclosed), _) => Err(Flaw {
            span: unclosed.span,
            message: format!("no XML: `<{}>` is not closed", unclosed.name),
            hint: None,
        }),
        (None, Some(root)) => Ok(root),
        (None, None) => Err(flaw(0, "no XML: there is no element".to_owned())),
    }
}

fn element(
    text: &str,
    reader: &NsReader<&[u8]>,
    tag: &BytesStart<'_>,
    span: Range<usize>,
) -> std::result::Result<Element, Flaw> {
    let (namespace, name) = reader.resolver().resolve_element(tag.name());
    let namespace = bound(&namespace, span.start)?;
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| flaw(span.start, format!("no XML: {e}")))?;
        let at = within(text, &attribute.value).unwrap_or(span.start);
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|e| flaw(at, format!("no XML: {e}")))?.into_owned();
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let namespace = bound(&namespace, at)?;
        let value = At { value, span: at..at + attribute.value.len() };
        attributes.push(Attribute { name: name.into_inner().to_owned(), namespace, value });
        if attributes.len() > MOST_ATTRIBUTES {
            return Err(flaw(span.start, "no topology: an element has too many attributes".to_owned()));
        }
    }
    let name = name.into_inner().to_owned();
    Ok(Element { name, namespace, span, text: String::new(), attributes, children: Vec::new() })
}

fn bound(namespace: &ResolveResult<'_>, at: usize) -> std::result::Result<String, Flaw> {
    match namespace {
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Bound(namespace) => Ok(namespace.into_inner().to_owned()),
        ResolveResult::Unknown(prefix) => Err(flaw(at, format!("no XML: the prefix `{prefix}` is not declared"))),
    }
}

/// Where a piece stands that was borrowed from the text.
fn within(text: &str, piece: &str) -> Option<usize> {
    (piece.as_ptr() as usize).checked_sub(text.as_ptr() as usize).filter(|at| at + piece.len() <= text.len())
}

fn attach(element: Element, open: &mut [Element], root: &mut Option<Element>) -> std::result::Result<(), Flaw> {
    match open.last_mut() {
        Some(above) => above.children.push(element),
        None if root.is_some() => return Err(flaw(element.span.start, "no XML: a second root element".to_owned())),
        None => *root = Some(element),
    }
    Ok(())
}

fn add_text(open: &mut [Element], piece: &str, at: usize) -> std::result::Result<(), Flaw> {
    match open.last_mut() {
        Some(element) => element.text.push_str(piece),
        None if piece.trim().is_empty() => {}
        None => return Err(flaw(at, "no XML: text outside of the root element".to_owned())),
    }
    Ok(())
}

fn flaw(at: usize, message: String) -> Flaw {
    Flaw { span: at..at, message, hint: None }
}

fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
