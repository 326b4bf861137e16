//! The lowered text as a list of pieces, and the table that leads its columns back to the source.

/// One stretch of the lowered text and the source offset that it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) anchor: u32,
    text: Text,
}

#[derive(Clone, Copy, Debug)]
enum Text {
    Source(u32, u32),
    Fixed(&'static str),
    Made(u32, u32),
    Pipes(u32),
    Newlines(u32),
    Open(u32),
    Close(u32),
}

/// What a pipeline becomes where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its objects go to the stream.
    Emit,
    /// No pipeline but a value: it goes to the stream, unless it is the block's value.
    Offer,
    /// Its objects are the value.
    Collect,
    /// Its objects are the value, and the value is a truth.
    Truth,
    /// It is handed over as it is, to a function that takes pipelines.
    Raw,
}

impl End {
    fn open(self) -> &'static str {
        match self {
            Self::Emit | Self::Offer => "__emit(",
            Self::Collect => "__collect(",
            Self::Truth => "__true(__collect(",
            Self::Raw => "",
        }
    }

    fn close(self) -> &'static str {
        match self {
            Self::Emit | Self::Offer | Self::Collect => ")",
            Self::Truth => "))",
            Self::Raw => "",
        }
    }
}

/// A place in the output before which something may still be inserted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    index: u32,
    /// The source offset of the place.
    pub(super) at: u32,
}

/// The output while it grows: copied stretches of source between made-up ones.
///
/// Source from `run` on is not yet a piece: `flush` copies it, `drop_to` leaves it out.
pub(super) struct Output<'a> {
    source: &'a str,
    pieces: Vec<Piece>,
    made: String,
    run: usize,
    ends: Vec<End>,
}

impl<'a> Output<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, pieces: Vec::new(), made: String::new(), run: 0, ends: Vec::new() }
    }

    /// Copies the source up to `to`.
    pub(super) fn flush(&mut self, to: usize) {
        if to > self.run {
            self.pieces.push(Piece { anchor: self.run as u32, text: Text::Source(self.run as u32, to as u32) });
            self.run = to;
        }
    }

    /// Copies the source up to `from` and leaves out what stands between `from` and `to`, but for its line ends.
    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.flush(from);
        let dropped = self.source.get(self.run..to).unwrap_or_default();
        let lines = count_lines(dropped);
        self.newlines(lines);
        self.run = self.run.max(to);
    }

    /// Goes on at `to`; the caller answers for line ends in between.
    pub(super) fn drop_to(&mut self, to: usize) {
        self.run = to;
    }

    /// Up to where the source is copied or left out.
    pub(super) fn reached(&self) -> usize {
        self.run
    }

    pub(super) fn put(&mut self, text: &'static str) {
        self.pieces.push(Piece { anchor: self.run as u32, text: Text::Fixed(text) });
    }

    /// Puts text that `write` appends to the arena.
    pub(super) fn make(&mut self, anchor: usize, write: impl FnOnce(&mut String)) {
        let start = self.made.len();
        write(&mut self.made);
        self.pieces.push(Piece { anchor: anchor as u32, text: Text::Made(start as u32, self.made.len() as u32) });
    }

    /// Puts a text that stands for the source at `anchor`.
    pub(super) fn put_for(&mut self, anchor: u32, text: &'static str) {
        self.pieces.push(Piece { anchor, text: Text::Fixed(text) });
    }

    pub(super) fn newlines(&mut self, count: u32) {
        if count > 0 {
            self.pieces.push(Piece { anchor: self.run as u32, text: Text::Newlines(count) });
        }
    }

    pub(super) fn mark(&self, at: usize) -> Mark {
        Mark { index: self.pieces.len() as u32, at: at as u32 }
    }

    pub(super) fn insert(&mut self, mark: Mark, text: &'static str) {
        self.insert_piece(mark, Text::Fixed(text));
    }

    /// Opens a pipeline of `pipes` stages after its head at `mark` and closes it here; returns its number.
    pub(super) fn enclose(&mut self, mark: Mark, pipes: u32, end: End) -> u32 {
        let id = self.ends.len() as u32;
        self.ends.push(end);
        if pipes > 0 {
            self.insert_piece(mark, Text::Pipes(pipes));
        }
        self.insert_piece(mark, Text::Open(id));
        self.pieces.push(Piece { anchor: self.run as u32, text: Text::Close(id) });
        id
    }

    /// Makes what would be emitted the value of its block.
    pub(super) fn collect(&mut self, id: u32) {
        if let Some(end) = self.ends.get_mut(id as usize) {
            *end = if *end == End::Offer { End::Raw } else { End::Collect };
        }
    }

    /// Leaves an empty piece that `fill` may give a text later.
    pub(super) fn hole(&mut self) -> u32 {
        self.put("");
        self.pieces.len() as u32 - 1
    }

    pub(super) fn fill(&mut self, hole: u32, text: &'static str) {
        if let Some(piece) = self.pieces.get_mut(hole as usize) {
            piece.text = Text::Fixed(text);
        }
    }

    /// How many pieces there are: the start of a stretch for `take`.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Opens a bracket before piece `index`.
    pub(super) fn insert_at(&mut self, index: usize, text: &'static str) {
        let anchor = self.pieces.get(index).map_or(self.run as u32, |piece| piece.anchor);
        self.pieces.insert(index.min(self.pieces.len()), Piece { anchor, text: Text::Fixed(text) });
    }

    /// Takes the pieces from `index` on away, to be put back in another order.
    pub(super) fn take(&mut self, index: usize) -> Vec<Piece> {
        self.pieces.split_off(index.min(self.pieces.len()))
    }

    pub(super) fn put_back(&mut self, pieces: &[Piece]) {
        self.pieces.extend_from_slice(pieces);
    }

    /// Inserts before `mark`, splitting the copied stretch in which it lies.
    fn insert_piece(&mut self, mark: Mark, text: Text) {
        let index = mark.index as usize;
        let piece = Piece { anchor: mark.at, text };
        if index >= self.pieces.len() {
            self.flush(mark.at as usize);
            self.pieces.push(piece);
            return;
        }
        let Some(Piece { text: Text::Source(start, end), .. }) = self.pieces.get(index).copied() else {
            self.pieces.insert(index, piece);
            return;
        };
        if mark.at <= start || mark.at > end {
            self.pieces.insert(index, piece);
            return;
        }
        if mark.at == end {
            self.pieces.insert(index + 1, piece);
            return;
        }
        let rest = Piece { anchor: mark.at, text: Text::Source(mark.at, end) };
        if let Some(first) = self.pieces.get_mut(index) {
            first.text = Text::Source(start, mark.at);
        }
        self.pieces.splice(index + 1..=index, [piece, rest]);
    }

    /// Writes everything out.
    pub(super) fn compose(mut self) -> (String, ColumnMap) {
        self.flush(self.source.len());
        if let [Piece { text: Text::Source(0, end), .. }] = self.pieces.as_slice()
            && *end as usize == self.source.len()
        {
            return (self.source.to_owned(), ColumnMap::default());
        }
        let mut text = String::with_capacity(self.source.len() + 16 * self.pieces.len());
        let mut entries = Vec::with_capacity(self.pieces.len());
        let mut here = Place::START;
        let mut cursor = Cursor::new(self.source);
        for piece in &self.pieces {
            let start = text.len();
            let mut copied = false;
            match piece.text {
                Text::Source(from, to) => {
                    copied = true;
                    text.push_str(self.source.get(from as usize..to as usize).unwrap_or_default());
                }
                Text::Fixed(fixed) => text.push_str(fixed),
                Text::Made(from, to) => text.push_str(self.made.get(from as usize..to as usize).unwrap_or_default()),
                Text::Pipes(count) => (0..count).for_each(|_| text.push_str("__pipe(")),
                Text::Newlines(count) => (0..count).for_each(|_| text.push('\n')),
                Text::Open(id) => text.push_str(self.ends.get(id as usize).map_or("", |end| end.open())),
                Text::Close(id) => text.push_str(self.ends.get(id as usize).map_or("", |end| end.close())),
            }
            let source = cursor.seek(piece.anchor as usize);
            entries.push(Entry { here, source, copied });
            here = here.after(text.get(start..).unwrap_or_default());
        }
        (text, ColumnMap { entries })
    }
}

