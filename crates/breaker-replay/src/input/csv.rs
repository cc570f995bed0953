//! CSV with a header, one record a line.

use csv_core::{ReadRecordResult, Reader};

use super::{
    fields::{Field, Fields, Names, Value},
    lines::LONGEST,
};

/// A record may have so many columns.
const COLUMNS: usize = 1024;

/// Reads the records under one header.
pub(crate) struct Csv {
    reader: Reader,
    /// The fields of the columns.
    header: Vec<Option<Field>>,
    text: Box<[u8]>,
    ends: Box<[usize]>,
}

impl Csv {
    /// Understands the header.
    ///
    /// # Errors
    ///
    /// Names the column that is missing.
    pub(crate) fn new(line: &[u8], names: &Names) -> Result<Self, String> {
        let mut csv = Self {
            reader: Reader::new(),
            header: vec![],
            text: vec![0; LONGEST].into(),
            ends: vec![0; COLUMNS].into(),
        };
        csv.header = csv
            .record(line)
            .ok_or("the header is no CSV record")?
            .map(|name| names.field(name))
            .collect();
        if csv.header.contains(&Some(Field::Time)) {
            return Ok(csv);
        }
        let name = names.name(Field::Time).unwrap_or_default();
        Err(format!(
            "the header has no column `{name}`; name the columns with --time, --service, --status or --ok, and --duration"
        ))
    }

    /// The fields of a record; `None` if it is none, or has too few columns.
    pub(crate) fn fields(&mut self, line: &[u8]) -> Option<Fields<'_>> {
        // Taken out and put back, because the record borrows the rest.
        let header = std::mem::take(&mut self.header);
        let count = self.read(line);
        self.header = header;
        let count = count.filter(|count| *count == self.header.len())?;
        let mut fields = Fields::default();
        for (field, value) in self
            .header
            .iter()
            .zip(Columns::of(&self.text, &self.ends[..count]))
        {
            if let Some(field) = field {
                fields.set(*field, Value::text(value));
            }
        }
        Some(fields)
    }

    fn record(&mut self, line: &[u8]) -> Option<Columns<'_>> {
        let count = self.read(line)?;
        Some(Columns::of(&self.text, &self.ends[..count]))
    }

    /// Cuts a line; how many columns it has.
    fn read(&mut self, line: &[u8]) -> Option<usize> {
        self.reader.reset();
        let (mut columns, mut written) = (0, 0);
        // An empty piece says that the text is over, where the first one has not done so.
        for piece in [line, b""] {
            let (result, _, bytes, ends) = self.reader.read_record(
                piece,
                &mut self.text[written..],
                &mut self.ends[columns..],
            );
            (written, columns) = (written + bytes, columns + ends);
            match result {
                ReadRecordResult::Record => return Some(columns),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::End => return None,
            }
        }
        None
    }
}

/// The columns of one record.
struct Columns<'a> {
    text: &'a [u8],
    ends: std::slice::Iter<'a, usize>,
    start: usize,
}

impl<'a> Columns<'a> {
    fn of(text: &'a [u8], ends: &'a [usize]) -> Self {
        Self {
            text,
            ends: ends.iter(),
            start: 0,
        }
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let end = *self.ends.next()?;
        let column = &self.text[self.start..end];
        self.start = end;
        Some(column)
    }
}