/// Leads a position in the lowered text back to the operator's own text.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnMap {
    entries: Vec<Entry>,
}

impl ColumnMap {
    /// The source position (line, column; both from 1, columns in characters) of a position in the lowered text.
    #[must_use]
    pub(crate) fn original(&self, line: u32, column: u32) -> (u32, u32) {
        let asked = Place { line, column };
        let after = self.entries.partition_point(|entry| entry.here <= asked);
        let Some(entry) = after.checked_sub(1).and_then(|i| self.entries.get(i)) else {
            return (line, column);
        };
        if !entry.copied {
            return (entry.source.line, entry.source.column);
        }
        if line == entry.here.line {
            return (entry.source.line, entry.source.column + (column - entry.here.column));
        }
        (entry.source.line + (line - entry.here.line), column)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    here: Place,
    source: Place,
    copied: bool,
}

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    const START: Self = Self { line: 1, column: 1 };

    fn after(self, text: &str) -> Self {
        // Most pieces are a few bytes long, for which one plain loop beats three searches.
        if text.len() <= 48 {
            return text.bytes().fold(self, |place, byte| match byte {
                b'\n' => Self { line: place.line + 1, column: 1 },
                0x80..=0xbf => place,
                _ => Self { line: place.line, column: place.column + 1 },
            });
        }
        match text.rfind('\n') {
            None => Self { line: self.line, column: self.column + text.chars().count() as u32 },
            Some(last) => Self {
                line: self.line + count_lines(text),
                column: text.get(last + 1..).unwrap_or_default().chars().count() as u32 + 1,
            },
        }
    }
}

/// Finds the place of offsets that are asked mostly in order; each step costs its distance.
pub(super) struct Cursor<'a> {
    source: &'a str,
    at: usize,
    place: Place,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, place: Place::START }
    }

    /// The place of an offset; one inside a character counts as its start.
    pub(super) fn seek(&mut self, offset: usize) -> Place {
        let mut offset = offset.min(self.source.len());
        while !self.source.is_char_boundary(offset) {
            offset -= 1;
        }
        if offset >= self.at {
            self.place = self.place.after(self.source.get(self.at..offset).unwrap_or_default());
        } else {
            let between = self.source.get(offset..self.at).unwrap_or_default();
            let lines = count_lines(between);
            if lines == 0 {
                self.place.column -= between.chars().count() as u32;
            } else {
                let before = self.source.get(..offset).unwrap_or_default();
                let start = before.rfind('\n').map_or(0, |i| i + 1);
                self.place.line -= lines;
                self.place.column = before.get(start..).unwrap_or_default().chars().count() as u32 + 1;
            }
        }
        self.at = offset;
        self.place
    }
}

/// How many line ends a text has.
#[allow(
    clippy::naive_bytecount,
    reason = "the compiler turns it into vector code; a crate for it is not worth its weight"
)]
pub(super) fn count_lines(text: &str) -> u32 {
    text.as_bytes().iter().filter(|&&byte| byte == b'\n').count() as u32
}
